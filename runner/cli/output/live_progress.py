"""The procedure of a run as a table on a terminal, filled in place while the run goes on."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

from runner.cli.output.progress import LEARNT, Progress, Words, output_of, saw, write_at_once
from runner.cli.output.run_lines import because, called
from runner.cli.output.terminal import safe, short
from runner.cli.prompts import guard_options
from runner.core.events import DONE, Event, EventType, Outcome
from runner.model.runbook import Runbook

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

_STYLES = {Outcome.PASSED: "green", Outcome.SKIPPED: "yellow", Outcome.NOT_NEEDED: "dim", Outcome.NEVER_REACHED: "dim"}
_SIGNS = {Outcome.PASSED: "✓", Outcome.NEVER_REACHED: "·", Outcome.SKIPPED: "-", Outcome.NOT_NEEDED: "-"}
_BAD = "✗"
_ACTS = frozenset({EventType.STEP_DECIDED, EventType.ACTION_FINISHED})


class LiveProgress(Progress):
    """The procedure as a table that fills in place; what has ended stays above it and can be copied."""

    def __init__(self, runbook: Runbook) -> None:
        from rich.console import Console  # noqa: PLC0415 - only a terminal pays for the import

        self._words = Words(runbook)
        self._console = Console(stderr=True, highlight=False)
        self._title = f"{runbook.id} {safe(runbook.title)}"
        self._hosts: dict[str, dict[str, str]] = {step.id: {} for step in runbook.procedure}
        self._began: dict[str, float] = {}
        self._took: dict[str, float] = {}
        self._since: float | None = None
        self._notes: dict[str, str] = {}
        self._bad: set[str] = set()
        self._where: dict[str, str] = {}
        self._pages: list[str] = []
        self._asking = ""
        self._notices: list[str] = []
        self._lock = threading.RLock()
        self._live: Live | None = None

    def __call__(self, event: Event) -> None:
        """Take note of the event; the table is drawn several times a second."""
        with self._lock:
            self._note(event)

    def _note(self, event: Event) -> None:
        if event.type in LEARNT:
            self._words.learn(event)
        step, data = self._words.key(event), event.data
        if event.type is EventType.TARGET_RESOLVED and not self._words.has_taken_over(event):
            self._title += f" on {safe(', '.join(data['hosts']))} ({data['environment']})"
        if event.type in {EventType.TARGET_RESOLVED, EventType.STEP_FINISHED, EventType.GATE_ANSWERED}:
            self._since = time.monotonic()
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
        step, data = self._words.key(event), event.data
        if event.type is EventType.STEP_REOPENED:
            self._bad.discard(step)
            self._where.pop(step, None)
        bad = data.get("outcome") not in DONE
        # What another host passes does not take the place of what is wrong on this one.
        if event.type is EventType.VERIFICATION_FINISHED and (bad or step not in self._bad):
            self._notes[step] = "\n".join([self._words.says(event) + (because(data) or saw(data)), *output_of(data)])
        if event.type in _ACTS and not bad and data.get("reason"):
            self._notes.setdefault(step, because(data).removeprefix(": "))
        if event.type in _ACTS and bad:
            self._notes[step] = "\n".join([because(data).removeprefix(": "), *output_of(data)])
        if event.type is EventType.STEP_FINISHED and step in self._bad:
            self._where[step] = self._words.place(event)
        if event.type in {EventType.VERIFICATION_FINISHED, *_ACTS} and bad:
            self._bad.add(step)
        if event.type is EventType.GATE_ANSWERED and data.get("note"):
            self._notes[step] = f"{safe(data['by'])}: {short(data['note'])}"
        if event.type is EventType.PAGE_FINISHED:
            page = f"☎  {called(data)}"
            self._pages += [page] if self._pages[-1:] != [page] else []  # of many news one line is enough
        self._pages += guard_options.lines(event)

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
            below = [Text(page) for page in self._pages] + [Text(each, style="yellow") for each in self._notices]
        return Group(Text(self._title, style="bold"), table, *below)

    def _sign(self, step: str, hosts: dict[str, str]) -> tuple[str, str]:
        found = set(hosts.values())
        if step == self._asking:
            return "?", "yellow"
        if "running" in found or (not found and step in self._began) or step == self._due:
            return "|/-\\"[int(time.monotonic() * 8) % 4], "cyan"
        if not found or found == {Outcome.NEVER_REACHED}:
            return _SIGNS[Outcome.NEVER_REACHED], "dim"
        well = Outcome.PASSED if Outcome.PASSED in found else Outcome.NOT_NEEDED
        worst = next((word for word in found if word not in DONE), well)
        return _SIGNS.get(Outcome(worst), _BAD), _STYLES.get(Outcome(worst), "red")

    @property
    def _due(self) -> str:
        """The step that is looked at now, as nobody is told when one begins that only verifies; empty where none is."""
        is_busy = self._asking or self._bad or any("running" in hosts.values() for hosts in self._hosts.values())
        if is_busy or not self._live or self._since is None:
            return ""
        step = next((step for step, hosts in self._hosts.items() if not hosts), "")
        return step if step not in self._began else ""

    def _note_of(self, step: str, hosts: dict[str, str]) -> str:
        bad = [f"{safe(host)} {word}" for host, word in hosts.items() if word not in {Outcome.PASSED, "running"}]
        note = self._notes.get(step, "") + self._where.get(step, "")
        return "; ".join([*(bad if len(hosts) > 1 else []), *([note] if note else [])])

    def _time(self, step: str) -> str:
        if step in self._took:
            return f"{self._took[step]:.1f}s"
        began = self._since if step == self._due else self._began.get(step)
        return f"{time.monotonic() - began:.1f}s" if began is not None else ""

    def notify(self, notice: str) -> None:
        """Show the notice below the table: a line that is written past it would be wiped, and leave half a table."""
        if self._live:
            self._notices.append(notice)
        else:
            write_at_once(f"\n{notice}")

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
        live, self._live = self._live, None  # the last state of the table has nothing that goes on
        if live:
            live.stop()

    def __enter__(self) -> Self:
        """Begin to draw."""
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the last state of the table on the screen."""
        self._stop()
