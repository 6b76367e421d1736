"""The state of a run survives its command, and says so."""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import subprocess
import sys
from dataclasses import replace

import pytest

from runner.core.errors import AuditError, InvalidInputError, LockedError
from runner.store import manifest
from runner.store.owed_undos import ArmedHost, OwedUndo
from runner.store.run_state import RunState
from runner.store.state_directory import StateDirectory

RUN, LATER = "20260101T000000Z-0123abcd", "20260102T000000Z-0123abcd"
STATE = RunState(
    run=RUN,
    runbook="RUN-001",
    title="Disk is full",
    started="2026-01-01T00:00:00+00:00",
    user="alice",
    inventories=("/a", "/b"),
    captured={"one": {"stuck": [1, 2]}},
    steps={"a": {"one": "passed"}},
    private=("/tmp/runbook-1",),
)
OWED = OwedUndo("db1", "RUN-001", "deploy", RUN, "2026-01-01T00:00:00")
ARMED = ArmedHost("db2", "alice", ("/a",), "2026-01-01T00:10:00", pid=1, process_started=1, boot_id="one")


@pytest.fixture
def state(tmp_path):
    return StateDirectory.open(tmp_path / "state")


def refusal(error, call, *args):
    with pytest.raises(error) as caught:
        call(*args)
    return caught.value.message, caught.value.hint


@pytest.mark.parametrize("place", ["leases", "outbox", "incidents"])
def test_a_directory_is_at_rest_unless_somebody_waits(state, place):
    before = state.at_rest
    (state.path / place).mkdir()
    empty = state.at_rest
    (state.path / place / "broken.json").touch()

    assert (before, empty, state.at_rest) == (True, True, False)


def test_a_run_that_goes_on_keeps_room_on_its_disk_for_its_end(small_disk):
    state = StateDirectory.open(small_disk / "state")
    directory = state.begin(STATE)
    with contextlib.suppress(OSError), (small_disk / "filler").open("wb", buffering=0) as filler:
        while True:
            filler.write(b"x" * 4096)
    with pytest.raises(AuditError, match="No space left on device"):
        directory.update(captured={"one": {"all": "x" * 9_000}})

    directory.give_room()
    directory.update(status="finished")

    assert (directory.state.status, manifest.is_untouched(directory.path)) == ("finished", True)
    directory.keep_room()  # as for another attempt
    with pytest.raises(AuditError, match="No space left on device"):
        state.begin(replace(STATE, run=LATER))


def test_a_run_is_begun_whole_once_and_what_a_killed_process_has_left_of_it_is_no_run(state):
    (state.runs_path / f".{STATE.run}.4711").mkdir(parents=True)
    first = state.begin(STATE)
    with pytest.raises(AuditError, match="not empty"):
        state.begin(replace(STATE, title="Another"))

    assert (state.names(), first.state, first.live) == ([STATE.run], STATE, True)
    first.release()


def test_a_directory_is_at_rest_unless_a_run_goes_on_or_has_died(state):
    directory = state.begin(STATE)
    going_on = state.at_rest
    directory.release()
    died = state.at_rest
    directory.hold().update(status="finished", outcome="passed", private=())
    directory.release()

    assert (going_on, died, state.at_rest) == (False, False, True)


def test_only_what_a_drill_has_armed_is_for_the_next_command_to_take_back(state):
    state.owed_undos.add(OWED)
    owed = state.at_rest
    state.owed_undos.add(replace(OWED, host="db2", armed=ARMED))

    assert (owed, state.at_rest) == (True, False)


def test_a_state_is_what_was_saved(state):
    directory = state.begin(STATE)
    assert directory.state == state.run(RUN).state == STATE
    directory.update(status="finished", outcome="passed", private=())
    assert state.run(RUN).state == replace(STATE, status="finished", outcome="passed", private=())
    directory.release()


def test_nobody_else_may_look_into_it(state):
    state.begin(STATE).release()
    assert [stat.S_IMODE(path.stat().st_mode) for path in (state.path, state.run(RUN).path)] == [0o700, 0o700]


def test_runs_are_told_oldest_first_and_nothing_else_is_a_run(state):
    for run in (LATER, RUN):
        state.begin(replace(STATE, run=run)).release()
    (state.path / "runs" / "notes").mkdir()
    (state.path / "runs" / "20260103T000000Z-0123abcd").mkdir()
    assert [directory.path.name for directory in state.runs()] == [RUN, LATER]


def test_without_any_run_there_is_none(state):
    assert (list(state.runs()), list(state.dead())) == ([], [])


@pytest.mark.parametrize("run", [LATER, "../runs/" + RUN, "", "RUN-001"])
def test_what_is_no_run(state, run):
    state.begin(STATE).release()
    assert refusal(InvalidInputError, state.run, run) == (
        f"there is no run {run!r}",
        "runbook list --runs shows all of them",
    )


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"run": "x"}', '{"inventories": 5, "private": []}', "\udcff"])
def test_a_state_that_is_damaged_is_named(state, text):
    state.begin(STATE).release()
    path = state.run(RUN).path / "run.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    message, hint = refusal(InvalidInputError, lambda: state.run(RUN).state)
    assert message.startswith(f"{path} is not the state of a run: ")
    assert hint == f"move {path.parent} away; the audit log has what happened"


def test_one_command_holds_a_run(state):
    held = state.begin(STATE)
    assert refusal(LockedError, state.run(RUN).hold) == (f"the run {RUN} is held by another process", "")
    assert list(state.dead()) == []
    held.release()
    held.release()
    state.run(RUN).hold().release()


def test_a_run_whose_command_was_killed_is_found(state):
    # Given a command that holds a run, and a run that is over
    state.begin(replace(STATE, run=LATER, status="finished")).release()
    program = (
        "import sys, time; from pathlib import Path; from dataclasses import replace;"
        "from runner.store.run_state import RunState;"
        "from runner.store.state_directory import StateDirectory;"
        f"held = StateDirectory.open(Path({str(state.path)!r})).begin({STATE!r});"
        "print('held', flush=True); time.sleep(900)"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as command:
        assert command.stdout.readline() == "held\n"
        assert list(state.dead()) == []
        # When it is killed
        os.kill(command.pid, signal.SIGKILL)
        command.wait()
    # Then its run is dead, and given to one who asks
    (dead,) = state.dead()
    assert dead.state == STATE
    assert list(state.dead()) == []
    dead.release()


@pytest.mark.parametrize("mode", [0o770, 0o702, 0o777])
def test_a_directory_that_others_may_write_to_is_refused(tmp_path, mode):
    (tmp_path / "state").mkdir()
    (tmp_path / "state").chmod(mode)
    message, hint = refusal(InvalidInputError, StateDirectory.open, tmp_path / "state")
    assert message == f"{tmp_path / 'state'} must be a directory that only you may write to"
    assert hint == f"chmod 700 {tmp_path / 'state'}, or use --state-dir"


def test_a_link_or_a_file_is_no_directory(tmp_path):
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "file").touch()
    for name in ("link", "file", "file/below"):
        with pytest.raises(InvalidInputError):
            StateDirectory.open(tmp_path / name)


@pytest.mark.parametrize("place", ["audit", "runs", f"runs/{RUN}"])
def test_nothing_that_is_recorded_may_lie_elsewhere(state, tmp_path, place):
    link = state.path / place
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(tmp_path)

    assert refusal(InvalidInputError, StateDirectory.open, state.path) == (
        f"{link} is a symbolic link, and what is recorded must not lie elsewhere",
        f"put what it leads to in its place, or use --state-dir: ls -l {link}",
    )


def test_what_can_not_be_saved_is_told(small_disk):
    state = StateDirectory.open(small_disk / "state")
    directory = state.begin(STATE)
    too_much = {"one": {"stuck": "x" * 1_000_000}}
    assert refusal(AuditError, lambda: directory.update(captured=too_much)) == (
        f"{directory.path / 'run.json'}: No space left on device",
        "make room, or use --state-dir",
    )
    assert directory.state == STATE
    directory.release()


def test_a_run_that_can_not_be_begun_is_told(state):
    (state.path / "runs").write_text("in the way")
    message, hint = refusal(AuditError, state.begin, STATE)
    assert message.startswith(f"{state.path / 'runs' / RUN}: ")
    assert hint == "make room, or use --state-dir"
