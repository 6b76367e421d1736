"""The timeline of a run: what happened, where and when, in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from runner.events import EventType
from runner.record import loose
from runner.record.envelope import Record, instant


@dataclass(frozen=True, slots=True)
class Moment:
    """A line of the timeline: when, in seconds since the start, what, where, and what there is to say about it."""

    time: datetime
    since: float
    what: str
    where: str = ""
    detail: str = ""


def timeline(records: Iterable[Record]) -> tuple[Moment, ...]:
    """What `records`, the first of which is the start, tell to people."""
    found = list(records)
    start = instant(found[0])
    return tuple(
        Moment(record.time, instant(record).since(start), _WORDS[record.type], _where(record), _detail(record))
        for record in found
        if record.type in _WORDS
    )


def _where(record: Record) -> str:
    return (record.step or "") + (f" on {record.host}" if record.host else "")


def _detail(record: Record) -> str:
    return ": ".join(loose.text(record.data, key) for key in _DETAILS if record.data.get(key))


_WORDS: Mapping[str, str] = {
    EventType.RUN_STARTED: "run started",
    EventType.RUN_RESUMED: "run resumed",
    EventType.LOCK_AWAITED: "waited",
    EventType.TARGET_RESOLVED: "hosts resolved",
    EventType.GUARD_CHECKED: "guard",
    EventType.GLASS_BROKEN: "BREAK GLASS",
    EventType.PREFLIGHT_FINISHED: "preflight",
    EventType.DEBT_FOUND: "debt found",
    EventType.GATE_ASKED: "asked",
    EventType.GATE_VOIDED: "approval void",
    EventType.VOTE_GIVEN: "voted",
    EventType.GATE_ANSWERED: "answered",
    EventType.STEP_INTENDED: "began",
    EventType.VERIFICATION_FINISHED: "verified",
    EventType.STEP_FINISHED: "ended",
    EventType.STEP_REOPENED: "reopened",
    EventType.DEBT_MADE: "debt made",
    EventType.DEBT_PAID: "debt paid",
    EventType.RUN_CANCELLED: "cancelled",
    EventType.RUN_HANDED_OVER: "handed over",
    EventType.ESCALATION_DECLARED: "declared",
    EventType.PAGE_FINISHED: "page",
    EventType.RUN_ABANDONED: "run abandoned",
    EventType.RUN_REFUSED: "run refused",
    EventType.UNDO_PLANNED: "undo planned",
    EventType.RUN_FINISHED: "run finished",
}
_DETAILS = (
    *("guard", "verdict", "required", "given", "action", "kind", "text", "contact", "channel", "outcome", "status"),
    *("reason", "by", "vote", "note", "refused", "declared", "to", "as_run"),
)
