"""Runs one command, and takes it and all it started down with the process that asked for it.

`python keeper.py PARENT STOP USER COMMAND...`: COMMAND runs as USER ("" is oneself) until it ends by itself, PARENT (a
pid) ends, even by SIGKILL, or the keeper gets a SIGTERM. Then COMMAND gets the signal STOP, and 10 s later all that is
left of it, orphans included, gets SIGKILL, or at once if STOP is SIGKILL. Its exit code becomes the keeper's. What was
put into another control group, as the machines of a lab are, is meant to outlive COMMAND, and does.

Run by its path with the standard library only: it starts in a few milliseconds, and needs nothing of this package.
"""

import ctypes
import os
import pwd
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36  # prctl(2)
_PATIENCE = 10.0  # seconds between STOP and SIGKILL; on a busy machine initdb takes its time to clean up
_INTERVAL = 0.002  # seconds
_prctl = ctypes.CDLL(None, use_errno=True).prctl


def main(arguments: list[str]) -> int:
    """Run the command that `arguments` name to its end, or to its parent's."""
    parent, stop, user, *command = arguments
    told = _listen_for_sigterm()
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)  # a daemon that forks away becomes our child instead of init's
    try:
        lives = os.pidfd_open(int(parent))
    except ProcessLookupError:
        return 1
    if os.getppid() != int(parent):
        return 1
    return _keep(command, (lives, told), stop=int(stop), user=user)


def _listen_for_sigterm() -> int:
    """A file descriptor to read once there was a SIGTERM, which itself interrupts nothing: no child is overlooked."""
    told, telling = os.pipe()
    os.set_blocking(telling, False)
    signal.set_wakeup_fd(telling)
    signal.signal(signal.SIGTERM, lambda _number, _frame: None)
    return told


def _keep(command: list[str], ends: tuple[int, ...], *, stop: int, user: str) -> int:
    child = subprocess.Popen(
        command,
        **_identity(user),
        # Should the keeper itself be killed, its command must not survive it; with one thread this is safe.
        preexec_fn=lambda: _prctl(_PR_SET_PDEATHSIG, stop),  # noqa: PLW1509
    )
    poll = select.poll()
    for descriptor in (*ends, os.pidfd_open(child.pid)):
        poll.register(descriptor, select.POLLIN)
    poll.poll()
    _take_down(child, stop)
    return child.returncode


def _identity(user: str) -> dict[str, Any]:
    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []} if user else {}


def _take_down(child: subprocess.Popen[bytes], stop: int) -> None:
    child.send_signal(stop)
    deadline = time.monotonic() + (0.0 if stop == signal.SIGKILL else _PATIENCE)
    while left := [pid for pid in _children() if pid == child.pid or not _has_moved(pid)]:
        for pid in left:
            if time.monotonic() >= deadline:
                os.kill(pid, signal.SIGKILL)
            if pid != child.pid:
                os.waitpid(pid, os.WNOHANG)
        child.poll()
        time.sleep(_INTERVAL)


def _has_moved(pid: int) -> bool:
    """Whether a process was put into a control group other than ours.

    Each hierarchy is looked at by itself: one that somebody mounts or unmounts meanwhile shows for every process. A
    process that is ending is shown in the root of a hierarchy of version 1, wherever it was (Linux: proc_cgroup_show).
    """
    theirs, ours = _control_groups(pid), _control_groups("self")
    return any(theirs.get(controllers, path) not in (path, "/") for controllers, path in ours.items())


def _control_groups(pid: int | str) -> dict[str, str]:
    """The control group in which a process is, by the controllers of the hierarchy; none if it has ended."""
    try:
        lines = Path(f"/proc/{pid}/cgroup").read_text(encoding="utf-8").splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return {}
    return {controllers: path for _, controllers, path in (line.split(":", 2) for line in lines)}


def _children() -> list[int]:
    """Our children, which are the command, what it left behind, and what those have left behind by now."""
    return [int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii").split()]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
