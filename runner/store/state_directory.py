"""`.runbook/`, the state directory: where the audit log and the directory of each run are found and begun."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Self

from runner.core.deferred import dataclass
from runner.core.errors import AuditError, InvalidInputError, LockedError
from runner.core.events import Clock
from runner.core.identifiers import is_run_id
from runner.store import durable
from runner.store.ended_runs import running
from runner.store.log import audit_log
from runner.store.log.audit_log import AuditLog
from runner.store.log.envelope import Actor
from runner.store.run_state import RunDirectory, RunState
from runner.store.small_files import SmallFiles

if TYPE_CHECKING:  # most commands look whether there is one of these, and find none
    from runner.store.lease import Leases
    from runner.store.owed_undos import OwedUndos
    from runner.store.training_records import TrainingRecords

_DEBTS = "debts"
"""Where what should have been undone is; the first version gave it that name."""
_HINT = "make it writable for yourself, or use --state-dir"


class StateDirectory:
    """`.runbook/`: the audit log, a directory for each run, the incidents that were called and not yet resolved."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def open(cls, path: Path) -> Self:
        """The state directory at `path`, made 0700 when absent.

        Raises:
            InvalidInputError: it is not a directory of this user's, or others may write to it.
            AuditError: it cannot be made, or read.
        """
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            status = path.lstat()
        except (FileExistsError, NotADirectoryError) as error:
            raise InvalidInputError(f"{path} is not a directory", hint="name another one with --state-dir") from error
        except OSError as error:
            raise AuditError(f"{path} cannot be made: {error.strerror}", hint=_HINT) from error
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o022:
            raise InvalidInputError(
                f"{path} must be a directory that only you may write to", hint=f"chmod 700 {path}, or use --state-dir"
            )
        with durable.required(path, hint=_HINT):
            for place in (path, path / "runs"):
                _refuse_links(place)
        return cls(path.absolute())

    def require_writable(self) -> None:
        """That files can be made in it, and in the directories there: nothing goes on that cannot be recorded.

        Raises:
            AuditError: one of them is read-only, or not for this user to write to.
        """
        with durable.required(self.path, hint=_HINT):
            places = [self.path, *filter(Path.is_dir, self.path.iterdir())]
        for place in places:
            if not os.access(place, os.W_OK | os.X_OK):
                raise AuditError(f"{place} cannot be written to", hint=_HINT)

    @property
    def audit(self) -> Path:
        """The directory of the audit log."""
        return self.path / "audit"

    @property
    def log_path(self) -> Path:
        """The audit log itself."""
        return self.audit / audit_log.NAME

    @property
    def runs_path(self) -> Path:
        """Where each run has a directory of its own."""
        return self.path / "runs"

    @property
    def owed_undos(self) -> OwedUndos:
        """What should have been undone on hosts, and was not."""
        from runner.store.owed_undos import OwedUndos  # noqa: PLC0415 - as said

        return OwedUndos(self.path / _DEBTS)

    @property
    def training_records(self) -> TrainingRecords:
        """What people have done in trainings who agree to that."""
        from runner.store.training_records import TrainingRecords  # noqa: PLC0415 - as said

        return TrainingRecords(self.path / "trainings")

    @property
    def leases(self) -> Leases:
        """What says that the commands of critical runs are alive."""
        from runner.store.lease import Leases  # noqa: PLC0415 - as said

        return Leases(self.path / "leases")

    def open_log(self, *, clock: Clock, actor: Actor) -> AuditLog:
        """The audit log, to be added to.

        Raises:
            AuditError: it cannot be opened, is broken, or is gone.
        """
        self.check_log()
        return AuditLog.open(self.audit, clock=clock, actor=actor)

    def check_log(self) -> None:
        """That the audit log is there; one that is missing or empty is only fine as long as nothing was done.

        Raises:
            AuditError: it is gone.
        """
        path = self.log_path
        if path.is_file() and path.stat().st_size:
            return
        if runs := sum(run.state.was_recorded for run in self.runs()):
            what = "is empty" if path.is_file() else "is gone"
            message = (
                f"the audit log {path} {what}, though {runs} run{' was' if runs == 1 else 's were'} recorded in it"
            )
            hint = f"put it back from a copy, and find out who took it; {self.runs_path} still tells of the runs"
            raise AuditError(message, hint=f"{hint}; to record elsewhere meanwhile, use --state-dir")

    def begin(self, state: RunState) -> RunDirectory:
        """The directory of a new run, held by this process.

        Raises:
            AuditError: it cannot be made durable.
        """
        path = self.directory(state.run).path
        directory = RunDirectory(path.with_name(f".{state.run}.{os.getpid()}"))
        with durable.required(path), contextlib.ExitStack() as not_begun:
            path.parent.mkdir(mode=0o700, exist_ok=True)
            directory.path.mkdir(mode=0o700)
            not_begun.callback(directory.discard)
            directory.hold().save(state)
            directory.keep_room()
            directory.rename(path)  # whole or not at all, whenever the process is killed; and never over another run
            durable.sync(path.parent)
            not_begun.pop_all()
        return directory

    def run(self, run: str) -> RunDirectory:
        """The directory of the run `run`.

        Raises:
            InvalidInputError: there is none.
        """
        directory = self.directory(run)
        if not is_run_id(run) or not directory.exists:
            raise InvalidInputError(f"there is no run {run!r}", hint="runbook list --runs shows all of them")
        return directory

    def directory(self, run: str) -> RunDirectory:
        """The directory of that name, which need not be there."""
        return RunDirectory(self.runs_path / run)

    def names(self) -> list[str]:
        """The names of the directories of all runs, oldest first; one that is just begun has no state yet."""
        return sorted(filter(is_run_id, os.listdir(self.runs_path) if self.runs_path.is_dir() else ()))  # noqa: PTH208

    def runs(self) -> Iterator[RunDirectory]:
        """All runs, oldest first."""
        return (run for run in map(self.directory, self.names()) if run.exists)

    def running(self) -> list[RunDirectory]:
        """The runs that call themselves running, oldest first, whether a command is alive that executes them or not."""
        return running(self.runs_path, self.names())

    @property
    def at_rest(self) -> bool:
        """Whether nothing is left to do: no run goes on or has died, no page waits, no incident or drill is open."""
        waiting = any(SmallFiles(self.path / name).names() for name in ("leases", "outbox", "incidents"))
        return not (self.running() or waiting or self._has_armed())

    def _has_armed(self) -> bool:
        owes = next((self.path / _DEBTS).glob("*.json"), None)
        return owes is not None and any(each.armed for each in self.owed_undos.all())

    def dead(self) -> Iterator[RunDirectory]:
        """The runs that call themselves running while nobody holds them; each is held when it is given."""
        for directory in self.running():
            with contextlib.suppress(LockedError):
                yield directory.hold()


@dataclass(frozen=True, kw_only=True)
class RecordContext:
    """Where something is recorded, by which clock, and who does so."""

    state: StateDirectory
    clock: Clock
    actor: Actor


def _refuse_links(directory: Path) -> None:
    """That nothing in `directory` leads elsewhere: the product makes no links there.

    Raises:
        InvalidInputError: something does.
    """
    if not directory.is_dir():
        return
    with os.scandir(directory) as entries:
        links = sorted(entry.path for entry in entries if entry.is_symlink())
    if links:
        message = f"{links[0]} is a symbolic link, and what is recorded must not lie elsewhere"
        raise InvalidInputError(
            message, hint=f"put what it leads to in its place, or use --state-dir: ls -l {links[0]}"
        )
