"""What a part of a run leaves is there for the next part, and ends when it is let go."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from harness import PATIENCE

from runner.core.process_stat import is_alive
from runner.executor.ansible.left_pythons import LeftPython, LeftPythons

KEY = ("ssh", "host")


@pytest.fixture
def pythons():
    made = LeftPythons()
    yield made
    made.close()


@pytest.fixture
def start():
    """Start what ends with its standard input, as a Python on a host does; what leads to it."""
    started = []

    def begin(command="exec cat"):
        process = subprocess.Popen(
            command, shell=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            stream.close()


def pipes(process):
    return [stream.fileno() for stream in (process.stdin, process.stdout, process.stderr)]


def leave(pythons, process, taught=()):
    """Leave the process as a part does, which has closed its own pipes by then."""
    pythons.leave(KEY, process.pid, pipes(process), taught)
    for stream in (process.stdin, process.stdout, process.stderr):
        stream.close()


def is_over(process):
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    return process.poll() is not None


def test_what_a_part_has_left_the_next_one_can_ask(pythons, start):
    # Given one that a part has left
    process = start()
    leave(pythons, process, ["a.module"])
    # When that part has ended by itself
    pythons.settle(keep=True)
    # Then it is there, with the pipes that lead to it
    (left,) = pythons.left
    assert left == LeftPython(KEY, process.pid, left.pipes, ("a.module",))
    os.write(left.pipes[0], b"asked")
    assert os.read(left.pipes[1], 10) == b"asked"
    assert pythons.descriptors[1:] == list(left.pipes)


def test_what_the_next_part_does_not_leave_again_is_let_go(pythons, start):
    # Given two that a part has left, of which the next one leaves one
    first, second = start(), start()
    for each in (first, second):
        leave(pythons, each)
    pythons.settle(keep=True)
    pythons.leave(KEY, second.pid, pythons.left[1].pipes, ["learned"])
    # When that has ended as well
    pythons.settle(keep=True)
    # Then only that one goes on
    assert [(each.pid, each.taught) for each in pythons.left] == [(second.pid, ("learned",))]
    assert (is_over(first), is_alive(second.pid)) == (True, True)


def test_nothing_is_kept_of_a_part_that_did_not_end_by_itself(pythons, start):
    process = start()
    leave(pythons, process)

    pythons.settle(keep=False)

    assert (pythons.left, is_over(process)) == ([], True)


def test_one_that_has_ended_or_is_nobody_of_ours_is_not_kept(pythons, start):
    # Given one that has ended, one that was waited for as well, and a process that is no child of this one
    ended, gone = start("true"), start("true")
    os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)
    gone.wait()
    for pid, of in ((ended.pid, ended), (gone.pid, gone), (1, start())):
        pythons.leave(KEY, pid, pipes(of), [])
    # When
    pythons.settle(keep=True)
    # Then
    assert pythons.left == []


def test_one_of_which_no_pipes_came_is_let_go(pythons, start):
    process = start()
    pythons._there.send(json.dumps([KEY, process.pid, []]).encode())

    pythons.settle(keep=True)

    assert pythons.left == []


def test_no_file_stays_open_for_what_was_let_go(pythons, start):
    before = len([*Path("/proc/self/fd").iterdir()])
    for _ in range(3):
        leave(pythons, start())
        pythons.settle(keep=True)
    pythons.end()

    assert len([*Path("/proc/self/fd").iterdir()]) == before


def test_at_the_end_all_are_gone_also_one_that_does_not_end_with_its_pipe(pythons, start):
    # Given one that ends with its pipe, and one that does not
    good, bad = start(), start("trap '' TERM HUP; while :; do sleep 0.1; done")
    for each in (good, bad):
        leave(pythons, each)
    pythons.settle(keep=True)
    # When
    pythons.end()
    # Then
    assert (is_over(good), is_over(bad), bad.returncode) == (True, True, -signal.SIGKILL)


def test_a_fork_leaves_what_it_has_started_to_the_process_that_adopts_it(pythons):
    # Given a fork, as a part of a run is, that starts one, leaves it, and ends
    child = os.fork()
    if not child:
        code = 1
        with contextlib.suppress(BaseException):
            made = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            pythons.leave(KEY, made.pid, pipes(made), [])
            code = 0
        os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    # When it is taken, while whoever started it has ended
    assert (pythons.receive(), pythons.receive()) == (True, False)
    (told,) = pythons._told
    # Then its pipes lead to it
    os.write(told.pipes[0], b"still there")
    assert os.read(told.pipes[1], 20) == b"still there"
    pythons.settle(keep=False)
    deadline = time.monotonic() + PATIENCE
    while is_alive(told.pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not is_alive(told.pid)
