"""A listener that draws the run: a live table on a terminal, a line for each event in a pipe, NDJSON on request."""

import contextlib
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Self

import click

from runner.cli.output.run_lines import REASON, because, of_the_run
from runner.cli.output.terminal import lines_joined, safe, short
from runner.core.events import DONE, Event, EventType, Outcome
from runner.core.observation import Observation
from runner.core.step_tags import item_of, undo_id, undone_step
from runner.core.wording import grouped, in_one_line, listed
from runner.model.runbook import Runbook
from runner.render.history.step_history import ItemNames

_OUTPUT = 400
"""Characters of the last lines of a command's output."""


class Progress:
    """Draws events as they happen, steps aside for a prompt, and leaves the screen tidy.

    What writes event by event has nothing to prepare, to stop or to tidy.
    """

    def __call__(self, event: Event) -> None:
        """Show `event`."""
        raise NotImplementedError

    @contextmanager
    def pause(self) -> Iterator[None]:
        """A context in which nothing is drawn."""
        yield

    def notify(self, notice: str) -> None:
        """Show `notice`, which stays on the screen; called by the handler of a signal, in the midst of anything."""
        write_at_once(notice)

    def __enter__(self) -> Self:
        """Begin to draw."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave what was drawn."""


def choose(runbook: Runbook, *, as_json: bool, began: float | None = None) -> Progress:
    """The progress for where this command's output goes; its lines count from `began`, or else from now."""
    if as_json:
        return NdjsonProgress()
    if sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        from runner.cli.output.live_progress import LiveProgress  # noqa: PLC0415 - only a terminal pays for rich

        return LiveProgress(runbook)
    return LineProgress(runbook, began)


def write_at_once(text: str) -> None:
    """`text` as a line on standard error, past the stream: what a signal interrupts may be writing to that just now."""
    with contextlib.suppress(OSError):
        os.write(2, f"{text}\n".encode())


class NdjsonProgress(Progress):
    """Each event as one JSON object per line, on standard output."""

    def __call__(self, event: Event) -> None:
        """Print the event."""
        said = {"type": event.type, "run": event.run, "step": event.step, "host": event.host, "data": event.data}
        click.echo(json.dumps({key: value for key, value in said.items() if value is not None}, default=str))


class LineProgress(Progress):
    """A line for each thing that a person wants to know, on standard error.

    Each has the seconds since `began` on the monotonic clock: since whatever the run is a part of has begun.
    """

    def __init__(self, runbook: Runbook, began: float | None = None) -> None:
        self._words = Words(runbook)
        self._start = time.monotonic() if began is None else began
        self._last: list[str] = []

    def __call__(self, event: Event) -> None:
        """Print the event's lines."""
        if event.type in LEARNT:
            self._words.learn(event)
        found = lines(event, self._words)
        if event.type is not EventType.PAGE_FINISHED or found != self._last:  # of many news one line is enough
            for line in found:
                self.say(line)
        self._last = found

    def say(self, line: str) -> None:
        """Print a line, with the time since the start."""
        click.echo(f"{time.monotonic() - self._start:6.1f}s  {line}", err=True)


LEARNT = frozenset({EventType.RUN_STARTED, EventType.RUN_RESUMED, EventType.STEP_EXPANDED})
"""The events that say what something is called."""


class Words:
    """The words of a runbook by which a person knows its steps and verifications, those of an undo included."""

    def __init__(self, runbook: Runbook) -> None:
        self.names = {step.id: safe(step.name) for step in runbook.procedure}
        self._says = {step.id: [item.says for item in step.verify] for step in runbook.procedure}
        self._branches = {step.id: step.branch.branches for step in runbook.procedure if step.branch}
        self._places: dict[str, str] = {}
        self._successors: set[str] = set()
        self._items = ItemNames()
        self._machines: dict[tuple[str, str], str] = {}
        self.asked = {step.id for step in runbook.procedure if step.manual or not (step.action or step.automated)}
        for step in runbook.steps:
            if step.undo:
                self.names[undo_id(step.id)] = f"Undo: {safe(step.name)}"
                self._says[undo_id(step.id)] = [item.says for item in step.undo.verify]

    def learn(self, event: Event) -> None:
        """Learn which items a step has, or the words of a runbook that takes over, whose first event has them.

        Its steps may be called the same.
        """
        if event.data.get("parent"):
            self._successors.add(event.run)
        if event.type is EventType.STEP_EXPANDED:
            self._items.add(self.key(event), event.host or "", event.data)
        for item in (*event.data.get("steps", ()), *event.data.get("undo", ())):
            key = self.key(replace(event, step=item["id"]))
            self.names[key] = safe(item["name"])
            self._places[key] = safe(item.get("place", ""))
            self._says[key] = item["verify"]
            self._branches[key] = item.get("branches") or {}

    def has_taken_over(self, event: Event) -> bool:
        """Whether `event` is of a run that has taken over from the one that was begun."""
        return event.run in self._successors

    def key(self, event: Event) -> str:
        """What tells the step of `event` from all others, also from those of a runbook that takes over."""
        step = event.step or ""
        return f"{event.run}/{step}" if step and self.has_taken_over(event) else step

    def name(self, event: Event) -> str:
        """The name of the step that `event` is about."""
        whole, step = self._whole(event), event.step or ""
        done = self._whole(replace(event, step=undone_step(step) or step))
        return self.names.get(whole, safe(whole)) + safe(self._items.of(step, event.host or "", known_as=done))

    def where(self, event: Event) -> str:
        """On which host it is, and for which one where one machine does the step for others; nothing if on none."""
        host, step = event.host or "", self._whole(event)
        machine = str(event.data.get("on") or "")
        if machine and event.type is not EventType.VERIFICATION_FINISHED:  # whose probe alone may be made there
            self._machines[step, host] = machine
        machine = machine or self._machines.get((step, host), "")
        return f" on {safe(machine)} for {safe(host)}" if machine else f" on {safe(host)}" if host else ""

    def place(self, event: Event) -> str:
        """Where the step that `event` is about is written, in brackets; empty where nobody knows."""
        return f" ({place})" if (place := self._places.get(self._whole(event))) else ""

    def _whole(self, event: Event) -> str:
        """The key of the step that `event` is about, also where it is about one of its items."""
        item = item_of(event.step or "")
        return self.key(replace(event, step=item[0]) if item else event)

    def branch(self, event: Event) -> str:
        """Which branch of a diagnosis is taken by the captured values that `event` tells of; empty where it is none."""
        words, values = self._branches.get(self._whole(event), {}), event.data.get("values")
        letter = next(iter(values.values()), "") if words and isinstance(values, Mapping) else ""
        return f"{letter} {safe(words[letter])}" if letter in words else ""

    def says(self, event: Event) -> str:
        """What the verification says that `event` is about."""
        number = int(event.data["part"].partition("/")[2])
        return safe(self._says[self._whole(event)][number - 1])


_OF_THE_RUN = frozenset(
    {EventType.PAGE_FINISHED, EventType.INCIDENT_RESOLVED, EventType.ESCALATION_DECLARED, EventType.GATE_VOIDED}
)
"""What is told of the whole run, whichever step it was about."""

_SETTLED = frozenset({Outcome.PLANNED, Outcome.UNKNOWABLE})
"""How a step ends that a dry run leaves out: it is told once, with the reason."""


def lines(event: Event, words: Words) -> list[str]:
    """What a person is told of `event`, in words that need no colours."""
    if event.step is None or event.type in _OF_THE_RUN:
        return of_the_run(event)
    return _of_a_step(event, words)


def _of_a_step(event: Event, words: Words) -> list[str]:  # noqa: C901, PLR0911 - one return for each kind of event
    name, data, where = words.name(event), event.data, words.where(event)
    match event.type:
        case EventType.STEP_EXPANDED if data["count"]:
            return [f"items    {name}{where}: {short(in_one_line(data['items'], show=safe), REASON)}"]
        case EventType.STEP_INTENDED:
            return [f"begins   {name}{where}"]
        case EventType.VALUES_CAPTURED if branch := words.branch(event):
            return [f"takes    {name}: {branch}{where}"]
        case EventType.VERIFICATION_FINISHED:
            return [f"{verdict(data)}     {words.says(event)}{where}{because(data) or saw(data)}", *output_of(data)]
        case EventType.STEP_DECIDED | EventType.ACTION_FINISHED | EventType.ATTEMPT_FINISHED if data[
            "outcome"
        ] not in DONE or (data.get("reason") and event.type is EventType.ACTION_FINISHED):
            return [f"{verdict(data)}     {name}{where}{because(data)}", *output_of(data)]
        case EventType.STEP_FINISHED if data["outcome"] not in _SETTLED and not (
            words.key(event) in words.asked and data["outcome"] == Outcome.PASSED
        ):
            bad = data["outcome"] in {Outcome.FAILED, Outcome.UNREACHABLE, Outcome.UNKNOWN}
            why = because(data) if data["outcome"] == Outcome.NOT_NEEDED else words.place(event) if bad else ""
            return [f"{data['outcome']:8} {name}{where}{why}"]
        case EventType.GATE_ANSWERED:
            said = data.get("instead") or ("yes" if data["outcome"] == Outcome.PASSED else "no")
            return [f"{said:8} {name}: {safe(data['by'])}{because({'reason': data.get('note')})}"]
        case EventType.STEP_SETTLED:
            word = data["outcome"] if data["outcome"] in _SETTLED else "settled"
            return [f"{word:8} {name}{where}{because(data)}"]
        case EventType.COMMANDS_RENDERED:
            hosts_of = grouped((text, safe(host)) for host, text in data["commands"].items())
            return [
                f"would do {short(lines_joined(text))} on {listed(hosts)}" for text, hosts in hosts_of.items() if text
            ]
        case EventType.DEBT_FOUND:
            return [f"owed     {name}{where} of {data['runbook']} is not undone"]
        case EventType.RUN_HANDED_OVER | EventType.RUN_CALLED:
            word = "over to" if event.type is EventType.RUN_HANDED_OVER else "runs"
            return [f"{word:8} {data['to']}, as the run {data['as_run']}"]
    return []


def verdict(data: Any) -> str:
    """Four characters: whether it is as it should be."""
    return "ok  " if data["outcome"] == Outcome.PASSED else "FAIL"


def saw(data: Any) -> str:
    """The values of a verification that passed and tells them, as a trend does."""
    values = Observation.from_data(data.get("seen")).in_words() if data["outcome"] == Outcome.PASSED else ""
    return f": {short(values)}" if values else ""


def output_of(data: Any) -> list[str]:
    """The last lines of what a command that failed has printed, in one, where the reason has not all of them."""
    seen = Observation.from_data(data.get("seen"))
    if (
        not seen.exit_code
        or not seen.lines
        or (len(seen.lines) == 1 and seen.lines[0].strip() in str(data.get("reason")))
    ):
        return []
    return [f"{seen.stream}   {short(lines_joined(chr(10).join(seen.lines)), _OUTPUT)}"]
