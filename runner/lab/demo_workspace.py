"""The directory a demo lives in: private, locked while in use, removed at the end, swept when its owner was killed."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from fcntl import LOCK_EX, LOCK_NB
from pathlib import Path

from runner.executor.ansible.workspace import temporary_root
from runner.lab.directory_locks import lock
from runner.lab.interrupts import held

PREFIX = "runbook-demo-"
_BELOW = 62
"""Bytes of what ssh binds below the directory that it lies in, where it is the home of plain Ansible."""


@contextmanager
def workspace() -> Iterator[Path]:
    """A new directory under the system's temporary directory, or /tmp, which does not outlive the block.

    What a demo that was killed with SIGKILL left there is removed first; the lock tells it from a demo that lives.
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
            stack.callback(os.close, lock(directory, LOCK_EX))
            if directory.exists():  # another demo's sweep may have come between the making and the locking
                stack.callback(shutil.rmtree, directory, ignore_errors=True)
                if os.geteuid() == 0:
                    directory.chmod(0o711)  # nobody, who runs root's PostgreSQL, must get to its own part
                return directory
