"""The second process: runs one invocation after the other, and tears all down when anything above or below it dies."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path

from runner.executor.ansible import processes
from runner.executor.ansible.left_pythons import LeftPythons
from runner.executor.ansible.messages import PlaybookInvocation
from runner.executor.ansible.read_playbook import read_playbook
from runner.executor.ansible.teardown import end_connections, tear_down, unfinished
from runner.executor.ansible.workspace import wipe
from runner.executor.job import Ending, Why

GRACE = 2.0
"""Seconds between asking Ansible to stop and killing it."""

_ENDED_BY_ITSELF = {0, 1, 2, 4, 5}
"""The exit codes of an ansible-playbook that waited for its workers; after any other, some may still be at it."""

CANCEL = b"cancel\n"
"""The order to end what is going on."""

Play = Callable[[PlaybookInvocation], int]
"""Does an invocation; its exit code."""

_DIAGNOSIS = 4000
_FORKED = "ansible-play"
"""What the forks are called by: their command line is that of the supervisor."""

_RESTED = 60.0
"""Seconds, those in which the machine slept among them, after which a connection is not believed to be alive."""


def main(workspace: str, cache: str = "") -> None:
    """Do each invocation that comes on standard input, and write its ending to standard output, until that ends.

    `workspace` is the directory that is removed at the end; what may be thrown away is kept in `cache`. The environment
    holds the settings of Ansible, which is imported while the command still prepares what is to be done. Standard input
    stays open while the command lives. Its end means that the command is dead, or has no more to do; a line in the
    midst of an invocation means cancel.
    """
    directory = Path(workspace)
    processes.adopt_orphans()
    wake = _signals_as_readable()
    from runner.executor.ansible import ansible_runner_adapter  # noqa: PLC0415 - only this process pays for the import

    by_fork, pythons, playbook = ansible_runner_adapter.prepare(Path(cache) if cache else None), LeftPythons(), None
    while invocation := _next(wake, pythons):
        # Here, so that the forks of all parts of the run have it.
        playbook = read_playbook(Path(invocation.playbook), playbook) if by_fork else None
        play = partial(ansible_runner_adapter.play, by_fork=by_fork, playbook=playbook, pythons=pythons)
        if _do(invocation, wake, play, pythons) == "orphaned":
            break
    pythons.close()
    end_connections(directory)
    shutil.rmtree(directory, ignore_errors=True)


def _next(wake: int, pythons: LeftPythons) -> PlaybookInvocation | None:
    """What comes next; None when nothing more does, as the command is dead or done.

    There is nothing that a signal, or a line that came too late for what has just ended, could stop.
    """
    rested_at = time.clock_gettime(time.CLOCK_BOOTTIME) + _RESTED
    line = CANCEL
    with os.fdopen(0, "rb", buffering=0, closefd=False) as orders:
        while line == CANCEL:
            if pythons.left and not select.select([orders], [], [], _RESTED)[0]:
                pythons.end()
            line = orders.readline()
    with contextlib.suppress(BlockingIOError):
        os.read(wake, 64)
    if not line.endswith(b"\n"):
        return None
    invocation = PlaybookInvocation.loads(line.decode())
    if time.clock_gettime(time.CLOCK_BOOTTIME) > rested_at:
        pythons.end()
        end_connections(Path(invocation.workspace))
    return invocation


def _do(invocation: PlaybookInvocation, wake: int, play: Play, pythons: LeftPythons) -> Why:
    """Do it, end what it leaves, wipe what belongs to it, and report; why it ended."""
    directory = Path(invocation.workspace)
    child = _fork(invocation, play)
    why, code = _watch(invocation, child, wake, pythons)
    left = partial(unfinished, directory)
    by_itself = why == "exited" and code in _ENDED_BY_ITSELF and not left()
    if not by_itself:
        tear_down(invocation, os.environ, left, roots=[child], grace=GRACE)
    processes.reap()
    pythons.settle(keep=by_itself)
    ending = Ending(why, code, _diagnosis(invocation))
    wipe(directory)
    with contextlib.suppress(OSError):  # the command may be dead
        os.write(1, ending.dumps().encode() + b"\n")
    return why


def _signals_as_readable() -> int:
    reading, writing = os.pipe()
    for end in (reading, writing):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    return reading


def _fork(invocation: PlaybookInvocation, play: Play) -> int:
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
        processes.rename(_FORKED)
        os.setsid()
        with (
            (Path(invocation.workspace) / "output").open("ab", buffering=0) as output,
            Path(os.devnull).open("rb") as nothing,
        ):
            for source, target in ((nothing, 0), (output, 1), (output, 2)):
                os.dup2(source.fileno(), target)
        code = play(invocation)
    except BaseException:  # noqa: BLE001 - it goes where Ansible's own words go, and the command shows it
        traceback.print_exc()
    finally:
        os._exit(code & 0xFF)


def _watch(invocation: PlaybookInvocation, child: int, wake: int, pythons: LeftPythons) -> tuple[Why, int]:
    """Wait for whatever comes first: the child's end, a line or the death of the command, a signal, the deadline.

    What the child leaves to the next is taken meanwhile.
    """
    deadline = None if invocation.deadline is None else time.monotonic() + invocation.deadline
    while True:
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        readable, _, _ = select.select([0, wake, pythons.fileno()], [], [], left)
        if pythons.fileno() in readable:
            pythons.receive()
        signals = os.read(wake, 64) if wake in readable else b""  # before the child is looked at: it may end just then
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return "exited", os.waitstatus_to_exitcode(status)
        if 0 in readable:
            return ("cancelled" if os.read(0, 64) else "orphaned"), -1
        if any(byte != signal.SIGCHLD for byte in signals):
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
    return [pid for pid in processes.naming(words) if processes.name_of(pid) != _FORKED]


if __name__ == "__main__":
    main(*sys.argv[2:])  # the first word is the run, for whoever looks for its supervisor
