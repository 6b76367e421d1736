"""What people have done in trainings: kept for those who agree to it, and gone without a trace when they want that."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from runner.core.deferred import dataclass
from runner.store import durable


@dataclass(frozen=True, slots=True)
class TrainingRecord:
    """One training of the contact `person` that was recorded: in which text of which runbook, when, and how it went."""

    person: str
    runbook: str
    sha256: str
    time: datetime
    seconds: float
    own: int
    steps: int
    wrong_turns: int
    alert_only: bool
    counts: bool


class TrainingRecords:
    """One file for each person, in the directory `path`; nothing of it is in the audit log, which forgets nothing."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, record: TrainingRecord) -> None:
        """Keep one.

        Raises:
            AuditError: it cannot be written.
        """
        kept = [*self.of(record.person), record]
        durable.keep(self._file(record.person), json.dumps([asdict(each) for each in kept], default=str))

    def of(self, person: str) -> Sequence[TrainingRecord]:
        """Those of `person`, oldest first."""
        return _read(self._file(person))

    def all(self) -> Sequence[TrainingRecord]:
        """Those of everybody, oldest first."""
        found = [each for path in self._path.glob("*.json") for each in _read(path)]
        return sorted(found, key=lambda each: (each.time, each.person))

    def erase(self, person: str) -> int:
        """Forget those of `person`; how many there were."""
        number = len(self.of(person))
        self._file(person).unlink(missing_ok=True)
        return number

    def _file(self, person: str) -> Path:
        return self._path / f"{hashlib.sha256(person.encode()).hexdigest()[:32]}.json"


def _read(path: Path) -> list[TrainingRecord]:
    try:
        items = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return [TrainingRecord(**{**each, "time": datetime.fromisoformat(each["time"])}) for each in items]
