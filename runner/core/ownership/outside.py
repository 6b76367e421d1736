"""Who this user is, and whose a file is, as seen from outside of the user namespace that this process has entered.

Inside, this user is root, and everybody else's files, root's as well, belong to nobody: a witness that has stayed
outside says whose they are. https://man7.org/linux/man-pages/man7/user_namespaces.7.html
"""

import os
import signal
import socket
from contextlib import suppress
from pathlib import Path

VARIABLE = "RUNBOOK_OUTSIDE"
"""The environment variable with the file descriptor that leads to the witness."""

# Taken out of the environment: in whatever this process starts, the number would be that of another file.
_WITNESS = os.environ.pop(VARIABLE, "")
_MAP = Path("/proc/self/uid_map")
_MOST = 65536  # bytes of a path, and more
_DESCRIPTORS = 1024


def leave_witness() -> int:
    """The file descriptor that leads to a new process, which ends with the last one that has it.

    It is to be given to a program that this process becomes, in VARIABLE.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    if os.fork() == 0:
        try:
            os.setsid()  # Ctrl-C is for the program
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            os.closerange(0, theirs.fileno())
            os.closerange(theirs.fileno() + 1, _DESCRIPTORS)
            _testify(theirs)
        finally:
            os._exit(0)
    theirs.close()
    ours.set_inheritable(True)
    return ours.detach()


def is_left() -> bool:
    """Whether this process has left the outside, with a witness there."""
    return bool(_WITNESS)


def user_id() -> int:
    """The id of this user, outside."""
    own = os.geteuid()
    if _WITNESS:  # What the kernel says counts, whatever stands in the variable: it decides whom the record names.
        for first, outer, count in (map(int, line.split()) for line in _MAP.read_text(encoding="ascii").splitlines()):
            if first <= own < first + count:
                return outer + own - first
    return own


def owner(path: Path, status: os.stat_result) -> tuple[int, int]:
    """The ids of the user and the group to whom `path` belongs outside; `status` is what lstat(2) says of it here."""
    with suppress(ValueError, OSError):
        descriptor = os.dup(int(_WITNESS))
        with socket.socket(fileno=descriptor) as witness:
            witness.send(os.fsencode(path))
            device, inode, user, group = map(int, witness.recv(_MOST).split())
        if (device, inode) == (status.st_dev, status.st_ino):
            return user, group
    return (user_id() if status.st_uid == os.geteuid() else status.st_uid), status.st_gid


def _testify(asker: socket.socket) -> None:
    while path := asker.recv(_MOST):
        answer = ""
        with suppress(OSError):
            status = os.lstat(path)
            answer = f"{status.st_dev} {status.st_ino} {status.st_uid} {status.st_gid}"
        asker.send(answer.encode() or b"-")
