"""A process is known by its number and by when it was started, and is dead once it is a zombie."""

from __future__ import annotations

import os
import subprocess

from runner.core.process_stat import is_alive, parent, started

NOBODY = 2**22 + 1
"""More than the largest number that Linux gives a process."""


def test_this_process_is_alive_and_has_its_parent():
    assert (is_alive(os.getpid()), parent(os.getpid())) == (True, os.getppid())


def test_a_child_was_started_no_earlier_than_this_process():
    with subprocess.Popen(["sleep", "900"]) as child:
        alive, start = is_alive(child.pid), started(child.pid)
        child.kill()

    assert alive
    assert start >= started(os.getpid())


def test_a_zombie_is_dead():
    child = subprocess.Popen(["true"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)

    assert (is_alive(child.pid), started(child.pid)) == (False, None)
    child.wait()


def test_where_there_is_no_process_there_is_nothing_to_tell():
    assert (is_alive(NOBODY), started(NOBODY), parent(NOBODY)) == (False, None, 0)
