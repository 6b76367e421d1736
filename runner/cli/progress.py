"""A listener that draws the run: a live table on a terminal, a line for each event in a pipe, NDJSON on request."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, Self

import click

from runner.cli import ceremony
from runner.cli.terminal import one_line, safe, short
from runner.definition.model import Runbook
from runner.events import Event, EventType, Outcome
from runner.execution.tags import undo_id

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

_STYLES = {Outcome.PASSED: "green", Outcome.SKIPPED: "yellow", Outcome.NEVER_REACHED: "dim"}
_SIGNS = {Outcome.PASSED: "✓", Outcome.NEVER_REACHED: "·", Outcome.SKIPPED: "-"}
_BAD = "✗"


class Progress(Protocol):
    """Draws events as they happen, steps aside for a prompt, and leaves the screen tidy."""

    def __call__(self, event: Event) -> None:
        """Show `event`."""

    def pause(self) -> Any:
        """A context in which nothing is drawn."""

    def __enter__(self) -> Self:
        """Begin to draw."""

    def __exit__(self, *_: object) -> None:
        """Leave what was drawn."""


def choose(runbook: Runbook, *, as_json: bool) -> Progress:
    """The progress for where this command's output goes."""
    if as_json:
        return NdjsonProgress()
    if sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        return LiveProgress(runbook)
    return LineProgress(runbook)


class NdjsonProgress:
    """Each event as one JSON object per line, on standard output."""

    def __call__(self, event: Event) -> None:
        """Print the event."""
        said = {"type": event.type, "run": event.run, "step": event.step, "host": event.host, "data": event.data}
        click.echo(json.dumps({key: value for key, value in said.items() if value is not None}, default=str))

    @contextmanager
    def pause(self) -> Iterator[None]:
        """Nothing is drawn between events."""
        yield

    def __enter__(self) -> Self:
        """Nothing to prepare."""
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to tidy."""


class LineProgress:
    """A line for each thing that a person wants to know, on standard error."""

    def __init__(self, runbook: Runbook) -> None:
        self._words = Words(runbook)
        self._start = time.monotonic()

    def __call__(self, event: Event) -> None:
        """Print the event's lines."""
        for line in lines(event, self._words):
            self.say(line)

    def say(self, line: str) -> None:
        """Print a line, with the time since the start."""
        click.echo(f"{time.monotonic() - self._start:6.1f}s  {line}", err=True)

    @contextmanager
    def pause(self) -> Iterator[None]:
        """Nothing is drawn between events."""
        yield

    def __enter__(self) -> Self:
        """Nothing to prepare."""
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to tidy."""


class Words:
    """The words of a runbook by which a person knows its steps and verifications, those of an undo included."""

    def __init__(self, runbook: Runbook) -> None:
        self.names = {step.id: safe(step.name) for step in runbook.procedure}
        self._verify = {step.id: step.verify for step in runbook.procedure}
        self.asked = {step.id for step in runbook.procedure if step.manual or not (step.action or step.automated)}
        for step in runbook.steps:
            if step.undo:
                self.names[undo_id(step.id)] = f"Undo: {safe(step.name)}"
                self._verify[undo_id(step.id)] = step.undo.verify

    def name(self, event: Event) -> str:
        """The name of the step that `event` is about."""
        return self.names.get(event.step or "", safe(event.step or ""))

    def says(self, event: Event) -> str:
        """What the verification says that `event` is about."""
        number = int(event.data["part"].partition("/")[2])
        return safe(self._verify[event.step or ""][number - 1].says)


def lines(event: Event, words: Words) -> list[str]:
    """What a person is told of `event`, in words that need no colours."""
    if event.step is None or event.type in {EventType.PAGE_FINISHED, EventType.ESCALATION_DECLARED}:
        return _of_the_run(event)
    return _of_a_step(event, words)


def _of_the_run(event: Event) -> list[str]:
    data = event.data
    match event.type:
        case EventType.RUN_STARTED | EventType.RUN_RESUMED:
            again = "resumes " * (event.type is EventType.RUN_RESUMED)
            return [f"{again}run {event.run} of {data['runbook']} {safe(data['title'])}"]
        case EventType.TARGET_RESOLVED:
            return [f"{data['environment']}: {', '.join(map(safe, data['hosts']))}"]
        case EventType.LOCK_AWAITED:
            return [f"waits    {short(each)}" for each in data["held"]]
        case EventType.ESCALATION_DECLARED:
            return [f"declared {short(data['declared'])}"]
        case EventType.PAGE_FINISHED:
            return [f"page     {called(data)}"]
    return ceremony.lines(event)


def _of_a_step(event: Event, words: Words) -> list[str]:  # noqa: PLR0911 - one return for each kind of event
    name, data = words.name(event), event.data
    where = f" on {safe(event.host)}" if event.host else ""
    match event.type:
        case EventType.STEP_INTENDED:
            return [f"begins   {name}{where}"]
        case EventType.VERIFICATION_FINISHED:
            return [f"{verdict(data)}     {words.says(event)}{where}{because(data)}"]
        case EventType.ACTION_FINISHED | EventType.ATTEMPT_FINISHED if data["outcome"] != Outcome.PASSED:
            return [f"{verdict(data)}     {name}{where}{because(data)}"]
        case EventType.STEP_FINISHED if not (event.step in words.asked and data["outcome"] == Outcome.PASSED):
            return [f"{data['outcome']:8} {name}{where}"]
        case EventType.GATE_ANSWERED:
            said = data.get("instead") or ("yes" if data["outcome"] == Outcome.PASSED else "no")
            return [f"{said:8} {name}: {safe(data['by'])}{because({'reason': data.get('note')})}"]
        case EventType.STEP_SETTLED:
            return [f"settled  {name}{where}{because(data)}"]
        case EventType.COMMANDS_RENDERED:
            return [f"would do {short(one_line(text))}" for text in dict.fromkeys(data["commands"].values()) if text]
        case EventType.DEBT_FOUND | EventType.DEBT_MADE:
            return [f"debt     {name}{where} of {data['runbook']} is not taken back"]
        case EventType.RUN_HANDED_OVER:
            return [f"over to  {data['to']}, as the run {data['as_run']}"]
    return []


def verdict(data: Any) -> str:
    """Four characters: whether it is as it should be."""
    return "ok  " if data["outcome"] == Outcome.PASSED else "FAIL"


def called(data: Any) -> str:
    """Who was told what, and what became of it."""
    return f"{data['action']} {safe(data['contact'])} by {data['channel']}: {data['status']}{because(data)}"


def because(data: Any) -> str:
    """The reason, when there is one."""
    return f": {short(str(data['reason']))}" if data.get("reason") else ""


class LiveProgress:
    """The procedure as a table that fills in place; what has ended stays above it and can be copied."""

    def __init__(self, runbook: Runbook) -> None:
        from rich.console import Console  # noqa: PLC0415 - only a terminal pays for the import

        self._words = Words(runbook)
        self._console = Console(stderr=True, highlight=False)
        self._title = f"{runbook.id} {safe(runbook.title)}"
        self._hosts: dict[str, dict[str, str]] = {step.id: {} for step in runbook.procedure}
        self._began: dict[str, float] = {}
        self._took: dict[str, float] = {}
        self._notes: dict[str, str] = {}
        self._pages: list[str] = []
        self._asking = ""
        self._lock = threading.RLock()
        self._live: Live | None = None

    def __call__(self, event: Event) -> None:
        """Take note of the event; the table is drawn several times a second."""
        with self._lock:
            self._note(event)

    def _note(self, event: Event) -> None:
        step, data = event.step or "", event.data
        if event.type is EventType.TARGET_RESOLVED:
            self._title += f" on {safe(', '.join(data['hosts']))} ({data['environment']})"
        if event.type in {EventType.STEP_INTENDED, EventType.GATE_ASKED}:
            self._began.setdefault(step, time.monotonic())
            self._hosts.setdefault(step, {})
        if event.type in {EventType.GATE_ASKED, EventType.GATE_ANSWERED}:
            self._asking = step if event.type is EventType.GATE_ASKED else ""
        if event.type is EventType.STEP_INTENDED and event.host:
            self._hosts[step][event.host] = "running"
        self._note_words(event)
        if event.type is EventType.STEP_FINISHED and event.host:
            self._hosts.setdefault(step, {})[event.host] = data["outcome"]
            if step in self._began:
                self._took[step] = time.monotonic() - self._began[step]

    def _note_words(self, event: Event) -> None:
        step, data = event.step or "", event.data
        if event.type is EventType.VERIFICATION_FINISHED:
            self._notes[step] = self._words.says(event) + because(data)
        if event.type is EventType.ACTION_FINISHED and data["outcome"] != Outcome.PASSED:
            self._notes[step] = because(data).removeprefix(": ")
        if event.type is EventType.GATE_ANSWERED and data.get("note"):
            self._notes[step] = f"{safe(data['by'])}: {short(data['note'])}"
        if event.type is EventType.PAGE_FINISHED:
            self._pages.append(f"☎  {called(data)}")
        self._pages += ceremony.lines(event)

    def __rich__(self) -> RenderableType:
        """The table as it stands, under the run's name and above the calls that were made."""
        from rich.console import Group  # noqa: PLC0415
        from rich.table import Table  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        table = Table(show_header=False, box=None, pad_edge=False)
        for options in ({"width": 1}, {}, {"justify": "right"}, {"overflow": "fold"}):
            table.add_column(**options)
        with self._lock:
            for step, hosts in self._hosts.items():
                sign, style = self._sign(step, hosts)
                name = self._words.names.get(step, step)
                note = Text(self._note_of(step, hosts), style="dim" if style in {"green", "dim"} else style)
                table.add_row(Text(sign, style=style), Text(name), Text(self._time(step), style="dim"), note)
            pages = [Text(page) for page in self._pages]
        return Group(Text(self._title, style="bold"), table, *pages)

    def _sign(self, step: str, hosts: dict[str, str]) -> tuple[str, str]:
        found = set(hosts.values())
        if step == self._asking:
            return "?", "yellow"
        if "running" in found or (not found and step in self._began):
            return "|/-\\"[int(time.monotonic() * 8) % 4], "cyan"
        if not found or found == {Outcome.NEVER_REACHED}:
            return _SIGNS[Outcome.NEVER_REACHED], "dim"
        worst = next((word for word in found if word != Outcome.PASSED), Outcome.PASSED)
        return _SIGNS.get(Outcome(worst), _BAD), _STYLES.get(Outcome(worst), "red")

    def _note_of(self, step: str, hosts: dict[str, str]) -> str:
        bad = [f"{safe(host)} {word}" for host, word in hosts.items() if word not in {Outcome.PASSED, "running"}]
        note = self._notes.get(step, "")
        return "; ".join([*(bad if len(hosts) > 1 else []), *([note] if note else [])])

    def _time(self, step: str) -> str:
        if step in self._took:
            return f"{self._took[step]:.1f}s"
        return f"{time.monotonic() - self._began[step]:.1f}s" if step in self._began else ""

    @contextmanager
    def pause(self) -> Iterator[None]:
        """Leave the table as it is while a person is asked, and draw it anew below."""
        self._stop()
        try:
            yield
        finally:
            self._start()

    def _start(self) -> None:
        from rich.live import Live  # noqa: PLC0415

        self._live = Live(self, console=self._console, refresh_per_second=8)
        self._live.start()

    def _stop(self) -> None:
        if self._live:
            self._live.stop()
            self._live = None

    def __enter__(self) -> Self:
        """Begin to draw."""
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the last state of the table on the screen."""
        self._stop()
