"""A demo's process ends with its block and with its parent, and so does everything it started."""

import os
import pwd
import signal
import subprocess
import sys

import pytest

from runner.core.errors import ExecutionError
from runner.lab.lab_processes import LabCommand, free_port, run, running

# A shell that leaves a daemon behind: in a session of its own, deaf to SIGTERM, an orphan as soon as the shell ends.
DAEMON = "setsid sh -c 'trap \"\" TERM; sleep 900; sleep 900' & echo started; wait"

PARENT = """
import signal, sys
from pathlib import Path
from runner.lab.lab_processes import LabCommand, running
directory = Path(sys.argv[1])
log = directory / "log"
command = LabCommand("job", ["/bin/sh", "-c", "echo started; exec sleep 900"], log, {"MARK": f"{directory}/command"})
with running(command) as job:
    job.wait_until(lambda: "started" in log.read_text())
    print(job.process.pid, flush=True)
    signal.pause()
"""


def sh(script, tmp_path, **how):
    mark = {"WORKSPACE": str(tmp_path)}
    return LabCommand("the job", ["/bin/sh", "-c", script], tmp_path / "log", mark, **how)


def started(command):
    return command.log.exists() and "started" in command.log.read_text()


def test_after_the_block_neither_the_command_nor_its_daemon_runs(tmp_path, processes_of):
    command = sh(DAEMON, tmp_path)

    with running(command) as job:
        job.wait_until(lambda: started(command) and len(processes_of(tmp_path)) >= 3)

    assert processes_of(tmp_path) == {}


def test_a_command_gets_its_own_signal_first(tmp_path):
    script = "trap 'echo ended in order; kill $!; exit' INT; echo started; sleep 900 & wait"
    command = sh(script, tmp_path, stop=signal.SIGINT)

    with running(command) as job:
        job.wait_until(lambda: started(command))

    assert command.log.read_text() == "started\nended in order\n"


@pytest.mark.parametrize("killed", ["parent", "keeper"])
def test_kill_9_of_the_parent_or_of_the_keeper_takes_the_command_with_it(tmp_path, processes_of, none_left, killed):
    # Given a parent that has a command running
    with subprocess.Popen([sys.executable, "-c", PARENT, tmp_path], stdout=subprocess.PIPE, text=True) as parent:
        keeper = int(parent.stdout.readline())
        before = processes_of(f"{tmp_path}/command")

        # When
        os.kill(keeper if killed == "keeper" else parent.pid, signal.SIGKILL)
        gone = none_left(f"{tmp_path}/command")

        # Then
        parent.kill()
    assert (len(before), gone, none_left(tmp_path)) == (2, True, True)


def test_a_command_gets_path_and_what_it_was_given_and_nothing_else(tmp_path, monkeypatch):
    monkeypatch.setenv("PGOPTIONS", "-c statement_timeout=1")
    command = LabCommand("the job", ["/usr/bin/env"], tmp_path / "log", environment={"PGHOST": "127.0.0.1"})

    run(command)

    names = {line.partition("=")[0] for line in command.log.read_text().splitlines()}
    assert names - {"PYTHONPATH", "LD_LIBRARY_PATH", "LC_CTYPE"} == {"PATH", "PGHOST"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can run a command as somebody else")
def test_root_runs_a_command_as_somebody_else_with_no_group_of_its_own(tmp_path):
    nobody = pwd.getpwnam("nobody")

    run(command := LabCommand("the job", ["/usr/bin/id", "-u"], tmp_path / "user", user="nobody"))
    run(groups := LabCommand("the job", ["/usr/bin/id", "-G"], tmp_path / "groups", user="nobody"))

    assert (command.log.read_text(), groups.log.read_text()) == (f"{nobody.pw_uid}\n", f"{nobody.pw_gid}\n")


def test_a_command_that_fails_is_an_error_with_its_last_words(tmp_path):
    with pytest.raises(ExecutionError) as caught:
        run(sh("echo one; echo two >&2; exit 3", tmp_path))

    assert (caught.value.message, caught.value.hint) == ("the job failed", "one / two")


def test_a_full_disk_is_said_whatever_the_command_says_after_that(tmp_path):
    with pytest.raises(ExecutionError) as caught:
        run(sh("echo one; head --bytes=9 /dev/zero >/dev/full; echo two; echo three; echo four; exit 3", tmp_path))

    assert (caught.value.hint.endswith("No space left on device"), "four" in caught.value.hint) == (True, False)


def test_a_command_that_is_never_ready_is_an_error_in_the_end(tmp_path):
    with running(sh("exec sleep 900", tmp_path)) as job, pytest.raises(ExecutionError) as caught:
        job.wait_until(lambda: False, patience=0.1)

    assert (caught.value.message, caught.value.hint) == ("the job did not start", "it said nothing")


def test_a_free_port_can_be_listened_on():
    port = free_port("127.0.77.1")

    assert 0 < port < 65536
