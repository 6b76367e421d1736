"""Proofs: which runbook passed where and when, as the audit log has it; nobody types when a runbook was last tested."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from runner.events import EventType, Outcome
from runner.record.audit_log import Record


@dataclass(frozen=True, slots=True)
class Proof:
    """One run that passed: of which text of the runbook and the playbook, in which environment, and when it ended."""

    runbook: str
    runbook_sha256: str
    playbook_sha256: str
    environment: str
    run: str
    time: datetime


def proofs(records: Iterable[Record]) -> Iterator[Proof]:
    """A proof for each run in `records` that passed, in the order in which they ended."""
    started: dict[str, Mapping[str, Any]] = {}
    environments: dict[str, str] = {}
    for record in records:
        match record.type:
            case EventType.RUN_STARTED:
                started[record.run] = record.data
            case EventType.RUN_RESUMED if record.data.get("playbook_sha256") != _sha256(started.get(record.run)):
                started.pop(record.run, None)  # begun with one text and ended with another, it proves neither
            case EventType.TARGET_RESOLVED:
                environments[record.run] = str(record.data.get("environment", ""))
            case EventType.RUN_FINISHED if record.run in started and record.data.get("outcome") == Outcome.PASSED:
                yield Proof(
                    **{name: str(started[record.run].get(name, "")) for name in _NAMED},
                    environment=environments.get(record.run, ""),
                    run=record.run,
                    time=record.time,
                )


def _sha256(data: Mapping[str, Any] | None) -> Any:
    return data.get("playbook_sha256") if data else None


_NAMED = ("runbook", "runbook_sha256", "playbook_sha256")


def newest(found: Iterable[Proof]) -> Mapping[str, Proof]:
    """The newest of the proofs `found` for each runbook."""
    return {proof.runbook: proof for proof in sorted(found, key=lambda proof: proof.time)}
