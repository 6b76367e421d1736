"""Where a run stands: each step on each host, how long it takes and usually took, and how much of its time is used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from runner.events import EventType, Instant, Outcome
from runner.record.audit_log import Record

_LATEST = 20
"""Runs from which it is known how long a step usually takes."""

_BEGINS = frozenset({EventType.STEP_INTENDED, EventType.GATE_ASKED})
_RUNS = frozenset({EventType.RUN_STARTED, EventType.RUN_RESUMED})
_ENDS = frozenset({EventType.RUN_FINISHED, EventType.RUN_ABANDONED})


@dataclass(frozen=True, slots=True)
class StepStatus:
    """One step: its outcome on each host (`running` until it has ended), and its seconds: so far, and usually."""

    id: str
    name: str
    hosts: Mapping[str, str]
    seconds: float | None
    usually: float | None


@dataclass(frozen=True, slots=True)
class RunStatus:
    """A run as it stands; `used` and `budget` are seconds, `waiting` is the question that a person has not answered."""

    used: float
    budget: float | None
    waiting: str
    steps: tuple[StepStatus, ...]


def status(records: Iterable[Record], *, usually: Mapping[str, float], now: Instant | None) -> RunStatus:
    """Where the run that `records` tell of stands, at `now` or, for one that has ended, at its end."""
    told = list(records)
    first = next((record for record in reversed(told) if record.type in _RUNS), told[0])
    begun = [record for record in told if record.seq >= first.seq]
    end = _elapsed(first, begun[-1]) if now is None else _until(first, now)
    steps = [item for item in first.data.get("steps", []) if isinstance(item, Mapping)]
    return RunStatus(
        used=end,
        budget=first.data.get("budget"),
        waiting=_waiting(begun) if now else "",
        steps=tuple(_step(item, told, usually, now) for item in steps),
    )


def usual(records: Iterable[Record], runbook: str) -> dict[str, float]:
    """How many seconds each step of `runbook` usually takes: the median of the latest runs in which it passed."""
    mine: dict[str, list[Record]] = {}
    for record in records:
        if record.type == EventType.RUN_STARTED and record.data.get("runbook") == runbook:
            mine[record.run] = []
        if record.run in mine and record.step:
            mine[record.run].append(record)
    took: dict[str, list[float]] = {}
    for told in list(mine.values())[-_LATEST:]:
        for step in dict.fromkeys(str(record.step) for record in told):
            passed = [r for r in told if r.step == step and _is(r, EventType.STEP_FINISHED, Outcome.PASSED)]
            if (seconds := _took(step, told)) is not None and passed:
                took.setdefault(step, []).append(seconds)
    return {step: median(seconds) for step, seconds in took.items()}


def _is(record: Record, kind: EventType, outcome: Outcome) -> bool:
    return record.type == kind and record.data.get("outcome") == outcome


def _step(
    item: Mapping[str, Any], told: Sequence[Record], usually: Mapping[str, float], now: Instant | None
) -> StepStatus:
    name = str(item.get("id"))
    hosts: dict[str, str] = {}
    for record in told:
        if record.step == name and record.host:
            if record.type == EventType.STEP_INTENDED:
                hosts[record.host] = "running" if now else Outcome.UNKNOWN
            elif record.type == EventType.STEP_FINISHED:
                hosts[record.host] = str(record.data.get("outcome"))
    return StepStatus(name, str(item.get("name")), hosts, _took(name, told, now), usually.get(name))


def _took(step: str, told: Iterable[Record], now: Instant | None = None) -> float | None:
    mine = [record for record in told if record.step == step]
    first = next((record for record in mine if record.type in _BEGINS), None)
    if first is None:
        return None
    ended = [record for record in mine if record.type == EventType.STEP_FINISHED and record.seq > first.seq]
    if ended:
        return _elapsed(first, ended[-1])
    return _until(first, now) if now else None


def _waiting(told: Sequence[Record]) -> str:
    """The question that was asked last, if there was no answer."""
    gates = [record for record in told if record.type in {EventType.GATE_ASKED, EventType.GATE_ANSWERED}]
    asked = gates[-1] if gates and gates[-1].type == EventType.GATE_ASKED else None
    return f"{asked.data.get('kind')}: {asked.data.get('text')}" if asked else ""


def _elapsed(first: Record, last: Record) -> float:
    # The wall clock may jump; the monotonic one only counts within one boot.
    if first.boot == last.boot:
        return last.monotonic - first.monotonic
    return (last.time - first.time).total_seconds()


def _until(first: Record, now: Instant) -> float:
    return now.monotonic - first.monotonic if first.boot == now.boot_id else (now.wall - first.time).total_seconds()
