"""Files that the kernel locks for this process alone: it frees them at death, and no fork keeps one alive."""

import contextlib
import errno
import fcntl
import os
import threading
from collections.abc import Iterator
from pathlib import Path

_FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
_READ_ONLY = frozenset({errno.EACCES, errno.EROFS})

# A lock belongs to an opening of the file, and a fork shares the openings of its parent: what a fork did not close
# would stay locked when the parent dies. So a fork closes all of them, and none is made in the middle of a fork. A
# program that is started (exec) closes them by O_CLOEXEC.
_forking = threading.RLock()
_ours: set[int] = set()


def _forget() -> None:
    for descriptor in _ours:
        with contextlib.suppress(OSError):
            os.close(descriptor)
    _ours.clear()
    _forking.release()


os.register_at_fork(before=_forking.acquire, after_in_parent=_forking.release, after_in_child=_forget)


def open_lock(path: Path, mode: int) -> int:
    """The file at `path`, made when absent; one that may not be written is opened to be read: that can be locked, too.

    Raises:
        OSError: it can be neither made nor read.
    """
    try:
        return os.open(path, _FLAGS, mode)
    except OSError as error:
        if error.errno not in _READ_ONLY or not path.exists():
            raise
        return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)


class LockFile:
    """A file that can be locked: `text` is a note in it for whoever finds it locked.

    It is never removed, neither here nor by anybody else: two processes could then hold two files of one name.
    """

    def __init__(self, path: Path, *, mode: int) -> None:
        self.path = path
        self._pid = os.getpid()
        with _forking:
            self._descriptor = open_lock(path, mode)
            _ours.add(self._descriptor)
        status = os.fstat(self._descriptor)
        if status.st_uid == os.geteuid() and status.st_mode & 0o777 != mode:
            os.fchmod(self._descriptor, mode)  # the umask of whoever made it must not lock others out

    def lock(self) -> bool:
        """Whether the lock is ours now; it is not when somebody else, in this process or another, has it."""
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def read(self) -> str:
        """The note in it, without what cannot be read."""
        return os.pread(self._descriptor, 65536, 0).decode(errors="replace")

    def write(self, text: str) -> None:
        """Replace the note in it."""
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, text.encode(), 0)

    def is_in_place(self) -> bool:
        """Whether it is still the file of its name."""
        try:
            return os.path.samestat(self.path.stat(follow_symlinks=False), os.fstat(self._descriptor))
        except FileNotFoundError:
            return False

    def close(self) -> None:
        """Give the lock back, if it is ours; a fork, which closed it already, gives back nothing."""
        if self._pid != os.getpid():
            return
        # Closing alone is not enough: a program about to be started may still share it for a moment.
        fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        with _forking:
            _ours.discard(self._descriptor)
            os.close(self._descriptor)


@contextlib.contextmanager
def held_alone(directory: Path, name: str) -> Iterator[bool]:
    """While the block lasts nobody else holds the lock `name` in `directory`; False where another process does.

    On a disk that cannot be locked on it is True.
    """
    try:
        directory.mkdir(mode=0o700, exist_ok=True)
        lock = LockFile(directory / name, mode=0o600)
    except OSError:
        yield True
        return
    try:
        yield lock.lock()
    finally:
        lock.close()
