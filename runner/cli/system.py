"""What a command takes from the machine it runs on: clock, user, new ids, secrets, signals, executor."""

from __future__ import annotations

import functools
import grp
import os
import pwd
import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner import version
from runner.core.deferred import dataclass
from runner.core.events import Clock, Instant
from runner.core.ownership import outside
from runner.store.next_command import PROGRAM

if TYPE_CHECKING:
    from runner.executor.protocol import Executor
    from runner.store.log.envelope import Actor

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def clock() -> Instant:
    """Now, on both clocks."""
    return Instant(datetime.now(UTC), time.monotonic(), _boot())


@functools.cache
def _boot() -> str:
    """The id of the time that the system has been up: no process outlives it."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def actor() -> Actor:
    """Who runs this command. The name is the kernel's, not the environment's; behind sudo both are named."""
    from runner.store.log.envelope import Actor  # noqa: PLC0415 - only what is recorded has an actor

    uid = outside.user_id()
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = str(uid)
    # Only root can have been given that word by sudo; anybody can give it to a command of their own.
    before = os.environ.get("SUDO_USER") if uid == 0 else None
    user = f"{name} (sudo by {before})" if before else name
    return Actor(user, socket.gethostname(), os.getpid(), version(), _groups(before or name))


def _groups(login: str) -> tuple[str, ...]:
    """The groups of the system that `login` is in; none for somebody whom it does not know."""
    try:
        numbers = os.getgrouplist(login, pwd.getpwnam(login).pw_gid)
    except KeyError:
        return ()
    names = {entry.gr_gid: entry.gr_name for entry in grp.getgrall()}
    return tuple(names[number] for number in numbers if number in names)


_TIME_ERROR = 5


def new_run_id() -> str:
    """An id that sorts by time."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{os.urandom(4).hex()}"


def program() -> str:
    """The path by which this command was started, where a shell does not find it as `runbook`; else nothing."""
    started, found = Path(sys.argv[0]), shutil.which(PROGRAM)
    if started.name != PROGRAM or not started.is_file() or (found and started.samefile(found)):
        return ""
    return str(started.absolute())


def program_words() -> list[str]:
    """The words by which a unit or a timer starts this product."""
    script = Path(sys.executable).with_name(PROGRAM)
    return [str(script)] if script.is_file() else [sys.executable, "-m", "runner"]


def owner_of(path: Path) -> str:
    """The login of whom `path` belongs to; the number of one that has none, which systemd takes as well."""
    try:
        return path.owner()
    except KeyError:
        return str(path.stat().st_uid)


def is_clock_set() -> bool:
    """Whether the kernel was told the time by a time server: adjtimex(2) gives TIME_ERROR where it was not."""
    import ctypes  # noqa: PLC0415 - only a scheduler asks

    class Timex(ctypes.Structure):
        _fields_ = (("modes", ctypes.c_uint), ("rest", ctypes.c_char * 252))

    return bool(ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(Timex())) in range(_TIME_ERROR))


def secret(reference: str) -> str:
    """The value behind a reference, like `env:NAME` or `file:/path`.

    Raises:
        ValueError: there is none.
    """
    from runner.core.secrets import SecretReference  # noqa: PLC0415 - only a run needs it
    from runner.kinds.secrets.lookup import look_up  # noqa: PLC0415 - as above

    return look_up(SecretReference.parse(reference), os.environ)


def ansible() -> Executor:
    """The executor that runs ansible-playbook."""
    from runner.executor.ansible.ansible_executor import AnsibleExecutor  # noqa: PLC0415 - only a run or a plan needs it
    from runner.library.root import cache_directory  # noqa: PLC0415 - as above

    return AnsibleExecutor(cache=cache_directory(os.environ))


@dataclass(frozen=True)
class System:
    """The machine that a command runs on."""

    clock: Clock = clock
    actor: Callable[[], Actor] = actor
    new_run_id: Callable[[], str] = new_run_id
    secrets: Callable[[str], str] = secret
    executor: Callable[[], Executor] = ansible
    program: Callable[[], str] = program
    is_clock_set: Callable[[], bool] = is_clock_set


@contextmanager
def on_signals(handler: Callable[[int, Any], None]) -> Iterator[None]:
    """While the block lasts, `handler` hears of Ctrl-C, SIGTERM and SIGHUP."""
    before = {number: signal.signal(number, handler) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)
