"""What people were asked in a run, what they saw of it, who answered, and how."""

from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from datetime import datetime
from typing import Any

from runner.core.deferred import dataclass
from runner.core.events import EventType, Outcome
from runner.store.log import record_data
from runner.store.log.envelope import Record

NOBODY = "nobody"
"""Who answered where no person did."""


@dataclass(frozen=True, slots=True)
class Ballot:
    """One person's vote: who they say they are, who the system says they are, and what they said."""

    by: str
    login: str
    vote: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """One question to people: `context` is what they saw, `outcome` what it came to, empty while nobody has answered.

    `by` is who answered; `votes` are there where several had to.
    """

    step: str
    kind: str
    text: str
    hosts: tuple[str, ...]
    asked: datetime
    context: Mapping[str, Any] = field(default_factory=dict)
    outcome: str = ""
    by: str = ""
    note: str = ""
    votes: tuple[Ballot, ...] = ()


def decisions(records: Iterable[Record]) -> tuple[Decision, ...]:
    """Every question that `records` tell of, in the order in which they were asked."""
    found: list[Decision] = []
    for record in records:
        data = record.data
        if record.type == EventType.GATE_ASKED:
            found.append(_asked(record))
        elif found and not found[-1].outcome:
            if record.type == EventType.VOTE_GIVEN:
                ballot = Ballot(*(record_data.text(data, key) for key in ("by", "login", "vote", "note")))
                found[-1] = replace(found[-1], votes=(*found[-1].votes, ballot))
            elif record.type == EventType.GATE_ANSWERED:
                outcome, by, note = (record_data.text(data, key) for key in ("outcome", "by", "note"))
                found[-1] = replace(found[-1], outcome=outcome or Outcome.UNKNOWN, by=by, note=note)
    return tuple(found)


def _asked(record: Record) -> Decision:
    data = record.data
    return Decision(
        step=record.step or "",
        kind=record_data.text(data, "kind"),
        text=record_data.text(data, "text"),
        hosts=tuple(map(str, record_data.items(data, "hosts"))),
        asked=record.time,
        context=record_data.mapping(data, "context") or {key: value for key, value in data.items() if key not in _OWN},
    )


_OWN = frozenset({"kind", "text", "hosts", "part"})
