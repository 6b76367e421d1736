"""The runs that the record tells of, each in a line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from runner import duration
from runner.events import EventType
from runner.record.audit_log import Record

_LOOKS = frozenset({"dry-run", "preflight"})


@dataclass(frozen=True, slots=True)
class Run:
    """A run, when it began and, when it is over, how it ended and how long it took; `looks` where it did nothing."""

    run: str
    runbook: str
    started: datetime
    user: str
    environment: str = ""
    outcome: str = "not ended"
    took: str = ""
    looks: bool = False


def history(records: Iterable[Record]) -> tuple[Run, ...]:
    """Every run that `records` tell of, newest first."""
    found: dict[str, Run] = {}
    for record in records:
        if record.type == EventType.RUN_STARTED and record.run not in found:
            runbook = str(record.data.get("runbook", ""))
            looks = record.data.get("mode") in _LOOKS
            found[record.run] = Run(record.run, runbook, record.time, record.actor.user, looks=looks)
        elif record.run in found:
            found[record.run] = replace(found[record.run], **_told(record, found[record.run]))
    return tuple(sorted(found.values(), key=lambda run: (run.started, run.run), reverse=True))


def _told(record: Record, run: Run) -> Mapping[str, Any]:
    """What `record` changes in what is known of `run`."""
    match record.type:
        case EventType.TARGET_RESOLVED:
            return {"environment": str(record.data.get("environment", ""))}
        case EventType.RUN_FINISHED:
            took = max(timedelta(0), record.time - run.started)
            shown = duration.show(timedelta(seconds=round(took.total_seconds())))
            return {"outcome": str(record.data.get("outcome", "")), "took": shown}
        case EventType.RUN_ABANDONED:
            return {"outcome": "abandoned"}
    return {}
