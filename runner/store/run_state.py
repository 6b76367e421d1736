"""The state of each run on disk: durable before it goes on, locked while its command lives, found when it died."""

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, field, replace
from pathlib import Path
from typing import Any, Literal, Self

from runner.core.deferred import dataclass, regex
from runner.core.errors import InvalidInputError, LockedError
from runner.store import durable
from runner.store.locks.kernel_locks import open_lock

STATE = "run.json"
LOCK = "lock"
CANCEL = "cancel"
CANCELLED = "cancelled by "
"""How a request to stop begins; who made it follows."""
RESERVE = "reserve"
_RESERVED = 64 * 1024
"""Bytes that a run that goes on keeps on its disk, so that its end can be recorded when that is full."""
_RUNBOOK = "runbook.yml"
_TEXT = regex(r"(?:runbook|playbook)-[0-9a-f]{64}\.yml")
_CALLED = 0


_REAL = frozenset({"run", "step", "auto"})
"""The modes of a run that does what its runbook says, however people are asked."""


def run_kind(mode: str) -> str:
    """What sort of run has this `mode`, in a word: a real one is a run, a dry run and a preflight only look."""
    return "run" if mode in _REAL else mode.replace("-", " ")


@dataclass(frozen=True)
class RunState:
    """What must survive the command: which run it is, how far it came, and what later steps need.

    `hosts` is the pattern of all hosts that the run is about, `becomes` whether a step becomes another user there,
    `captured` maps hosts to the values captured there. `private` names directories to wipe when the run is abandoned.
    `path` is the file of the runbook, `sha256` what it was and `playbook_sha256` what its playbook was; `target` maps
    each host pattern to the hosts it matched, `delegates` each name on which something is done for other hosts to the
    host of that name, `environments` and `machines` each host to its class and its address.
    `parent` is the run that this one works for (`called` says that it does a step of it), `tree` the first of all;
    For one that is a `drill` nobody is called by who finds it dead. `named` is what somebody has named with
    --limit, where the run that handed over has set `limit`.
    """

    run: str
    runbook: str
    title: str
    started: str
    user: str
    inventories: tuple[str, ...] = ()
    limit: str | None = None
    named: str | None = None
    environment: str = ""
    status: Literal["running", "finished", "abandoned"] = "running"
    outcome: str = ""
    finished: str = ""
    captured: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    steps: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    hosts: str = "all"
    becomes: bool = False
    private: tuple[str, ...] = ()
    path: str = ""
    sha256: str = ""
    playbook_sha256: str = ""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    mode: str = "run"
    reason: str = ""
    break_glass: str = ""
    parent: str = ""
    called: bool = False
    drill: bool = False
    tree: str = ""
    target: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    environments: Mapping[str, str] = field(default_factory=dict)
    machines: Mapping[str, str] = field(default_factory=dict)
    delegates: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def was_recorded(self) -> bool:
        """Whether the audit log must know of it: a command may be killed before its first record."""
        return self.status != "running" or bool(self.environment)

    def written(self) -> str:
        """The state as it is saved."""
        return json.dumps(asdict(self), indent=1, default=str)

    @property
    def kind(self) -> str:
        """What sort of run it is, in a word."""
        return run_kind(self.mode)

    @property
    def looks(self) -> bool:
        """Whether it only looked, whatever the runbook would change."""
        return self.mode in {"dry-run", "preflight"}


def is_text(name: str) -> bool:
    """Whether the file of that name in the directory of a run is a text by which the run is to be done."""
    return name == _RUNBOOK or _TEXT.fullmatch(name) is not None


class RunDirectory:
    """The directory of one run; while it is held, the kernel keeps a lock that ends with the process, come what may."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: int | None = None

    @property
    def state(self) -> RunState:
        """The state as it was last saved.

        Raises:
            InvalidInputError: it cannot be read, or a later version of the product wrote it.
        """
        path = self.path / STATE
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            lists = {name: tuple(data[name]) for name in ("inventories", "private")}
            return RunState(**{**data, **lists})
        except (OSError, ValueError, TypeError, LookupError) as error:
            hint = f"move {self.path} away; the audit log has what happened"
            raise InvalidInputError(f"{path} is not the state of a run: {error}", hint=hint) from error

    def save(self, state: RunState) -> None:
        """Replace the state; it is durable on return.

        Raises:
            AuditError: it cannot be written.
        """
        path = self.path / STATE
        with durable.required(path):
            durable.write(path, state.written())

    def update(self, **changes: Any) -> None:
        """Save the state with `changes`."""
        self.save(replace(self.state, **changes))

    def keep_room(self) -> None:
        """Keep room on the disk for the end of this run.

        Raises:
            AuditError: there is not as much.
        """
        with durable.required(self.path), (self.path / RESERVE).open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, _RESERVED)

    def give_room(self) -> None:
        """Use that room: nothing more is done but to record the end."""
        with suppress(OSError):  # read-only: then nothing can be recorded anyway
            (self.path / RESERVE).unlink()

    def note_called(self) -> None:
        """Note that people were called for the death of this run, until its state is saved again.

        It is the time of modification of the state: a full disk does not keep that from being noted.
        """
        os.utime(self.path / STATE, ns=(_CALLED, _CALLED))

    @property
    def was_called_for(self) -> bool:
        """Whether people were called for the death of this run."""
        return (self.path / STATE).stat().st_mtime_ns == _CALLED

    def keep(self, runbook: bytes, playbook: bytes) -> None:
        """Keep the texts by which the run is done from now on, beside those by which it was done before.

        Raises:
            AuditError: they cannot be written.
        """
        with durable.required(self.path):
            (self.path / _RUNBOOK).write_bytes(runbook)
            for name, text in (("runbook", runbook), ("playbook", playbook)):
                self._text(name, hashlib.sha256(text).hexdigest()).write_bytes(text)

    def text(self, name: Literal["runbook", "playbook"], sha256: str) -> str:
        """The runbook or playbook with that SHA-256, by which the run was done; empty when it is not there."""
        try:
            return self._text(name, sha256).read_text(encoding="utf-8")
        except OSError:
            return ""

    def _text(self, name: str, sha256: str) -> Path:
        return self.path / f"{name}-{sha256}.yml"

    def cancel(self, who: str) -> None:
        """Ask the command that does this run to stop, from any process.

        Raises:
            AuditError: it cannot be written.
        """
        hint = "make room on that disk"
        with durable.required(self.path, hint=hint), (self.path / CANCEL).open("a", encoding="utf-8") as file:
            file.write(f"{CANCELLED}{who}\n")

    def cancelled(self) -> list[str]:
        """Every request to stop that was made since the command began."""
        try:
            return (self.path / CANCEL).read_text(encoding="utf-8").splitlines()
        except OSError:
            return []

    def forget_cancellation(self) -> None:
        """Let requests that were made for a command which is gone mean nothing to the next."""
        (self.path / CANCEL).unlink(missing_ok=True)

    @property
    def exists(self) -> bool:
        """Whether it has a state; the directory of one that is just begun has none yet."""
        return (self.path / STATE).is_file()

    @property
    def live(self) -> bool:
        """Whether a command is doing this run just now."""
        try:
            self.hold().release()
        except LockedError:
            return True
        return False

    def hold(self) -> Self:
        """Take the lock of this run.

        Raises:
            LockedError: another process has it.
        """
        self._lock = open_lock(self.path / LOCK, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.release()
            raise LockedError(f"the run {self.path.name} is held by another process") from None
        return self

    def hold_again(self) -> Self:
        """Take the lock to go on with the run: no earlier request to stop counts, and room is kept for its end.

        Raises:
            LockedError: another process has it.
            AuditError: there is no room.
        """
        self.hold().forget_cancellation()
        self.keep_room()
        return self

    def rename(self, path: Path) -> None:
        """Give it the name `path`, which no other run has.

        Raises:
            OSError: another one has.
        """
        self.path.rename(path)
        self.path = path

    def discard(self) -> None:
        """Remove the directory of a run that has never begun."""
        self.release()
        shutil.rmtree(self.path, ignore_errors=True)

    def release(self) -> None:
        """Give the lock back."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
