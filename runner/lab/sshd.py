"""What OpenSSH's server needs of this machine: its programs, an account to log in to, and its empty directory."""

import fcntl
import os
import pwd
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from fcntl import LOCK_EX, LOCK_NB, LOCK_SH
from functools import partial
from pathlib import Path
from typing import Self

from runner.core.deferred import dataclass
from runner.core.errors import InvalidInputError
from runner.lab.directory_locks import lock
from runner.lab.interrupts import held

_SERVERS = "/usr/sbin:/usr/local/sbin:/sbin"
_SFTP = "/usr/lib/openssh:/usr/libexec/openssh:/usr/lib/ssh:/usr/libexec:/usr/local/libexec"
_SEPARATION = Path("/run/sshd")  # Debian's, and gone at every boot; elsewhere a directory of the package serves
_MARK = "made-by-runbook-demo"


@dataclass(frozen=True, slots=True)
class Programs:
    """The paths of OpenSSH's programs."""

    sshd: str
    sftp_server: str
    keygen: str

    @classmethod
    def find(cls, *, servers: str = _SERVERS, sftp: str = _SFTP) -> Self:
        """Where they are on this machine: on PATH, or in the directories `servers` and `sftp`.

        Raises:
            InvalidInputError: one of them is absent.
        """
        path = os.environ.get("PATH", os.defpath)
        wanted = {"sshd": f"{path}:{servers}", "sftp-server": sftp, "ssh-keygen": path}
        found = {name: shutil.which(name, path=where) for name, where in wanted.items()}
        if absent := [name for name, where in found.items() if where is None]:
            raise InvalidInputError(f"{', '.join(absent)} is not installed", hint="install openssh-server")
        return cls(*map(str, found.values()))


@dataclass(frozen=True, slots=True)
class Account:
    """Whom the hosts let in: the user who runs the demo, the only one whom an unprivileged sshd can let in."""

    name: str
    locked: bool

    @classmethod
    def own(cls) -> Self:
        """The account of the calling process.

        Raises:
            InvalidInputError: its shell cannot run a command, so that nobody can log in to it.
        """
        entry = pwd.getpwuid(os.geteuid())
        shell = entry.pw_shell or "/bin/sh"
        if Path(shell).name in {"nologin", "false"} or not os.access(shell, os.X_OK):
            raise InvalidInputError(
                f"nobody can log in as {entry.pw_name}: the shell is {shell}", hint="use another user"
            )
        return cls(entry.pw_name, _locked(entry.pw_name))


def _locked(name: str) -> bool:
    """Whether the account has no usable password for good (`!`), as root has in many containers; only root can know.

    sshd refuses such an account even a key, unless PAM decides. https://man.openbsd.org/sshd#AUTHENTICATION
    """
    with suppress(OSError):
        return any(
            line.startswith(f"{name}:!") for line in Path("/etc/shadow").read_text(encoding="utf-8").splitlines()
        )
    return False


def _sshd_runs() -> bool:
    for program in Path("/proc").glob("[0-9]*/exe"):
        with suppress(OSError):  # it ended meanwhile
            if program.readlink().name.startswith("sshd"):
                return True
    return False


@contextmanager
def privilege_separation(directory: Path = _SEPARATION, *, is_used: Callable[[], bool] = _sshd_runs) -> Iterator[None]:
    """The empty `directory` into which root's sshd locks itself up, made where no sshd of this machine has run yet.

    It goes with the last demo that uses it, unless it `is_used` by another sshd by then: without it nobody could log in
    to this machine any more. An ordinary user's sshd needs none.
    """
    if os.geteuid() == 0:
        with held(partial(_share, directory, is_used)):
            yield
    else:
        yield


def _share(directory: Path, is_used: Callable[[], bool], stack: ExitStack) -> None:
    while True:
        with suppress(FileExistsError):
            directory.mkdir(mode=0o755)
            (directory / _MARK).touch()
        with suppress(FileNotFoundError):
            descriptor = lock(directory, LOCK_SH)
            stack.callback(os.close, descriptor)
            if directory.exists():  # a demo that was the last one may just have removed it
                stack.callback(_let_go, directory, is_used, descriptor)
                return


def _let_go(directory: Path, is_used: Callable[[], bool], descriptor: int) -> None:
    with suppress(OSError):
        fcntl.flock(descriptor, LOCK_EX | LOCK_NB)
        if (directory / _MARK).exists() and not is_used():
            (directory / _MARK).unlink()
            directory.rmdir()
