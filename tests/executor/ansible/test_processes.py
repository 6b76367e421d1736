"""Whatever a process does to get away, it is found by its descent or by its marker, and it is ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from harness import PATIENCE
from harness.bench import wait_until
from harness.fakes import RUN_ID

from runner.executor.ansible import processes

MARKED = {**os.environ, processes.MARKER: RUN_ID}


@pytest.fixture
def started():
    """Starts shell words in a session of their own; whatever is left of them is killed."""
    running = []

    def start(words, **options):
        process = subprocess.Popen(["/bin/sh", "-c", words], start_new_session=True, stdout=subprocess.PIPE, **options)
        running.append(process)
        assert process.stdout.readline() == b"ready\n"
        return process

    yield start
    for process in running:
        processes.end(lambda process=process: living(*processes.descendants(process.pid), process.pid), grace=0)
        process.communicate()


def living(*pids):
    return [pid for pid in pids if processes.is_alive(pid)]


def gone(pid, within=PATIENCE):
    deadline = time.monotonic() + within
    while processes.is_alive(pid):
        assert time.monotonic() < deadline, f"{pid} lives"
        time.sleep(0.01)
    return True


def stat_of(pid):
    """The state of `pid`, its parent and what else proc(5) says."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def python(program, **options):
    """What a Python of its own prints, which has the processes module as `processes`."""
    program = "import os, signal, subprocess, sys, time\nfrom runner.executor.ansible import processes\n" + program
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=PATIENCE, check=False, **options
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.split()


def test_descendants_are_the_living_ones_parents_first(started):
    process = started("sh -c 'sh -c \"echo ready; sleep 900; true\"; true'; true")

    while len(found := processes.descendants(process.pid)) < 3:
        time.sleep(0.01)  # the last of them starts after the word that they are ready

    parents = [int(stat_of(pid)[1]) for pid in found]
    assert len(found) == 3
    assert parents == [process.pid, *found[:2]]


def test_a_zombie_is_not_alive_and_no_descendant(started):
    process = started("echo ready")

    gone(process.pid)

    assert stat_of(process.pid)[0] == "Z"
    assert process.pid not in processes.descendants(os.getpid())


def test_a_process_that_never_was_is_not_alive():
    assert (processes.is_alive(2**22 + 1), processes.descendants(2**22 + 1)) == (False, [])


def test_those_that_carry_the_marker_are_found_whoever_their_parent_is(started):
    marked = started("setsid sh -c 'echo ready; sleep 900' & wait", env=MARKED)
    started("echo ready; sleep 900", env={**os.environ, processes.MARKER: RUN_ID + "0"})
    started("echo ready; sleep 900", env={**os.environ, "X" + processes.MARKER: RUN_ID})

    assert processes.belonging({RUN_ID}) == sorted([marked.pid, *processes.descendants(marked.pid)])


def test_those_that_name_something_are_found_whoever_their_parent_is(started, tmp_path):
    naming = started(f"setsid sh -c 'echo ready; sleep 900; : {tmp_path}/x' & wait")
    started("echo ready; sleep 900")

    # A child names what its parent does until it has become its own program
    def found():
        return sorted(processes.naming(f"{tmp_path}/")) == sorted([naming.pid, *processes.descendants(naming.pid)[:1]])

    wait_until(found, "those that name it are found, and nobody else")


def test_a_process_does_not_find_itself():
    assert python(f"print(*processes.belonging([{RUN_ID!r}]), 'nobody')", env=MARKED) == ["nobody"]


def test_a_process_that_obeys_has_the_time_to_tidy(started, tmp_path):
    tidy = tmp_path / "tidy"
    process = started(f"trap 'sleep 0.2; touch {tidy}; exit' TERM; echo ready; while :; do sleep 0.05; done")

    processes.end(lambda: living(process.pid), grace=10)

    assert tidy.exists()


def test_a_process_that_ignores_the_signal_is_killed_when_its_grace_is_over(started):
    process = started("trap '' TERM INT HUP; echo ready; while :; do sleep 0.1; done")
    before = time.monotonic()

    processes.end(lambda: living(process.pid), grace=0.3)

    assert not processes.is_alive(process.pid)
    assert time.monotonic() - before >= 0.3


def test_a_process_that_is_stopped_is_killed(started):
    process = started("echo ready; exec sleep 900")
    process.send_signal(signal.SIGSTOP)
    while stat_of(process.pid)[0] != "T":
        time.sleep(0.01)

    processes.end(lambda: living(process.pid), grace=0.1)

    assert not processes.is_alive(process.pid)


def test_ending_nothing_takes_no_time(monkeypatch):
    waits = []
    monkeypatch.setattr(time, "sleep", waits.append)

    processes.end(list, grace=60)

    assert waits == []


ESCAPE = """
processes.adopt_orphans()
words = "(setsid sh -c 'trap \\"\\" TERM; echo ready; sleep 900; sleep 900' &) ; exit"
with subprocess.Popen(["/bin/sh", "-c", words], stdout=subprocess.PIPE) as shell:
    shell.stdout.readline()
shell.wait()
before = processes.descendants(os.getpid())
processes.end(lambda: processes.descendants(os.getpid()), grace=0.1)
print(bool(before), len(processes.descendants(os.getpid())), sum(map(processes.is_alive, before)))
"""


def test_a_double_fork_into_another_session_does_not_escape():
    assert python(ESCAPE) == ["True", "0", "0"]


FORKING = """
processes.adopt_orphans()
words = 'trap "" TERM; f() { echo ready; for i in 1 2 3 4 5 6 7 8 9; do sleep 900 & sleep 0.02; done; wait; }; f & wait'
shell = subprocess.Popen(["/bin/sh", "-c", words], stdout=subprocess.PIPE)
shell.stdout.readline()
processes.end(lambda: processes.descendants(os.getpid()), grace=0)
print(len(processes.descendants(os.getpid())))
"""


def test_one_that_goes_on_making_others_is_ended_with_them():
    assert python(FORKING) == ["0"]


MARKED_ENDS_MARKED = f"""
child = subprocess.Popen(["sleep", "900"])
processes.end(lambda: processes.belonging([{RUN_ID!r}]), grace=0.1)
print(processes.is_alive(child.pid), "survived")
"""


def test_whoever_ends_the_marked_ones_does_not_end_itself():
    assert python(MARKED_ENDS_MARKED, env=MARKED) == ["False", "survived"]


def test_no_zombie_is_left_of_what_was_ended():
    left = python(
        "child = subprocess.Popen(['sleep', '900'])\n"
        "processes.end(lambda: processes.descendants(os.getpid()), grace=0)\n"
        "print(os.path.exists(f'/proc/{child.pid}'))\n"
    )

    assert left == ["False"]


DIE = """
child = os.fork()
if not child:
    processes.die_with_parent(os.getppid())
    print(os.getpid(), flush=True)
    time.sleep(900)
time.sleep(900)
"""


def test_a_process_dies_with_its_parent():
    with subprocess.Popen(
        [sys.executable, "-c", "import os, time\nfrom runner.executor.ansible import processes\n" + DIE],
        stdout=subprocess.PIPE,
    ) as parent:
        child = int(parent.stdout.readline())
        alive = processes.is_alive(child)
        parent.kill()

    assert alive
    assert gone(child)


def test_a_process_whose_parent_had_died_before_it_asked_ends_at_once():
    told = python(
        "child = os.fork()\n"
        "if not child:\n"
        "    processes.die_with_parent(os.getppid() + 1)\n"
        "    print('lives')\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )

    assert told == ["1"]


def test_signals_go_to_nobody_who_is_not_named(started):
    other, process = started("echo ready; exec sleep 900"), started("echo ready; exec sleep 900")

    processes.end(lambda: living(process.pid), grace=5)

    assert (processes.is_alive(process.pid), processes.is_alive(other.pid)) == (False, True)
