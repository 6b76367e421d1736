"""Owed undos: what was begun on a host and should have been undone, and of which nothing proves that it was."""

import hashlib
import json
from collections.abc import Collection
from dataclasses import asdict
from pathlib import Path
from typing import Self

from runner.core.deferred import dataclass
from runner.store import durable


@dataclass(frozen=True, slots=True)
class ArmedHost:
    """What a drill has left on `host` to take its fault back, done by `user`: that comes by itself at the time `until`.

    The `inventories` lead there, and `machine` is the hash of what the machine says of itself; empty where nobody has
    asked. With `broken` the fault was begun. The drill is the process `pid`, begun at
    `process_started` ticks after the boot `boot_id`. Somebody has `tried` in vain to take it back at that time.
    """

    host: str
    user: str
    inventories: tuple[str, ...]
    until: str
    pid: int
    process_started: int
    boot_id: str
    broken: bool = False
    tried: str = ""
    machine: str = ""


@dataclass(frozen=True, slots=True)
class OwedUndo:
    """On `host`, `step` of `runbook` was begun by `run` and is to be undone; `since` is when that was decided.

    What a drill has broken there, as `armed` says, is taken back by the next command, or by the host.
    """

    host: str
    runbook: str
    step: str
    run: str
    since: str
    armed: ArmedHost | None = None

    @classmethod
    def read(cls, text: str) -> Self:
        """The one that was written as `text`."""
        data = json.loads(text)
        armed = data.pop("armed", None)
        return cls(**data, armed=ArmedHost(**{**armed, "inventories": tuple(armed["inventories"])}) if armed else None)

    @property
    def paid_by(self) -> str:
        """The command that takes it back."""
        return "runbook drill stop --all" if self.armed else f"runbook undo {self.run}"


class OwedUndos:
    """One small file for each, in the directory `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def _file(self, host: str, runbook: str, step: str) -> Path:
        name = hashlib.sha256(json.dumps([host, runbook, step]).encode()).hexdigest()[:32]
        return self._path / f"{name}.json"

    def add(self, owed: OwedUndo) -> None:
        """Remember one; durable on return.

        Raises:
            AuditError: it cannot be written.
        """
        durable.keep(self._file(owed.host, owed.runbook, owed.step), json.dumps(asdict(owed)))

    def remove(self, host: str, runbook: str, step: str) -> None:
        """Forget one: the step was undone after all."""
        self._file(host, runbook, step).unlink(missing_ok=True)

    def all(self) -> list[OwedUndo]:
        """Every one, oldest first."""
        owed = [OwedUndo.read(path.read_text(encoding="utf-8")) for path in self._path.glob("*.json")]
        return sorted(owed, key=lambda each: (each.since, each.host, each.step))

    def of(self, hosts: Collection[str]) -> list[OwedUndo]:
        """What is owed to `hosts`, oldest first."""
        return [owed for owed in self.all() if owed.host in hosts]
