"""The directory a demo lives in: private, locked while in use, removed at the end, also when its owner is killed."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from fcntl import LOCK_EX, LOCK_NB, LOCK_UN, flock
from pathlib import Path

from runner.executor.ansible.workspace import temporary_root
from runner.lab.directory_locks import lock
from runner.lab.interrupts import held

PREFIX = "runbook-demo-"
_BELOW = 62
"""Bytes of what ssh binds below the directory that it lies in, where it is the home of plain Ansible."""
_REMOVE = 'for try in $(seq 60); do rm -rf -- "$0" && exit; sleep 1; done'
"""The shell code that removes a directory: what is in use by a killed demo's hosts ends within seconds."""


@contextmanager
def workspace() -> Iterator[Path]:
    """A new directory under the system's temporary directory, or /tmp, which does not outlive the block.

    Where its owner is killed with SIGKILL, the process that waits for the lock removes it. What is left where that was
    killed, too, is removed first; the lock tells it from a demo that lives.
    """
    sweep()
    with held(_make) as directory:
        yield directory


def sweep() -> None:
    """Remove the directories of this user's demos whose owner is gone."""
    for directory in temporary_root(_BELOW).glob(f"{PREFIX}*"):
        with suppress(OSError), ExitStack() as stack:
            descriptor = lock(directory, LOCK_EX | LOCK_NB)
            stack.callback(os.close, descriptor)
            if os.fstat(descriptor).st_uid == os.geteuid():
                shutil.rmtree(directory, ignore_errors=True)


def _make(stack: ExitStack) -> Path:
    while True:
        directory = Path(tempfile.mkdtemp(prefix=PREFIX, dir=temporary_root(_BELOW)))
        with suppress(FileNotFoundError):
            descriptor = lock(directory, LOCK_EX)
            if directory.exists():  # another demo's sweep may have come between the making and the locking
                stack.callback(_removed_after(directory))
                stack.callback(os.close, descriptor)
                stack.callback(flock, descriptor, LOCK_UN)
                stack.callback(shutil.rmtree, directory, ignore_errors=True)
                if os.geteuid() == 0:
                    directory.chmod(0o711)  # nobody, who runs root's PostgreSQL, must get to its own part
                return directory
            os.close(descriptor)


def _removed_after(directory: Path) -> Callable[[], object]:
    """Have a process remove `directory` once nobody holds its lock, whatever becomes of the owner; what waits for it.

    Where none can be started, the next demo sweeps.
    """
    nothing = subprocess.DEVNULL
    argv = ["flock", str(directory), "sh", "-c", _REMOVE, str(directory)]
    try:
        remover = subprocess.Popen(argv, cwd="/", stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True)
    except OSError:
        return lambda: None
    return remover.wait
