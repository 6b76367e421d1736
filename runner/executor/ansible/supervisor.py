"""The second process: runs one invocation, and tears all of it down when anything above or below it dies."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import sys
import time
import traceback
from functools import partial
from pathlib import Path

from runner.executor.ansible import processes
from runner.executor.ansible.messages import PlaybookInvocation
from runner.executor.ansible.teardown import end_connections, tear_down, unfinished
from runner.executor.job import Ending, Why

GRACE = 2.0
"""Seconds between asking Ansible to stop and killing it."""

_ENDED_BY_ITSELF = {0, 1, 2, 4, 5}
"""The exit codes of an ansible-playbook that waited for its workers; after any other, some may still be at it."""

_DIAGNOSIS = 4000


def main(workspace: str) -> None:
    """Read one invocation from standard input, run it, and write its ending to standard output.

    `workspace` is the directory that is removed at the end, also when no invocation comes.

    Standard input stays open while the command lives. Its end means that the command is dead; a line means cancel.
    """
    line = os.fdopen(0, "rb", buffering=0, closefd=False).readline()
    if not line.endswith(b"\n"):
        shutil.rmtree(workspace, ignore_errors=True)  # the command died before it had asked for anything
        return
    invocation = PlaybookInvocation.loads(line.decode())
    processes.adopt_orphans()
    wake = _signals_as_readable()
    child = _fork(invocation)
    why, code = _watch(invocation, child, wake)
    left = partial(unfinished, Path(invocation.workspace))
    if why != "exited" or code not in _ENDED_BY_ITSELF or left():
        tear_down(invocation, os.environ, left, roots=[child], grace=GRACE)
    end_connections(Path(invocation.workspace))
    ending = Ending(why, code, _diagnosis(invocation))
    shutil.rmtree(invocation.workspace, ignore_errors=True)
    with contextlib.suppress(OSError), os.fdopen(1, "w") as command:  # the command may be dead
        command.write(ending.dumps() + "\n")


def _signals_as_readable() -> int:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    return reading


def _fork(invocation: PlaybookInvocation) -> int:
    parent = os.getpid()
    child = os.fork()
    if child:
        return child
    code = 70
    try:
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        processes.die_with_parent(parent)
        os.setsid()
        with (
            (Path(invocation.workspace) / "output").open("ab", buffering=0) as output,
            Path(os.devnull).open("rb") as nothing,
        ):
            for source, target in ((nothing, 0), (output, 1), (output, 2)):
                os.dup2(source.fileno(), target)
        from runner.executor.ansible.ansible_runner_adapter import play  # noqa: PLC0415 - only the child pays for the import

        code = play(invocation)
    except BaseException:  # noqa: BLE001 - it goes where Ansible's own words go, and the command shows it
        traceback.print_exc()
    finally:
        os._exit(code & 0xFF)


def _watch(invocation: PlaybookInvocation, child: int, wake: int) -> tuple[Why, int]:
    """Wait for whatever comes first: the child's end, a line or the death of the command, a signal, the deadline."""
    deadline = None if invocation.deadline is None else time.monotonic() + invocation.deadline
    while True:
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        readable, _, _ = select.select([0, wake], [], [], left)
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return "exited", os.waitstatus_to_exitcode(status)
        if 0 in readable:
            return ("cancelled" if os.read(0, 64) else "orphaned"), -1
        if wake in readable and any(byte != signal.SIGCHLD for byte in os.read(wake, 64)):
            return "cancelled", -1
        if deadline is not None and time.monotonic() >= deadline:
            return "deadline", -1


def _diagnosis(invocation: PlaybookInvocation) -> str:
    """The end of what Ansible printed; nothing when the directory is gone: who finds an abandoned run removes it."""
    try:
        return (Path(invocation.workspace) / "output").read_bytes()[-_DIAGNOSIS:].decode(errors="replace")
    except OSError:
        return ""


def supervisors_of(run_id: str) -> list[int]:
    """The supervisors of run `run_id`; they outlive their command for as long as they tear it down."""
    words = f"runner.executor.ansible.supervisor\0{run_id}\0"
    return processes.naming(words)


if __name__ == "__main__":
    main(sys.argv[2])  # the first word is the run, for whoever looks for its supervisor
