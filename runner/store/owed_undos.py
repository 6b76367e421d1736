"""Debts: what was begun on a host and should have been taken back, and is not proven to be."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path

from runner.core.errors import AuditError
from runner.store import durable


@dataclass(frozen=True, slots=True)
class Debt:
    """On `host`, `step` of `runbook` was begun by `run` and is to be undone; `since` is when that was decided."""

    host: str
    runbook: str
    step: str
    run: str
    since: str


class Debts:
    """One small file for each debt, in the directory `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def _file(self, host: str, runbook: str, step: str) -> Path:
        name = hashlib.sha256(json.dumps([host, runbook, step]).encode()).hexdigest()[:32]
        return self._path / f"{name}.json"

    def owe(self, debt: Debt) -> None:
        """Remember `debt`; durable on return.

        Raises:
            AuditError: it cannot be remembered.
        """
        try:
            self._path.mkdir(mode=0o700, exist_ok=True)
            durable.write(self._file(debt.host, debt.runbook, debt.step), json.dumps(asdict(debt)))
        except OSError as error:
            raise AuditError(f"{self._path}: {error.strerror}", hint="make room, or use --state-dir") from error

    def pay(self, host: str, runbook: str, step: str) -> None:
        """Forget the debt: it was taken back after all."""
        self._file(host, runbook, step).unlink(missing_ok=True)

    def everything(self) -> list[Debt]:
        """Every debt, oldest first."""
        found = [Debt(**json.loads(path.read_text(encoding="utf-8"))) for path in self._path.glob("*.json")]
        return sorted(found, key=lambda debt: (debt.since, debt.host, debt.step))

    def of(self, hosts: Collection[str]) -> list[Debt]:
        """What is owed to `hosts`, oldest first."""
        return [debt for debt in self.everything() if debt.host in hosts]
