"""Incidents that somebody was called for and that are not resolved yet, so that a later run can say that they are."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from runner.errors import AuditError
from runner.record import durable


@dataclass(frozen=True, slots=True)
class Incident:
    """An open incident: its deduplication key, the run that opened it, and the contacts that were called."""

    dedup_key: str
    run: str
    contacts: tuple[str, ...]


class Incidents:
    """One small file for each open incident, in the directory `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def _file(self, dedup_key: str) -> Path:
        return self._path / f"{hashlib.sha256(dedup_key.encode()).hexdigest()[:32]}.json"

    def open(self, incident: Incident) -> None:
        """Remember `incident`; durable on return.

        Raises:
            AuditError: it can not be remembered.
        """
        try:
            self._path.mkdir(mode=0o700, exist_ok=True)
            durable.write(self._file(incident.dedup_key), json.dumps(asdict(incident)))
        except OSError as error:
            raise AuditError(f"{self._path}: {error.strerror}", hint="make room, or use --state-dir") from error

    def find(self, dedup_key: str) -> Incident | None:
        """The open incident of that key."""
        try:
            data = json.loads(self._file(dedup_key).read_text())
        except FileNotFoundError:
            return None
        return Incident(data["dedup_key"], data["run"], tuple(data["contacts"]))

    def opened_by(self, run: str) -> list[str]:
        """The keys of the open incidents that the run of that id has called for."""
        found = [json.loads(path.read_text()) for path in sorted(self._path.glob("*.json"))]
        return [each["dedup_key"] for each in found if each["run"] == run]

    def close(self, dedup_key: str) -> None:
        """Forget the incident of that key."""
        self._file(dedup_key).unlink(missing_ok=True)
