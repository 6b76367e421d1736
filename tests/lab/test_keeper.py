"""The keeper's command line: whom it keeps, how it ends them, and what it returns."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from runner.lab import keeper

IMPATIENT = "import sys; from runner.lab import keeper; keeper._PATIENCE = 1.0; sys.exit(keeper.main(sys.argv[1:]))"


@pytest.fixture
def a_control_group():
    """A control group of version 1, of our own; a process can be put into it by its file cgroup.procs."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines()]
    group = next((Path(mount) for _, mount, kind, *_ in mounts if kind == "cgroup"), Path()) / f"test-{os.getpid()}"
    try:
        group.mkdir()
    except OSError as error:
        pytest.skip(f"no control group of version 1 can be made here: {error.strerror}")
    yield group
    group.rmdir()


def keep(parent, stop, *command, **how):
    arguments = [sys.executable, "-c", IMPATIENT, str(parent), str(int(stop)), "", *command]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, **how)


@pytest.mark.parametrize("code", [0, 3])
def test_its_exit_code_is_the_commands(code):
    with keep(os.getpid(), signal.SIGKILL, "/bin/sh", "-c", f"exit {code}") as process:
        assert process.wait() == code


def test_it_keeps_nothing_for_a_process_that_is_not_its_parent(tmp_path):
    with keep(os.getppid(), signal.SIGKILL, "/usr/bin/touch", str(tmp_path / "made")) as process:
        assert process.wait() == 1

    assert list(tmp_path.iterdir()) == []


def test_a_command_and_an_orphan_that_are_deaf_to_the_signal_are_killed(tmp_path, processes_of):
    script = "trap '' TERM; setsid sh -c 'echo $$; sleep 900' & wait; sleep 900"
    with keep(os.getpid(), signal.SIGTERM, "/bin/sh", "-c", script, env={"WORKSPACE": str(tmp_path)}) as process:
        process.stdout.readline()
        before = len(processes_of(tmp_path))

        process.terminate()

        process.wait()
    assert (before >= 3, processes_of(tmp_path)) == (True, {})


def test_an_orphan_that_ends_by_itself_in_time_is_left_to_do_so(tmp_path):
    script = f"setsid sh -c 'sleep 0.05; echo in order > {tmp_path}/orphan' & echo started; exec sleep 900"
    with keep(os.getpid(), signal.SIGTERM, "/bin/sh", "-c", script) as process:
        process.stdout.readline()
        process.terminate()

    assert (tmp_path / "orphan").read_text() == "in order\n"


def test_a_process_that_is_ending_has_not_moved_and_what_it_leaves_is_waited_for(a_control_group):
    """Linux says of one that is ending that it is in the root of each hierarchy of version 1."""
    looks = (
        "import os, sys; from runner.lab import keeper; open(sys.argv[1], 'w').write(str(os.getpid()));"
        "ended = os.posix_spawn('/bin/true', ['true'], {}); os.waitid(os.P_PID, ended, os.WEXITED | os.WNOWAIT);"
        "print(keeper._control_groups(ended) == keeper._control_groups('self'), keeper._has_moved(ended))"
    )

    done = subprocess.run(
        [sys.executable, "-c", looks, a_control_group / "cgroup.procs"], capture_output=True, text=True, check=False
    )

    assert (done.stdout, done.stderr) == ("False False\n", "")


def test_it_needs_nothing_but_the_standard_library():
    done = subprocess.run([sys.executable, "-I", "-S", keeper.__file__], capture_output=True, text=True, check=False)

    assert "ModuleNotFoundError" not in done.stderr
