"""The timeline of a run: what happened, where and when, in words."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from runner.core.deferred import dataclass
from runner.core.events import IN_WORDS, EventType
from runner.store.log import record_data
from runner.store.log.envelope import Record, instant


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
    start, names = instant(found[0]), _names(found)
    return tuple(
        Moment(record.time, instant(record).since(start), IN_WORDS[record.type], _where(record, names), _detail(record))
        for record in found
        if record.type in IN_WORDS
    )


def _names(records: Iterable[Record]) -> dict[str, str]:
    """What people call each step, by its id."""
    described = (
        step for record in records for key in ("steps", "undo") for step in record_data.mappings(record.data, key)
    )
    return {str(step.get("id")): record_data.text(step, "name") for step in described}


def _where(record: Record, names: Mapping[str, str]) -> str:
    step = record.step or ""
    return " ".join(filter(None, [names.get(step) or step, f"on {record.host}" if record.host else ""]))


def _detail(record: Record) -> str:
    if record.type == EventType.PAGE_FINISHED:
        action, contact, channel, *became = (record_data.text(record.data, key) for key in _OF_PAGES)
        by = f" by {channel}" if channel else ""
        return ": ".join(filter(None, [f"{action} to {contact}{by}", *became]))
    if record.type == EventType.CONTACT_PASSED_OVER:
        return passed_over(record)
    return ": ".join(record_data.text(record.data, key) for key in _DETAILS if record.data.get(key))


def passed_over(record: Record) -> str:
    """Who was not called at that hour, and who was in their place."""
    contact, hours, instead = (record_data.text(record.data, key) for key in ("contact", "hours", "instead"))
    return f"{contact} is called {hours} only; {instead} instead"


_OF_PAGES = ("action", "contact", "channel", "status", "reason")
_DETAILS = (
    *(
        "trigger",
        "state",
        "says",
        "answer",
        "guard",
        "verdict",
        "required",
        "given",
        "action",
        "kind",
        "text",
        "contact",
        "channel",
        "outcome",
        "status",
    ),
    *("reason", "by", "vote", "note", "refused", "declared", "to", "as_run"),
)
