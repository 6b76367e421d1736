"""A demo's directory does not outlive it, and what a killed one left is swept by the next."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from fcntl import LOCK_EX, LOCK_NB, LOCK_SH
from pathlib import Path

import pytest

from runner.lab.demo_workspace import PREFIX, sweep, workspace
from runner.lab.directory_locks import lock

OWNER = """
import signal
from runner.lab.demo_workspace import workspace
with workspace() as directory:
    print(directory, flush=True)
    signal.pause()
"""


@pytest.fixture(autouse=True)
def temporary(monkeypatch):
    with tempfile.TemporaryDirectory(prefix="t-", dir="/tmp") as directory:  # where sockets have room below it
        monkeypatch.setattr(tempfile, "tempdir", directory)
        yield Path(directory)


def owner(temporary):
    return subprocess.Popen(
        [sys.executable, "-c", OWNER],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(temporary)},
    )


def test_it_is_there_for_the_block_and_gone_with_all_in_it_afterwards(temporary):
    with workspace() as directory:
        (directory / "deep/er").mkdir(parents=True)
        (directory / "deep/er/file").touch()
        during = list(temporary.iterdir())

    assert (during, list(temporary.iterdir())) == ([directory], [])


def test_it_is_gone_after_an_interrupt(temporary):
    with pytest.raises(KeyboardInterrupt), workspace():
        signal.raise_signal(signal.SIGINT)

    assert list(temporary.iterdir()) == []


def test_it_lies_in_tmp_where_a_socket_in_it_would_have_no_room_elsewhere(temporary, monkeypatch):
    long = temporary / ("d" * 80)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))

    with workspace() as directory:
        beside = list(long.iterdir())

    assert (directory.parent, beside, directory.exists()) == (Path("/tmp"), [], False)


def test_only_its_owner_may_list_it():
    with workspace() as directory:
        assert directory.stat().st_mode & 0o066 == 0


@pytest.mark.parametrize("busy", [False, True], ids=["at rest", "in use"])
def test_it_is_gone_soon_after_its_owner_was_killed(temporary, busy):
    # Given a demo, and what still writes into its directory for a while after its end
    with owner(temporary) as killed:
        directory = Path(killed.stdout.readline().strip())
        (directory / "data").mkdir()
        writes = 'for try in $(seq 200); do : >"$0/data/$try"; done 2>/dev/null; true'
        with subprocess.Popen(["sh", "-c", writes if busy else "true", directory]):
            # When
            killed.kill()
        killed.wait()
    # Then
    for _ in range(1000):
        if not directory.exists():
            break
        time.sleep(0.05)
    assert list(temporary.iterdir()) == []


def test_a_sweep_takes_what_nobody_holds_and_leaves_the_living_and_the_foreign(temporary):
    # Given one demo that lives, one that was killed with all that belongs to it, and something else with another name
    foreign, killed = temporary / "precious", temporary / f"{PREFIX}killed"
    foreign.mkdir()
    killed.mkdir()
    with owner(temporary) as alive:
        living = alive.stdout.readline().strip()
        # When
        sweep()
        # Then
        after = {str(path) for path in temporary.iterdir()}
        alive.kill()
    assert after == {str(foreign), living}


def test_a_sweep_follows_no_symbolic_link(temporary):
    precious = temporary / "precious"
    precious.mkdir()
    (temporary / f"{PREFIX}trap").symlink_to(precious)

    sweep()

    assert precious.is_dir()


def test_a_lock_excludes_others_until_its_descriptor_is_closed(tmp_path):
    first = lock(tmp_path, LOCK_SH)
    second = lock(tmp_path, LOCK_SH | LOCK_NB)
    os.close(second)

    with pytest.raises(BlockingIOError):
        lock(tmp_path, LOCK_EX | LOCK_NB)

    os.close(first)
    os.close(lock(tmp_path, LOCK_EX | LOCK_NB))
