"""How a user who is not root has labs: they are root of a user namespace of their own, with a network of its own.

A process that stays, the keeper, holds the namespace, and starts the machines, as its control group is this user's own.
Each command enters the namespace, and finds there what root has. With the keeper, the kernel ends all the rest.

https://man7.org/linux/man-pages/man7/user_namespaces.7.html
"""

import ctypes
import os
import select
import shlex
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from fcntl import LOCK_EX, LOCK_NB, LOCK_SH, LOCK_UN, flock
from pathlib import Path
from typing import NoReturn

from runner.core.duration import comes_true
from runner.core.errors import ExecutionError, InvalidInputError
from runner.core.ownership import outside
from runner.core.process_stat import started
from runner.lab.machines.namespace_needs import OTHERWISE, REFUSED, STEPS, has_manager, script

_FIFO = Path("/run/runbook-lab.start")  # only inside there is one
_LOCK = "RUNBOOK_LAB_NAMESPACE"
_DESCRIPTOR = os.environ.pop(_LOCK, "")
"""The descriptor of the locked file, in whatever has entered; nothing that this starts has it."""
_FILE = "namespace"
_READY = "ready"
_SERVE = f"""\
mkfifo -m 600 {_FIFO}
exec 3<>{_FIFO}
echo {_READY}
read -r known || exit 0
exec </dev/null >/dev/null 2>&1
while read -r line <&3; do eval "$line" & done
"""
_KINDS = ("--user", "--map-root-user", "--map-auto", "--mount", "--net", "--cgroup")
_MOST = 4096
_PATIENCE = 10.0
_INTERVAL = 0.005
_CLONE_NEWNET = 0x40000000  # linux/sched.h


def is_inside() -> bool:
    """Whether this process has entered such a namespace."""
    return _FIFO.exists()


def try_out() -> None:
    """Return where this user could have such a namespace: one is made, and is gone.

    Raises:
        InvalidInputError: the kernel refuses something of it; the error names what.
    """
    _, going = _begun(_KINDS, script())
    os.close(going)


def is_up(directory: Path) -> bool:
    """Whether this user has a namespace, by its file in `directory`."""
    with suppress(OSError), (directory / _FILE).open("rb") as file:
        return _keeper(file.fileno()) is not None
    return False


def enter(directory: Path, *, network: bool) -> NoReturn:
    """Begin this command anew inside the namespace whose file is in `directory`; it is made where there is none.

    Without `network` the command stays in the network of this machine, until it does `join_network`.

    Raises:
        InvalidInputError: the kernel refuses something of it.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(directory / _FILE, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    flock(descriptor, LOCK_EX)
    keeper = _keeper(descriptor) or _start_keeper(descriptor)
    flock(descriptor, LOCK_SH)
    os.set_inheritable(descriptor, True)  # noqa: FBT003 - its only argument
    variables = {_LOCK: str(descriptor), outside.VARIABLE: str(outside.leave_witness())}
    variables["PATH"] = _path()
    kinds = ("--preserve-credentials", "--user", "--mount", "--cgroup", *(("--net",) if network else ()))
    words = ["nsenter", f"--target={keeper}", *kinds, "--", "env", f"--chdir={Path.cwd()}", sys.executable]
    os.execvpe(words[0], [*words, *sys.orig_argv[1:]], {**os.environ, **variables})  # noqa: S606 - no shell is meant


def join_network() -> None:
    """From here on be in the network of the namespace, if this command has entered one, with all that it starts.

    Raises:
        ExecutionError: the kernel refuses it.
    """
    if not (_DESCRIPTOR and is_inside()):
        return
    with Path(f"/proc/{_keeper(int(_DESCRIPTOR))}/ns/net").open("rb") as file:
        if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), _CLONE_NEWNET) != 0:
            raise ExecutionError(f"the lab's network cannot be entered: {os.strerror(ctypes.get_errno())}")


def start(argv: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
    """Have the keeper start `argv`, with nothing but its PATH and `environment`; what it prints goes to `log`.

    Raises:
        ExecutionError: there is no keeper any more.
    """
    # With /proc of the keeper's own, in which systemd-nspawn looks for the control group of the first process.
    words = shlex.join([*(f"{name}={value}" for name, value in environment.items()), *argv])
    line = f'unshare --mount-proc env -i PATH="$PATH" {words} </dev/null >>{shlex.quote(str(log))} 2>&1\n'
    try:
        descriptor = os.open(_FIFO, os.O_WRONLY | os.O_NONBLOCK)
    except OSError as error:
        raise ExecutionError(f"the namespace of the labs has ended: {error.strerror}", hint="try again") from None
    with os.fdopen(descriptor, "wb", buffering=0) as fifo:
        fifo.write(line.encode())  # at once: https://man7.org/linux/man-pages/man7/pipe.7.html


def end_if_alone() -> None:
    """End the namespace, unless another command is in it; its last command does."""
    if not (_DESCRIPTOR and is_inside()):
        return
    descriptor = int(_DESCRIPTOR)
    flock(descriptor, LOCK_UN)  # two that leave at the same time must not wait for each other
    with suppress(BlockingIOError):
        flock(descriptor, LOCK_EX | LOCK_NB)
        if keeper := _keeper(descriptor):
            os.kill(keeper, signal.SIGKILL)
            comes_true(lambda: started(keeper) is None, within=_PATIENCE, every=_INTERVAL)


def _start_keeper(descriptor: int) -> int:
    process, going = _begun([*_KINDS, "--pid", "--fork", "--kill-child"], script() + _SERVE)
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{process.pid} {started(process.pid)}".encode(), 0)
    os.write(going, b"known\n")  # only now it stays: nobody would end one that is written nowhere
    os.close(going)
    return process.pid


def _keeper(descriptor: int) -> int | None:
    """The process id of the keeper that the file names, if it lives."""
    pid, _, when = os.pread(descriptor, 100, 0).decode("ascii").partition(" ")
    return int(pid) if pid and str(started(int(pid))) == when else None


def _begun(kinds: Sequence[str], shell: str) -> tuple[subprocess.Popen[bytes], int]:
    """The process that makes namespaces of `kinds` and does `shell` in them, once it is ready, or has done all of it.

    It reads from the descriptor.

    Raises:
        InvalidInputError: the kernel refuses something.
    """
    (ours, theirs), (read, going) = os.pipe(), os.pipe()
    process = subprocess.Popen(
        [*_scope(), "unshare", *kinds, "sh", "-c", shell],
        stdin=read,
        stdout=theirs,
        stderr=theirs,
        cwd="/",
        env={"XDG_RUNTIME_DIR": f"/run/user/{os.geteuid()}", **os.environ, "PATH": _path()},
        start_new_session=True,  # it outlives this command, and its terminal
    )
    os.close(theirs)
    os.close(read)
    try:
        text = _words(process, ours)
    finally:
        os.close(ours)
    if _READY not in text and process.wait() != 0:
        raise _refusal(text)
    return process, going


def _words(process: subprocess.Popen[bytes], output: int) -> list[str]:
    """The lines that `process` prints until it is ready, or to its end.

    Where unshare(1) is refused something, it leaves a child behind that waits for it for ever: that is ended.
    """
    text, end = b"", os.pidfd_open(process.pid)
    poll = select.poll()
    for descriptor in (output, end):
        poll.register(descriptor, select.POLLIN)
    try:
        while _READY.encode() not in text.split() and end not in dict(poll.poll()):
            text += os.read(output, _MOST)
        if _READY.encode() not in text.split():
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            while more := os.read(output, _MOST):
                text += more
    finally:
        os.close(end)
    return text.decode(errors="replace").split("\n")


def _refusal(lines: list[str]) -> InvalidInputError:
    lines = [line.strip() for line in lines if line.strip()]
    number = lines.pop().removeprefix(REFUSED) if lines and lines[-1].startswith(REFUSED) else "0"
    step, words = STEPS[int(number)], " / ".join(lines[-2:]) or "no reason is given"
    return InvalidInputError(
        f"the lab cannot run without root, as {step.name} is refused: {words}", hint=f"{step.hint}; {OTHERWISE}"
    )


def _path() -> str:
    """Where programs are found, those of root as well."""
    return f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"


def _scope() -> list[str]:
    """The words before a command that give it a control group of this user's own, where systemd can do that."""
    if not has_manager():
        return []
    return ["systemd-run", "--user", "--scope", "--quiet", "--collect", "--property=Delegate=yes", "--"]
