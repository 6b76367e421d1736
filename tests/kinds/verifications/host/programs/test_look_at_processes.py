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

    def begin(name, *words, comm=""):
        path = tmp_path / name
        if not path.exists():
            shutil.copy("/bin/sleep", path)
        process = subprocess.Popen(words or [path, "60"], stdin=subprocess.PIPE, executable=None if comm else path)
        started.append(process)
        while os.fsencode(comm or path.name)[:15] != Path(f"/proc/{process.pid}/comm").read_bytes()[:-1]:
            time.sleep(0.01)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


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


LONG = "k1-a-long-name-of-a-program"
SLEEPS = "import time; time.sleep(60)"
ENDS_BEFORE_ITS_THREADS = """
import ctypes, threading, time
threading.Thread(target=time.sleep, args=(60,)).start()
ctypes.CDLL(None).pthread_exit(None)
"""


def test_a_program_that_calls_itself_something_else_is_found_by_its_file(look, start):
    # Given a long name of which the kernel keeps a part, and another first argument
    start(LONG, "k1-other", "60")

    assert [look(name=name) for name in (LONG, "k1-other", LONG[:15], f"{LONG}s")] == [
        {"count": n} for n in (1, 1, 0, 0)
    ]


@pytest.mark.parametrize("text", ["é" * 12, "k1-日本語日本語"])
def test_the_kernel_cuts_bytes_and_not_characters(look, start, text):
    start(text, "k1-other", "60")

    assert (look(name=text), look(name=text[:-1])) == ({"count": 1}, {"count": 0})


@pytest.mark.parametrize(
    ("words", "comm"),
    [
        (["{script}", "--flag"], LONG),
        (["bash", "{script}"], "bash"),
        (["bash", "-eu", "+m", "-o", "pipefail", "{script}", "k1-other"], "bash"),
        (["sh", "{script}", "-c", "x"], "sh"),
        (["{env}"], "bash"),
    ],
)
def test_a_script_is_found_by_its_name(look, start, tmp_path, words, comm):
    # Given a script that its interpreter does, started in any way, and that waits in the shell itself
    for name, first in ((LONG, "#!/bin/bash -u"), ("k1-env", "#!/usr/bin/env bash")):
        (tmp_path / name).write_text(f"{first}\nread line\n")
        (tmp_path / name).chmod(0o755)
    start(LONG, *(word.format(script=tmp_path / LONG, env=tmp_path / "k1-env") for word in words), comm=comm)
    name = "k1-env" if words == ["{env}"] else LONG

    # Then it is, and nothing else that stands among its arguments is its name
    assert [look(name=each) for each in (name, "pipefail", "k1-other")] == [{"count": n} for n in (1, 0, 0)]


def test_code_on_a_command_line_and_what_it_is_given_are_no_script(look, start):
    start("k1-python", sys.executable, "-Wignore", "-c", SLEEPS, LONG, comm=Path(sys.executable).name)
    start("k1-sleep")

    assert (look(name=LONG), look(name="60")) == ({"count": 0}, {"count": 0})


@pytest.mark.skipif(os.getuid() != 0, reason="only root may become somebody who sees less")
def test_a_cut_name_of_which_nobody_knows_the_rest_is_no_answer(look, start):
    # Given somebody who may not see which file a process of root executes
    start(LONG, "k1-other", "60")
    nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")

    assert look(*nobody, name=LONG).endswith("to 15 characters: it may be this one or another")
    assert [look(*nobody, name=name) for name in ("k1-other", "k1-none")] == [{"count": 1}, {"count": 0}]


def test_a_program_whose_first_thread_has_ended_lives(look, start, tmp_path):
    (tmp_path / LONG).symlink_to(sys.executable)
    process = start(LONG, tmp_path / LONG, "-c", ENDS_BEFORE_ITS_THREADS)
    while ") Z" not in Path(f"/proc/{process.pid}/stat").read_text():
        time.sleep(0.01)

    assert look(name=LONG) == {"count": 1}


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
    reason = "is no name: it has a directory, or begins or ends with a space"
    assert [look(name=name) for name in ("sleep\n", "/bin/sleep")] == [f"'sleep\\n' {reason}", f"'/bin/sleep' {reason}"]


@pytest.mark.skipif(os.getuid() != 0, reason="only root mounts a /proc of its own")
def test_a_proc_that_hides_processes_is_no_answer(look):
    # Given a process 1 that belongs to somebody else
    hidden = 'mount -t proc -o hidepid=2 proc /proc && setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; exit $?'
    words = ["unshare", "--mount", "--pid", "--fork", "sh", "-c", hidden, "sh"]
    if subprocess.run([*words, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine lets nobody mount /proc")

    assert look(*words, name="sh").startswith("/proc hides the processes of other users (hidepid)")
