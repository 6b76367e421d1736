"""The attempts at a run: each command that worked on it, and what that came to."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from runner.core.deferred import dataclass
from runner.core.events import EventType, Instant, Outcome
from runner.render.history.step_fold import fold_steps
from runner.render.history.step_history import RUNNING, StepHistory
from runner.store.log import record_data
from runner.store.log.envelope import Actor, Record, instant

_BEGINS = frozenset({EventType.RUN_STARTED, EventType.RUN_RESUMED})
_ENDS = frozenset({EventType.RUN_FINISHED, EventType.RUN_REFUSED, EventType.RUN_ABANDONED})
REFUSED = "refused"
"""What an attempt to go on with a run comes to that was not let begin: it leaves the run as it was."""


@dataclass(frozen=True)
class Attempt:
    """One command that worked on the run: the first, one that went on with it, or one that took it back.

    `name` is `start`, `resume 1`, `undo`, ...; `seconds` is how long it took, up to now where it has not ended.
    """

    kind: Literal["start", "resume", "undo"]
    name: str
    actor: Actor
    reason: str
    mode: str
    started: datetime
    seconds: float
    outcome: str
    problems: tuple[str, ...]
    steps: tuple[StepHistory, ...]
    runbook_sha256: str = ""
    playbook_sha256: str = ""


def ending(part: Sequence[Record]) -> Record | None:
    """The last record of how the attempt ended that `part` has the records of; None where it has not."""
    return next((record for record in reversed(part) if record.type in _ENDS), None)


def split(records: Iterable[Record]) -> Iterator[list[Record]]:
    """The records of each attempt."""
    part: list[Record] = []
    for record in records:
        if record.type in _BEGINS and part:
            yield part
            part = []
        part.append(record)
    yield part


def fold_attempts(parts: Sequence[Sequence[Record]], now: Instant | None) -> Iterator[Attempt]:
    """Only the last one may still be going on: whoever goes on with a run has seen that nobody does."""
    counted: Counter[str] = Counter()
    for part in parts[:-1]:
        yield _attempt(part, counted, None, outcome=Outcome.UNKNOWN)
    yield _attempt(parts[-1], counted, now, outcome=RUNNING)


def _attempt(part: Sequence[Record], counted: Counter[str], now: Instant | None, *, outcome: str) -> Attempt:
    """The attempt that the records in `part` tell of; `outcome` is what it has come to if they do not tell its end."""
    first, data, end = part[0], part[0].data, ending(part)
    kind: Literal["start", "resume", "undo"] = "undo" if data.get("take_back") else "resume"
    kind = "start" if first.type == EventType.RUN_STARTED else kind
    counted[kind] += 1
    going = None if end else now
    return Attempt(
        kind=kind,
        name=kind if (kind, counted[kind]) in {("start", 1), ("undo", 1)} else f"{kind} {counted[kind]}",
        actor=first.actor,
        reason=record_data.text(given(part), "reason"),
        mode=record_data.text(data, "mode"),
        started=first.time,
        seconds=(going or instant(end or part[-1])).since(instant(first)),
        outcome=_outcome(end) if end else outcome,
        problems=_problems(end) if end else (),
        steps=fold_steps(data, part, now=going, touched=True),
        runbook_sha256=record_data.text(data, "runbook_sha256"),
        playbook_sha256=record_data.text(data, "playbook_sha256"),
    )


def given(part: Sequence[Record]) -> Mapping[str, Any]:
    """What says why somebody wanted the run: a record of its own, or the first one in the log of an earlier version."""
    return next((record.data for record in part if record.type == EventType.REASON_GIVEN), part[0].data)


def _outcome(end: Record) -> str:
    refused = end.type == EventType.RUN_REFUSED
    return REFUSED if refused else record_data.text(end.data, "outcome") or Outcome.UNKNOWN


def _problems(end: Record) -> tuple[str, ...]:
    reason = record_data.text(end.data, "reason") if end.type == EventType.RUN_REFUSED else ""
    return tuple(map(str, (*filter(None, [reason]), *record_data.items(end.data, "problems"))))


def provenance(records: Sequence[Record]) -> Mapping[str, Any]:
    """What ran: the versions that the first record names, and which engine did the tasks."""
    engine = engine_in_words(records)
    return {**record_data.mapping(records[0].data, "provenance"), **({"engine": engine} if engine else {})}


def engine_in_words(records: Sequence[Record]) -> str:
    """Which engine did the tasks, and why some were done as Ansible does them; empty where no segment has ended."""
    spans = [record_data.mapping(each.data, "engine") for each in records if each.type == EventType.SPAN_FINISHED]
    stock = Counter[str]()
    for span in spans:
        stock.update(record_data.mapping(span, "stock"))
    names = dict.fromkeys(
        f"{span['name']} ({span['why']})" if span.get("why") else span["name"] for span in spans if span
    )
    others = ", ".join(f"{count} {why}" for why, count in stock.most_common())
    return ", ".join(names) + (f"; {stock.total()} tasks as Ansible does them: {others}" if others else "")


def engine_remarks(records: Sequence[Record]) -> list[str]:
    """Which tasks were left to Ansible as it comes, and why, where another engine was asked for."""
    engine = engine_in_words(records)
    return [f"engine: {engine}"] if engine not in {"", "stock", "fast"} else []
