"""Folds the records of a run, or of one attempt of it, into what became of each step on each host."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field, replace
from typing import Any

from runner.core.deferred import dataclass
from runner.core.events import EventType, Instant, Outcome
from runner.core.step_tags import UNDO, item_of
from runner.render.history.step_history import (
    CHECKS,
    RUNNING,
    Action,
    Answer,
    Check,
    HostHistory,
    ItemNames,
    StepHistory,
    action_of,
    checks_of,
    task_in_a_line,
)
from runner.store.log import record_data
from runner.store.log.envelope import Record, instant


@dataclass
class _Host:
    """A step on a host, as far as the records have come: `began` is when machines began to work on it.

    `earlier` is what a step that is to be done or verified again had come to.
    """

    intended: bool = False
    began: float | None = None
    outcome: str = ""
    earlier: str = ""
    attempt: int = 0
    undone: bool = False
    command: str = ""
    action: Record | None = None
    tasks: list[str] = field(default_factory=list)

    @property
    def stands(self) -> bool:
        """Whether there is anything to tell of it."""
        return bool(self.outcome or self.earlier or self.intended)

    def shown(self, attempt: int) -> str:
        """Its outcome, if that is the number of the attempt that goes on; what was reopened stands as it was before."""
        going = RUNNING if self.intended and self.attempt == attempt else ""
        return self.outcome or going or self.earlier or Outcome.UNKNOWN


@dataclass
class _Step:
    """A step as far as the records have come; `worked` are the times in which machines did, in attempt `attempt`."""

    hosts: dict[str, _Host] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)
    commands: dict[str, str] = field(default_factory=dict)
    answers: dict[str, Any] = field(default_factory=dict)
    worked: list[_Span] = field(default_factory=list)
    attempt: int = 0


class StepFold:
    """Takes the records of one run in their order, and tells what became of its steps.

    Times are in seconds since the first record of an attempt, so that a clock that is set between two does no harm.
    """

    def __init__(self, first: Mapping[str, Any]) -> None:
        self._described = {
            str(item.get("id")): item for key in ("steps", "undo") for item in record_data.mappings(first, key)
        }
        self._undoes = {str(item.get("id")) for item in record_data.mappings(first, "undo")}
        self._steps: dict[str, _Step] = {}
        self._items = ItemNames()
        self._attempt = self._resumed = 0
        self._zero: Instant | None = None
        self._asked: float | None = None
        self._thought: list[_Span] = []

    def add(self, record: Record) -> None:
        """Take `record` into account."""
        self._zero = self._zero or instant(record)
        at = instant(record).since(self._zero)
        if record.type in _TURNS:
            self._turn()
            self._resumed += record.type == EventType.RUN_RESUMED
        elif record.step and record.host and record.type == EventType.STEP_EXPANDED:
            self._items.add(record.step, record.host, record.data)
        elif record.step and record.host and record.type == EventType.VALUES_CAPTURED:
            answer = next(iter(record_data.mapping(record.data, "values").values()), None)
            self._steps.setdefault(record.step, _Step()).answers[record.host] = answer
        elif record.step and record.type in _OF_STEPS:
            step = self._steps.setdefault(record.step, _Step())
            found = checks_of(record, self._described.get(_whole(record.step), {}))
            step.checks += [replace(check, attempt=self._resumed) for check in found]
            self._ask(step, record, at)
            names = dict.fromkeys((record.step, _whole(record.step)))
            if record.type == EventType.STEP_REOPENED:
                for name in names:  # what is done again for one item is not yet done for all of them
                    self._reopen(name, record.data, again=bool(record.data.get("redo")) and name == record.step)
            elif record.host:
                for name in names if record.type == EventType.STEP_INTENDED else (record.step,):
                    hosts = self._steps.setdefault(name, _Step()).hosts
                    self._on_host(name, hosts.setdefault(record.host, _Host()), record, at)

    def _ask(self, step: _Step, record: Record, at: float) -> None:
        """What a person takes to answer is not time in which machines work."""
        if record.type == EventType.GATE_ASKED:
            self._asked = at
            step.commands |= {
                host: str(command) for host, command in record_data.mapping(record.data, "commands").items()
            }
        elif record.type == EventType.GATE_ANSWERED and self._asked is not None:
            self._thought.append((self._asked, at))
            self._asked = None

    def _on_host(self, name: str, host: _Host, record: Record, at: float) -> None:
        step = self._steps[name]
        match record.type:
            case EventType.STEP_INTENDED if not host.outcome:
                if step.attempt != self._attempt:
                    step.worked, step.attempt = [], self._attempt
                host.intended, host.attempt, host.earlier = True, self._attempt, ""
                host.began = at if host.began is None else host.began
                if name == record.step:
                    host.command = record_data.text(record.data, "command") or host.command
            case EventType.TASK_FINISHED:
                host.tasks.append(task_in_a_line(record.data))
            case EventType.ACTION_FINISHED:
                host.action = record
            case EventType.STEP_FINISHED:
                if host.began is not None:
                    step.worked.append((host.began, at))
                host.began, host.outcome = None, record_data.text(record.data, "outcome") or Outcome.UNKNOWN
                self._undone(name, record.host or "", host.outcome)

    def _undone(self, name: str, where: str, outcome: str) -> None:
        host = self._steps.get(name.removeprefix(UNDO), _Step()).hosts.get(where)
        if host and _whole(name) in self._undoes and outcome == Outcome.PASSED:
            host.undone = True

    def _reopen(self, name: str, data: Mapping[str, Any], *, again: bool) -> None:
        """What was concluded no longer counts; what is to be done again was, for now, never begun."""
        hosts = self._steps.get(name, _Step()).hosts
        for where in map(str, record_data.items(data, "hosts")):
            if host := hosts.get(where):
                host.earlier = "" if host.undone else host.outcome or host.earlier
                host.outcome, host.began = "", None
                host.intended, host.undone = host.intended and not again, host.undone and not again
                host.tasks = [] if again else host.tasks
            if again:
                self._steps.get(UNDO + name, _Step()).hosts.pop(where, None)

    def _turn(self) -> None:
        """Nothing of an attempt goes on when it ends or another begins: what had not ended by then is not known."""
        self._attempt, self._zero, self._asked, self._thought = self._attempt + 1, None, None, []
        for host in (host for step in self._steps.values() for host in step.hosts.values()):
            host.began = None

    def steps(self, *, now: Instant | None, touched: bool = False) -> tuple[StepHistory, ...]:
        """Each step, or each that was `touched`, as it stands `now`; None is when nothing more happens."""
        optional = self._described.keys() if touched else self._undoes
        own = [name for name in self._described if name not in optional or self._stands(name)]
        # What was done under a name that the first record lost is told as well.
        lost = [name for name in self._steps if _whole(name) == name and name not in self._described]
        items = {name: tuple(self._step(each, now) for each in self._items_of(name)) for name in (*own, *lost)}
        return tuple(replace(self._step(name, now), items=items[name]) for name in items)

    def _items_of(self, step: str) -> list[str]:
        """The names of the items of a step of which there is something to tell, in their order."""
        items = [name for name in self._steps if name != step and _whole(name) == step and self._stands(name)]
        return sorted(items, key=lambda name: (item_of(name) or ("", 0))[1])

    def _stands(self, name: str) -> bool:
        return any(host.stands for host in self._steps.get(name, _Step()).hosts.values())

    def _step(self, name: str, now: Instant | None) -> StepHistory:
        item, step = self._described.get(_whole(name), {}), self._steps.get(name, _Step())
        stands = {where: host for where, host in step.hosts.items() if host.stands}
        return StepHistory(
            id=name,
            name=(record_data.text(item, "name") or _whole(name)) + self._items.of(name),
            number=record_data.text(item, "number"),
            branch=record_data.text(item, "branch"),
            stops=record_data.text(item, "stops"),
            answers=tuple(_answers(item, step.answers)),
            effect=record_data.text(item, "effect"),
            hosts={where: self._on(host, step.commands.get(where, ""), now) for where, host in stands.items()},
            checks=tuple(step.checks),
            place=record_data.text(item, "place"),
            does=record_data.text(item, "does"),
            seconds=self._seconds(step, now),
        )

    def _on(self, host: _Host, seen: str, now: Instant | None) -> HostHistory:
        command = host.command or seen
        pending = Action("" if host.intended else "not begun", command) if command else None
        action = action_of(host.action, command) if host.action else pending
        if host.tasks:
            action = action or Action("", command)
            action = replace(action, output="\n".join(filter(None, [*host.tasks, action.output])))
        return HostHistory(Outcome.UNDONE if host.undone else host.shown(self._attempt if now else -1), action)

    def _seconds(self, step: _Step, now: Instant | None) -> float | None:
        at = now.since(self._zero) if now and self._zero else None
        begun = [host.began for host in step.hosts.values() if host.began is not None]
        worked = [*step.worked, *((began, at) for began in begun if at is not None)]
        if not worked or (begun and at is None):
            return None
        thought = [*self._thought, *([(self._asked, at)] if self._asked is not None and at is not None else [])]
        return _covered(worked, without=thought)


def fold_steps(
    first: Mapping[str, Any], records: Iterable[Record], *, now: Instant | None, touched: bool = False
) -> tuple[StepHistory, ...]:
    """What became of each step by what `records` say, or of each that was `touched`, as it stands `now`.

    `first` is the data of the first record, which names them.
    """
    fold = StepFold(first)
    for record in records:
        fold.add(record)
    return fold.steps(now=now, touched=touched)


def _whole(name: str) -> str:
    """The step of which `name` is, or is an item."""
    item = item_of(name)
    return item[0] if item else name


def _answers(item: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[Answer]:
    """The answers that a step of a diagnosis may have, by what is `found` on each host; of another step there is none.

    Such a step captures nothing but its answer: the letter of a branch, or whether it is a yes.
    """
    branches = record_data.mapping(item, "branches")
    words: dict[Any, str] = {letter: f"{letter} {when}" for letter, when in branches.items()}
    for value, answer in (words or ({True: "yes", False: "no"} if item.get("asks") else {})).items():
        hosts = tuple(host for host, each in found.items() if each == value and type(each) is type(value))
        if hosts or words:
            yield Answer(answer, hosts)


_Span = tuple[float, float]
_TURNS = frozenset({EventType.RUN_RESUMED, EventType.RUN_ABANDONED, EventType.RUN_FINISHED, EventType.RUN_REFUSED})
_OF_STEPS = CHECKS | {
    EventType.GATE_ASKED,
    EventType.STEP_INTENDED,
    EventType.STEP_FINISHED,
    EventType.STEP_REOPENED,
    EventType.STEP_SETTLED,
    EventType.ATTEMPT_FINISHED,
    EventType.TASK_FINISHED,
    EventType.ACTION_FINISHED,
}


def _covered(worked: Iterable[_Span], *, without: Iterable[_Span]) -> float:
    """Seconds in which one of the spans `worked` lasted and none of those `without`, which do not overlap."""
    total, end = 0.0, float("-inf")
    gaps = list(without)
    for begin, until in sorted(worked):
        if until > end:
            fresh = max(begin, end)
            total += until - fresh
            total -= sum(max(0.0, min(until, last) - max(fresh, first)) for first, last in gaps)
            end = until
    return total
