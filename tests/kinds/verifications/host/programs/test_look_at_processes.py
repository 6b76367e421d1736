"""Processes are counted by their whole name: none that has ended, none of the look itself, none that only looks like it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest


@pytest.fixture
def start(tmp_path):
    """Starts a program under a name, and waits until it is called so."""
    started = []

    def begin(name):
        path = tmp_path / name
        if not path.exists():
            shutil.copy("/bin/sleep", path)
        process = subprocess.Popen([path, "60"])
        started.append(process)
        while path.name[:15] != Path(f"/proc/{process.pid}/comm").read_text()[:-1]:
            time.sleep(0.01)
        return process

    yield begin
    for process in started:
        process.kill()
        process.wait()


def test_all_that_live_are_counted_and_nothing_else(look, start):
    # Given two with the name, one that has ended, and two whose names are longer or shorter
    for name in ("k1-kind", "k1-kind", "k1-kinds", "k1-kin"):
        start(name)
    ended = start("k1-kind")
    ended.kill()
    os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)  # nobody has waited for it

    assert look(name="k1-kind") == {"count": 2}
    assert look(name="k1-none") == {"count": 0}


def test_names_of_which_the_kernel_keeps_the_same_part_are_told_apart(look, start):
    for name in ("k1-a-long-name-1", "k1-a-long-name-2", "k1-a-long-name-2"):
        start(name)

    assert look(name="k1-a-long-name-1") == {"count": 1}
    assert look(name="k1-a-long-name-2") == {"count": 2}
    assert look(name="k1-a-long-name-") == {"count": 0}


@pytest.mark.parametrize("name", ["with space", "-x", "a) S 1", "(b"])
def test_a_name_may_hold_anything(look, start, name):
    start(name)

    assert look(name=name) == {"count": 1}


def test_the_look_does_not_see_itself(look, start, tmp_path):
    # Given an interpreter of its own name, by which the look is started under a `timeout`
    interpreter = tmp_path / "k1-python"
    interpreter.symlink_to(sys.executable)

    assert look("setsid", "--wait", "timeout", "9", interpreter, "-c", WRAPPER, name="k1-python") == {"count": 0}


WRAPPER = "import subprocess, sys; sys.exit(subprocess.run(sys.argv[1:]).returncode)"


def test_without_a_name_there_is_no_answer(look):
    assert look(name="") == "the name is empty"


@pytest.mark.skipif(os.getuid() != 0, reason="only root mounts a /proc of its own")
def test_a_proc_that_hides_processes_is_no_answer(look):
    # Given a process 1 that belongs to somebody else
    hidden = 'mount -t proc -o hidepid=2 proc /proc && setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; exit $?'
    words = ["unshare", "--mount", "--pid", "--fork", "sh", "-c", hidden, "sh"]
    if subprocess.run([*words, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine lets nobody mount /proc")

    assert look(*words, name="sh").startswith("/proc hides the processes of other users (hidepid)")
