"""Two cannot do the same at once: exactly one gets the locks, and the other learns who has them."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from harness.fakes import Clock

from runner.core.errors import AuditError, ExitCode, InvalidInputError, LockedError
from runner.store.locks import host_locks as locks_module
from runner.store.locks.holder import Blocked, Holder
from runner.store.locks.host_locks import Locks

NAMES = ["host:db1", "host:db2", "lock:deploy-pipeline"]
CLOCK = Clock()
ALICE = Holder("run-a", "RUN-001", "alice", "ctl1", os.getpid(), CLOCK())
BOB = replace(ALICE, run="run-b", user="bob")


@pytest.fixture
def locks(tmp_path):
    return Locks(tmp_path / "locks", clock=CLOCK)


class Contender:
    """Another process, that takes and releases when it is told."""

    def __init__(self, directory, user):
        words = [sys.executable, str(Path(__file__).with_name("lock_contender.py")), str(directory), user]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.process = subprocess.Popen(words, text=True, env={**os.environ, "PYTHONPATH": str(Path.cwd())}, **pipes)

    def say(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()

    def hear(self):
        return self.process.stdout.readline().strip()

    def take(self, *names):
        self.say("take", 0, *names)
        return self.hear().partition(" ")[2]

    def end(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


@pytest.fixture
def contender(locks):
    made = []

    def make(user):
        made.append(Contender(locks.path, user))
        return made[-1]

    yield make
    for each in made:
        each.end()


def test_of_two_who_start_within_10_ms_exactly_one_wins_a_hundred_times(contender):
    both = [contender("alice"), contender("bob")]
    for each in both:
        each.say("release")
        each.hear()
    close, wins = 0, {"alice": 0, "bob": 0}

    while close < 100:
        at = time.monotonic() + 0.003
        for each in both:
            each.say("take", at, *NAMES)
        (first, *one), (second, *other) = (each.hear().split(" ", 2) for each in both)
        close += abs(float(first) - float(second)) < 0.01
        loser, winner = (other, "alice") if one[0] == "won" else (one, "bob")
        assert sorted([one[0], other[0]]) == ["refused", "won"]
        assert loser[1].startswith(f"host:db1, host:db2, lock:deploy-pipeline are held by {winner} on ctl")
        wins[winner] += 1
        for each in both:
            each.say("release")
            assert each.hear() == "released"

    assert sum(wins.values()) >= close


def test_when_the_holder_is_killed_the_kernel_frees_its_locks_at_once(locks, contender):
    alice = contender("alice")
    assert alice.take(*NAMES) == "won"
    with pytest.raises(LockedError, match="held by alice on ctl"):
        locks.take(NAMES[:1], BOB)

    alice.end()

    with locks.take(NAMES, BOB) as held:
        assert [left.run for left in held.left_by] == ["run-alice"]
    with locks.take(NAMES, BOB) as held:
        assert held.left_by == ()


def test_a_child_gives_back_nothing_and_keeps_nothing_when_its_parent_is_killed(locks, contender):
    alice = contender("alice")
    alice.take(*NAMES)
    alice.say("fork", 30)
    assert alice.hear() == "forked"
    assert [name for name, _ in locks.held()] == NAMES

    alice.end()

    locks.take(NAMES, BOB).release()


def test_a_program_that_was_started_outlives_the_holder_and_keeps_nothing(locks):
    held = locks.take(NAMES, ALICE)
    with subprocess.Popen(["sleep", "900"]) as child:
        found = [str(link.readlink()) for link in Path(f"/proc/{child.pid}/fd").iterdir()]
        child.kill()
    held.release()

    assert not [path for path in found if path.startswith(str(locks.path))]


def test_the_refusal_says_who_where_at_which_step_and_for_how_long(locks):
    clock = Clock()
    locks = Locks(locks.path, clock=clock)
    with locks.take(NAMES, ALICE) as held:
        clock.forward(131.9)
        held.update(step="terminate-stuck")
        with pytest.raises(LockedError) as caught:
            locks.take(["host:db2", "host:web"], BOB)

    pid = os.getpid()
    assert caught.value.message == (
        f"host:db2 is held by alice on ctl1 (pid {pid}): run run-a of RUN-001 at the step terminate-stuck, for 2m11s"
    )
    assert caught.value.hint == "--wait 10m waits for it; runbook locks shows who holds what"
    assert caught.value.exit_code is ExitCode.LOCKED


def test_each_holder_is_named_once(locks):
    with (
        locks.take(["host:c", "host:a"], ALICE),
        locks.take(["host:b"], replace(BOB, step="look")),
        pytest.raises(LockedError) as caught,
    ):
        locks.take(["host:c", "host:b", "host:a"], replace(ALICE, run="run-c"))

    pid = os.getpid()
    assert caught.value.message == (
        f"host:a, host:c are held by alice on ctl1 (pid {pid}): run run-a of RUN-001, for 0s; "
        f"host:b is held by bob on ctl1 (pid {pid}): run run-b of RUN-001 at the step look, for 0s"
    )


def test_who_is_refused_keeps_nothing_of_what_was_free(locks):
    with locks.take(["host:b"], ALICE):
        with pytest.raises(LockedError):
            locks.take(["host:a", "host:b", "host:c"], BOB)
        locks.take(["host:a", "host:c"], BOB).release()


def test_other_names_are_in_nobodys_way(locks):
    with locks.take(["host:a"], ALICE), locks.take(["host:b", "lock:a"], BOB):
        assert locks.held() == [("host:a", ALICE), ("host:b", BOB), ("lock:a", BOB)]
    assert locks.held() == []


def test_no_names_are_always_free(locks):
    with locks.take([], ALICE), locks.take([], BOB) as held:
        assert held.names == ()


def test_who_looks_is_in_nobodys_way(locks, contender):
    looking = threading.Event()

    def look():
        while not looking.is_set():
            locks.held()

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        for _ in range(100):
            locks.take(NAMES, ALICE).release()
    finally:
        looking.set()
        watcher.join()


def test_nothing_is_made_to_look_at_nothing(locks):
    assert (locks.held(), locks.path.exists()) == ([], False)


def test_runs_of_one_tree_join_what_the_first_holds(locks):
    inner = replace(BOB, tree="run-a", step="restart")
    with locks.take(["host:a", "host:b"], ALICE):
        with locks.take(["host:b", "host:c"], inner) as held:
            assert held.names == ("host:b", "host:c")
            assert locks.held() == [("host:a", ALICE), ("host:b", inner), ("host:c", inner)]
        assert locks.held() == [("host:a", ALICE), ("host:b", ALICE)]
    assert locks.held() == []


def test_a_process_that_does_not_descend_from_the_holder_joins_nothing(locks, contender):
    other = contender("alice")
    other.take("host:a")

    with pytest.raises(LockedError):
        locks.take(["host:a"], replace(BOB, tree="run-alice"))


def test_who_waits_is_told_for_whom_and_gets_it(locks):
    told, held = [], locks.take(["host:a"], ALICE)

    def waiting(found):
        told.append(found)
        held.release() if len(told) == 2 else held.update(step="next")

    with locks.take(["host:a"], BOB, wait=60, waiting=waiting):
        assert locks.held() == [("host:a", BOB)]
    assert told == [[Blocked(("host:a",), holder)] for holder in (ALICE, replace(ALICE, step="next"))]


def test_patience_has_an_end(locks):
    with locks.take(["host:a"], ALICE), pytest.raises(LockedError, match="host:a is held by alice"):
        locks.take(["host:a"], BOB, wait=0.01)


def test_waiting_can_be_given_up(locks):
    with locks.take(["host:a"], ALICE), pytest.raises(LockedError, match="host:a is held by alice"):
        locks.take(["host:a"], BOB, wait=3600, cancelled=lambda: True)


def test_a_lock_whose_file_was_removed_by_hand_is_noticed_at_the_next_step(locks):
    with locks.take(["host:a"], ALICE) as held:
        for path in locks.path.glob("*.lock"):
            path.unlink()
        with pytest.raises(LockedError, match="host:a is no longer held: its file is gone"):
            held.update(step="look")


def test_a_note_that_nobody_can_read_holds_all_the_same(locks):
    with locks.take(["host:a"], ALICE):
        for path in locks.path.glob("*.lock"):
            path.write_text("{")
            stem = path.stem
        with pytest.raises(LockedError, match="host:a is held by a process that does not say who it is"):
            locks.take(["host:a"], BOB)
        assert locks.held() == [(stem, None)]


def test_a_directory_that_everybody_may_write_to_is_refused(locks):
    locks.path.mkdir()
    locks.path.chmod(0o777)

    with pytest.raises(InvalidInputError, match="must be a directory that not everybody may write to"):
        locks.take(["host:a"], ALICE)


@pytest.mark.parametrize(("directory", "file"), [(0o700, 0o600), (0o770, 0o660)], ids=["own", "of a group"])
def test_the_files_belong_to_those_who_may_take_them(locks, directory, file):
    locks.path.mkdir()
    locks.path.chmod(directory)

    locks.take(["host:a"], ALICE).release()

    assert {path.stat().st_mode & 0o777 for path in locks.path.iterdir()} == {file}


def test_where_there_is_no_room_nothing_is_taken(small_disk):
    locks = Locks(small_disk / "locks", clock=CLOCK)
    locks.take(["host:a"], ALICE).release()
    with pytest.raises(OSError, match="No space"):
        (small_disk / "filler").write_bytes(b"x" * 1_000_000)

    with pytest.raises(AuditError, match="cannot be locked: No space left on device"):
        locks.take(["host:b"], ALICE)
    assert locks.held() == []


def test_a_link_in_place_of_a_lock_is_refused(locks, tmp_path):
    locks.take(["host:a"], ALICE).release()
    (path,) = locks.path.glob("*.lock")
    path.unlink()
    path.symlink_to(tmp_path / "elsewhere")

    with pytest.raises(LockedError, match="cannot be locked"):
        locks.take(["host:a"], ALICE)
    assert not (tmp_path / "elsewhere").exists()


def test_a_suspended_command_is_not_waited_for_for_ever(locks, monkeypatch):
    monkeypatch.setattr(locks_module, "_PATIENCE", 0.01)

    with locks._turn(), pytest.raises(LockedError, match="is in use all the time"):
        locks.take(["host:a"], ALICE)


@pytest.mark.parametrize(("boot", "seconds", "age"), [("boot-1", 90, 90), ("boot-2", 90, 3600), ("boot-1", -5, 0)])
def test_an_age_is_told_by_the_clock_that_was_not_set(boot, seconds, age):
    now = Clock()
    now.forward(3600)
    now.monotonic, now.boot = CLOCK.monotonic + seconds, boot

    assert ALICE.age(now()).total_seconds() == age


@pytest.mark.parametrize("note", ["", "{", "[]", "null", '{"lock": 1}', "[" * 100_000, '{"lock": "a", "since": {}}'])
def test_a_note_is_read_or_it_is_not(note):
    assert Holder.read(note)[1] is None


def test_a_note_is_read_as_it_was_written():
    assert Holder.read(replace(ALICE, step="look").note("host:a")) == ("host:a", replace(ALICE, step="look"))
