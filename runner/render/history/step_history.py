"""What became of each step on each host."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from runner.core.deferred import dataclass, regex
from runner.core.events import DONE, EventType, Outcome
from runner.core.observation import Observation
from runner.core.step_tags import item_of, undone_step
from runner.core.wording import in_one_line, listed
from runner.model.procedure.step_numbers import reading_order
from runner.render.history.decisions import NOBODY
from runner.store.log import record_data
from runner.store.log.envelope import Record

RUNNING = "running"
"""What a step, or a run, is called until it has ended."""


@dataclass(frozen=True, slots=True)
class Check:
    """One verification, or one answer of a person, on one host: what was expected, and how it was.

    `number` counts the step's verifications from 1 and is 0 for an approval, and for the action where it did not pass.
    `reason` says why it did not, or who answered and with which note. `trend` is what the samples saw, first to last;
    `seen` what there was to see where it did not pass: values, exit code and the last lines of the output.
    `attempt` counts the attempts of the run from 0. `how` is what is looked at and must hold, where `says` does
    not tell it.
    """

    number: int
    says: str
    host: str
    outcome: str
    reason: str = ""
    trend: tuple[str, ...] = ()
    seen: tuple[str, ...] = ()
    attempt: int = 0
    how: str = ""


@dataclass(frozen=True, slots=True)
class Action:
    """What a step did on a host: its command as it was done, its exit code, and the begin of what it printed.

    `evidence` is the file with all of it, below the directory of the run.
    """

    outcome: str
    command: str = ""
    exit_code: float | None = None
    output: str = ""
    evidence: str = ""

    @property
    def ended(self) -> str:
        """How it ended, in words: by its exit code, where it has one."""
        return f"exit code {self.exit_code:g}" if self.exit_code is not None else self.outcome or "started"


@dataclass(frozen=True, slots=True)
class HostHistory:
    """A step on one host: its outcome (`running` until it has ended), and what it did."""

    outcome: str
    action: Action | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that a diagnosis may have, in words, and the hosts on which it has it."""

    words: str
    hosts: tuple[str, ...]


@dataclass(frozen=True)
class StepHistory:
    """One step: its outcome on each host, and each of its checks in the order in which they were made.

    `place` is the file and the line where it is written, `does` what it does as it is written. `seconds` is how long
    machines worked on it the last time it was begun; what people took to answer is not in it. None where it was not
    begun, or has not ended. `number` is the one that people read, where some belong to a diagnosis; one in a branch of
    that says when its `branch` is taken, and one that ends the run there `stops` with a sentence. `answers` says which
    branch is taken, or which answer a question has, in words, each with the hosts on which it is so. `items` are what
    became of each item of its `each`.
    """

    id: str
    name: str
    effect: str
    hosts: Mapping[str, HostHistory]
    checks: tuple[Check, ...] = ()
    place: str = ""
    does: str = ""
    seconds: float | None = None
    number: str = ""
    branch: str = ""
    stops: str = ""
    answers: tuple[Answer, ...] = ()
    items: tuple[StepHistory, ...] = ()

    @property
    def every_check(self) -> tuple[Check, ...]:
        """Its own checks, and those of its items."""
        return (*self.checks, *(check for item in self.items for check in item.checks))

    @property
    def outcome(self) -> str:
        """The one outcome when all hosts agree, else each with its number."""
        found = [host.outcome for host in self.hosts.values()]
        if len(set(found)) == 1:
            return found[0]
        return ", ".join(f"{found.count(word)} {word}" for word in dict.fromkeys(found)) or Outcome.NEVER_REACHED

    @property
    def decides(self) -> bool:
        """Whether it says which branch of a diagnosis is taken."""
        return bool(self.answers) and not {answer.words for answer in self.answers} <= {"yes", "no"}

    @property
    def main_outcome(self) -> str:
        """The outcome that most of all says how it stands: one that is not good, else that it passed somewhere."""
        found = [host.outcome for host in self.hosts.values()]
        bad = [each for each in found if each not in DONE]
        worse = [each for each in bad if each not in {Outcome.NEVER_REACHED, Outcome.SKIPPED}]
        passed = [each for each in found if each == Outcome.PASSED]
        return next(iter([*worse, *bad, *passed, *found]), self.outcome)

    @property
    def is_done(self) -> bool:
        """Whether it has passed, or is not needed, on every host that it has come to."""
        return bool(self.hosts) and all(host.outcome in DONE for host in self.hosts.values())

    @property
    def outcomes(self) -> Mapping[str, str]:
        """The outcome on each host."""
        return {name: host.outcome for name, host in self.hosts.items()}


def in_reading_order(steps: Sequence[StepHistory]) -> list[StepHistory]:
    """The steps with what decides before what it asks, and what a branch asks before what it does."""
    begins: dict[int, int] = {}
    for place, step in enumerate(steps):
        begins.setdefault(_top(step, place), place)
    placed = sorted(enumerate(steps), key=lambda each: (begins[_top(each[1], each[0])], reading_order(each[1].number)))
    return [step for _, step in placed]


def _top(step: StepHistory, place: int) -> int:
    """What a step belongs to: the number of the outermost diagnosis, or of itself; below 0 where it has no number."""
    return next(iter(reading_order(step.number)), -1 - place)


_NUMBER = regex(r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?")


def numbers(samples: Sequence[str]) -> list[float]:
    """The first number in each of `samples`; none where one of them has none."""
    found = [_NUMBER.search(sample) for sample in samples]
    return [float(match[0]) for match in found if match] if all(found) else []


_LONGEST = 120


class ItemNames:
    """Knows the items of the steps of one run, once it was told which there are."""

    def __init__(self) -> None:
        self._items: dict[str, dict[str, list[Any]]] = {}

    def add(self, step: str, host: str, data: Mapping[str, Any]) -> None:
        """Take note of the `data` of an event `step.expanded`."""
        self._items.setdefault(step, {})[host] = list(record_data.items(data, "items"))

    def of(self, name: str, host: str = "", *, known_as: str = "") -> str:
        """The number of the item that is recorded as `name`, and what it is, on `host` or on each one.

        `known_as` is the name under which its step was added, where that is another. Empty where it is a whole step.
        """
        item = item_of(name)
        if item is None:
            return ""
        step, number = item
        items = self._items.get(known_as or undone_step(step) or step, {})
        every = [items.get(host, [])] if host else items.values()
        found = list(dict.fromkeys(in_one_line(items[number - 1]) for items in every if len(items) >= number))
        label = listed(found, 2)
        short = label if len(label) <= _LONGEST else f"{label[:_LONGEST]}..."
        return f" [{number}]: {short}" if short else f" [{number}]"


CHECKS = frozenset({EventType.STEP_DECIDED, EventType.VERIFICATION_FINISHED, EventType.GATE_ANSWERED})
"""What tells of one verification, or of one answer."""
_ACTED = frozenset({EventType.ACTION_FINISHED, EventType.ATTEMPT_FINISHED})
_DONE = {"choose": "Chosen", "approve": "Approved", "manual": "Done by hand", "confirm": "Confirmed"}


def task_in_a_line(data: Mapping[str, Any]) -> str:
    """A task of a role or a file in one line: what became of it, and where it stands."""
    reason = record_data.text(data, "reason")
    words = [record_data.text(data, key) for key in ("outcome", "task", "place")]
    return f"{words[0] or Outcome.UNKNOWN}: {words[1]} ({words[2]}){': ' + reason if reason else ''}"


def action_of(record: Record, command: str) -> Action:
    """What was done by `command`, by the `record` of how it ended."""
    result = record_data.mapping(record.data, "result")
    file = record_data.text(record_data.mapping(record.data, "evidence"), "file")
    exit_code = record_data.number(result, "rc")
    # What a module says of a command is in Ansible's words: the command's own are enough.
    keys = ("content", "msg") if exit_code is None else ()
    printed = [record_data.text(result, key) for key in ("stdout", "stderr", *keys)]
    return Action(
        outcome=record_data.text(record.data, "outcome") or Outcome.UNKNOWN,
        command=command,
        exit_code=exit_code,
        output="\n".join(dict.fromkeys(part.rstrip() for part in printed if part.strip())),
        evidence=file if re.fullmatch(r"evidence/[\w.-]+", file, re.ASCII) else "",
    )


def checks_of(record: Record, item: Mapping[str, Any]) -> Iterator[Check]:
    """The check that `record` tells of, if it does; `item` is how the step is described."""
    data, outcome = record.data, record_data.text(record.data, "outcome") or Outcome.UNKNOWN
    # An action that passed shows in what was verified of it.
    if record.type not in CHECKS | _ACTED or (record.type in _ACTED and outcome == Outcome.PASSED):
        return
    number = _number(record)
    says = _numbered(item, "verify", number) or record_data.text(data, "says")
    if not says or says == item.get("name"):  # a prerequisite that is ticked off has no other name than what it says
        says = _DONE.get(record_data.text(data, "kind"), says or _acted(data))
    by, note = record_data.text(data, "by"), record_data.text(data, "note")
    answer = ": ".join(filter(None, (by, note)))
    if outcome not in DONE:  # where it was nobody, the note says why, as that it was too late
        answer = (note or "nobody has answered") if by == NOBODY else answer and f"by {answer}"
    yield Check(
        number=number,
        says=says,
        host=record.host or "",
        outcome=outcome,
        reason=record_data.text(data, "reason") or answer,
        trend=tuple(map(str, record_data.items(data, "trend"))),
        seen=tuple(Observation.from_data(data.get("seen")).paragraphs()),
        how=_numbered(item, "judged", number),
    )


def _numbered(item: Mapping[str, Any], key: str, number: int) -> str:
    """What the description `item` of a step says under `key` of its verification of that number; empty if nothing."""
    found = record_data.items(item, key)
    return str(found[number - 1]) if 0 < number <= len(found) else ""


def _acted(data: Mapping[str, Any]) -> str:
    """What an action is called; an attempt after which it was tried again has its number."""
    numbered = re.fullmatch(r"attempt/([0-9]{1,3})", record_data.text(data, "part"))
    return f"Attempt {numbered[1]}" if numbered else "The action"


def _number(record: Record) -> int:
    numbered = re.fullmatch(r"verify/([0-9]{1,3})", record_data.text(record.data, "part"))
    return int(numbered[1]) if numbered else 0
