"""What a look has decided is told, and begun: each run in a process of its own, which outlives this one."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from threading import Event
from typing import TYPE_CHECKING

import click

from runner.cli import context
from runner.cli.output import schedule_tables
from runner.scheduling.clock_check import Clocks

if TYPE_CHECKING:
    from runner.library.library import Library
    from runner.services.schedules.tick import Ticked
    from runner.store.occurrences import Occurrence
    from runner.store.state_directory import StateDirectory

_AT_ONCE = 4
"""So many processes are about to begin a run at the same time."""
_SOON = 0.2


def clocks() -> Clocks:
    """What the clocks of this machine show."""
    system = context.command_context().system
    now = system.clock()
    return Clocks(now.wall, time.clock_gettime(time.CLOCK_BOOTTIME), now.boot_id, system.is_clock_set())


class Beginner:
    """Tells what looks have decided, calls whom that concerns, and has processes for the runs that are to begin.

    These outlive whoever has begun them. Only some of them are begun at the same time: it may be midnight for hundreds.
    """

    def __init__(self, library: Library, state: StateDirectory) -> None:
        self._library, self._state = library, state
        self._waiting: dict[str, Occurrence] = {}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._told: set[str] = set()
        self._asking: dict[str, subprocess.Popen[bytes]] = {}

    def handle(self, ticked: Ticked) -> None:
        """Tell what was decided, begin what is to begin, and then call: a channel may be slow."""
        warnings = {ticked.held, *(f"{each.name}: {each.fault}" for each in ticked.broken)} - {""}
        for message in sorted(warnings - self._told):
            schedule_tables.warn(message)
        self._told = warnings
        for _, same in groupby(ticked.decided, key=lambda each: (each.schedule, each.state)):
            click.echo(schedule_tables.decision(list(same)), err=True)
        self._waiting |= {each.run: each for each in ticked.to_begin if each.run not in self._processes}
        for each in ticked.to_ask:
            asking = self._asking.get(each.run)
            if asking is None or asking.poll() is not None:  # which has died, or failed: nobody was told
                self._asking[each.run] = self._start("ask", each)
        self.begin_more()
        self.call([*ticked.decided, *ticked.untold])

    def call(self, decided: Sequence[Occurrence]) -> None:
        """Call whom it concerns."""
        if not decided:
            return
        from runner.cli.output.sent_pages import show_sent  # noqa: PLC0415 - it imports all that calls people
        from runner.services.schedules.calls import call_for_decisions  # noqa: PLC0415 - as the one before

        problems: list[str] = []
        show_sent(call_for_decisions(context.installation(self._state), self._library, decided, problems))

    def begin_more(self) -> bool:
        """Begin what waits, as long as not too much is about to begin; whether something still waits."""
        self._processes = {run: each for run, each in self._processes.items() if each.poll() is None}
        about = sum(not self._state.directory(run).exists for run in self._processes)
        for run in list(self._waiting)[: max(0, _AT_ONCE - about)]:
            occurrence = self._waiting.pop(run)
            click.echo(schedule_tables.decision([occurrence]), err=True)
            self._processes[run] = self._start("begin", occurrence)
        return bool(self._waiting)

    def _start(self, verb: str, occurrence: Occurrence) -> subprocess.Popen[bytes]:
        instant = f"{occurrence.planned:%Y-%m-%dT%H:%M:%SZ}"
        words = ["--library", str(self._library.root), "--state-dir", str(self._state.path)]
        words += ["schedule", verb, occurrence.schedule, instant]
        return subprocess.Popen(
            [sys.executable, "-m", "runner", *words], stdin=subprocess.DEVNULL, start_new_session=True
        )

    def begins_until(self, stop: Event, seconds: float) -> bool:
        """Wait for so many seconds, and begin meanwhile what still waits; whether `stop` came."""
        late = time.monotonic() + seconds
        while self.begin_more() and time.monotonic() < late:
            if stop.wait(_SOON):
                return True
        return stop.wait(max(0.0, late - time.monotonic()))

    def begin_all(self) -> None:
        """Wait until all that is to begin has a process."""
        while self.begin_more():
            time.sleep(_SOON)

    def wait(self) -> None:
        """Wait until all that is to begin has ended."""
        self.begin_all()
        for each in self._processes.values():
            each.wait()

    @contextmanager
    def leased(self) -> Iterator[None]:
        """While the block lasts whoever watches sees that the loop is alive."""
        from runner.services.schedules.calls import scheduler_lease  # noqa: PLC0415 - it imports all that calls people

        with scheduler_lease(context.installation(self._state), self._library):
            yield
