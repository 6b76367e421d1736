"""What is planned, at a terminal or as a service: what a look has decided is told, and begun by itself."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from itertools import groupby
from threading import Event
from typing import NoReturn

import click

from runner.approvals.gate_text import describe
from runner.cli import context
from runner.cli.output import ending, progress, schedule_tables
from runner.cli.output.sent_pages import show_sent
from runner.cli.output.terminal import labelled, safe
from runner.cli.prompts.operator import InAdvance, Prompt
from runner.cli.run_session import run_environment
from runner.core.errors import ExitCode, LockedError, RunbookError
from runner.core.events import Outcome
from runner.core.wording import first_line
from runner.library.library import Library
from runner.orchestrator.request import RunRequest
from runner.orchestrator.run_environment import Installation, Operator
from runner.scheduling.clock_check import Clocks
from runner.scheduling.decision import Fate
from runner.scheduling.entries import ScheduleEntry, entry
from runner.services.schedules.advance_approvals import (
    AdvanceQuestion,
    VotesInAdvance,
    advance_questions,
    approve_in_advance,
    check_approved,
)
from runner.services.schedules.calls import call_for_approvals, call_for_decisions, scheduler_lease
from runner.services.schedules.planned_drills import drill_held, record_drill
from runner.services.schedules.planned_runs import acting, begin, check_claimed, planned_request, record_end
from runner.services.schedules.tick import Ticked
from runner.store.occurrences import Occurrence
from runner.store.state_directory import StateDirectory

_AT_ONCE = 4
"""So many processes are about to begin a run at the same time."""
_SOON = 0.2


def clocks() -> Clocks:
    """What the clocks of this machine show."""
    now = context.clock()
    return Clocks(now.wall, time.clock_gettime(time.CLOCK_BOOTTIME), now.boot_id, context.is_clock_set())


class Beginner:
    """Tells what looks have decided, calls whom that concerns, and has processes for the runs that are to begin.

    These outlive whoever has begun them. Only some of them are begun at the same time: it may be midnight for hundreds.
    """

    def __init__(self, library: Library, state: StateDirectory) -> None:
        self._library, self._state = library, state
        self._waiting: dict[str, Occurrence] = {}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._told: set[str] = set()
        self._asked: set[str] = set()

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
            if each.run not in self._asked:
                self._asked.add(each.run)
                self._start("ask", each)
        self.begin_more()
        self.call([*ticked.decided, *ticked.untold])

    def call(self, decided: Sequence[Occurrence]) -> None:
        """Call whom it concerns."""
        problems: list[str] = []
        show_sent(call_for_decisions(context.installation(self._state), self._library, decided, problems))

    def begin_more(self) -> bool:
        """Begin what waits, as long as not too much is about to begin; whether something still waits."""
        self._processes = {run: each for run, each in self._processes.items() if each.poll() is None}
        about = sum(not self._state.directory(run).exists for run in self._processes)
        for run in list(self._waiting)[: max(0, _AT_ONCE - about)]:
            self._begin(self._waiting.pop(run))
        return bool(self._waiting)

    def _begin(self, occurrence: Occurrence) -> None:
        click.echo(schedule_tables.decision([occurrence]), err=True)
        self._processes[occurrence.run] = self._start("begin", occurrence)

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
        with scheduler_lease(context.installation(self._state), self._library):
            yield


def begin_and_exit(library: Library, state: StateDirectory, name: str, planned: datetime) -> NoReturn:
    """Do the run of an occurrence that was claimed, and exit as it ended.

    Raises:
        RunbookError: it cannot begin; who is to hear of it is called.
    """
    found, here = entry(library, name), _acting(state, name)
    try:
        approver = check_claimed(here, library, found, planned)
        request = replace(planned_request(library, found, planned, os.environ), approved=approver)
    except LockedError:  # somebody else has begun it, or has decided about it
        raise
    except RunbookError as error:
        record_end(here, found, planned, Fate.REFUSED, first_line(error.message))  # the next look calls for it
        raise
    context.recover_abandoned(state)
    if found.schedule and found.schedule.kind == "drill":
        _drill_and_exit(request, here, found, planned)
    drawing = progress.choose(request.source.runbook, as_json=False)
    operator: Operator = Prompt(
        request.source.runbook, context.actor().user, given=InAdvance(auto=True), pause=drawing.pause
    )
    if found.schedule and found.schedule.approval_lead:
        operator = VotesInAdvance(operator, here, _approved(here, request, found, planned), request.wait or 0.0)
    with run_environment(state, operator, drawing, unattended=True) as env:
        result = begin(request, replace(env, actor=acting(env.actor, name)), found, planned)
    ending.show(result, as_json=False)
    raise click.exceptions.Exit(result.exit_code)


def _approved(
    here: Installation, request: RunRequest, found: ScheduleEntry, planned: datetime
) -> Sequence[AdvanceQuestion]:
    """What the run will ask, all of which that can be known before it was approved.

    Raises:
        RunbookError: it was not, or cannot be known; that is recorded.
    """
    try:
        asked = advance_questions(request, here, found.name)
        check_approved(request.source.runbook, asked)
    except RunbookError as error:
        record_end(here, found, planned, Fate.REFUSED, first_line(error.message))
        raise
    return asked


def ask_in_advance(library: Library, state: StateDirectory, name: str, planned: datetime) -> None:
    """Tell those who may answer what the run of an occurrence will ask."""
    found, here = entry(library, name), _acting(state, name)
    asked = advance_questions(planned_request(library, found, planned, os.environ), here, name)
    show_sent(call_for_approvals(here, library, found, planned, asked))


def approve_planned(library: Library, state: StateDirectory, name: str, planned: datetime, *, yes: bool) -> None:
    """Show what the run of an occurrence will ask, and record a yes to each question that whoever sits here gives.

    Raises:
        RunbookError: it cannot be known, or the yes does not count.
    """
    found = entry(library, name)
    request = planned_request(library, found, planned, os.environ)
    for each in advance_questions(request, _acting(state, name), name):
        for line in labelled(describe(each.context)):
            click.echo(line, err=True)
        if each.unknown:
            click.echo(
                f"left     {safe(each.context.step)} is asked about in its window: {safe(each.unknown)}", err=True
            )
        elif each.is_granted:
            click.echo(f"has      a yes of {safe(', '.join(each.approvals))}", err=True)
        elif yes or click.confirm("Approve it?", default=False, err=True):
            approve_in_advance(context.installation(state), name, each)
            click.echo(f"approved {safe(each.context.step)}: {each.context.subject[:12]}", err=True)


def _drill_and_exit(request: RunRequest, here: Installation, found: ScheduleEntry, planned: datetime) -> NoReturn:
    """Do the drill of an occurrence that was claimed, and exit as it ended.

    Raises:
        RunbookError: it cannot be done; that is recorded.
    """
    from runner.cli.rehearsal_session import DrillManner, do_drills, ended_in_order  # noqa: PLC0415 - it imports the lab
    from runner.lab.drills.drill_backends import given  # noqa: PLC0415 - as the one before
    from runner.render.drills.drill_result import DrillTest  # noqa: PLC0415 - as the one before

    assert request.library  # noqa: S101 - a planned run is always asked for with one
    with ended_in_order(), drill_held(here, found, planned):
        tests, backend = [DrillTest.AS_WRITTEN], given(request.inventories)
        try:
            results = list(
                do_drills(request.library, backend, here.state, [request.source], tests, DrillManner(yes=True))
            )
        except RunbookError as error:
            record_drill(here, found, planned, Outcome.FAILED, first_line(error.message))
            raise
        failed = [reason for result in results if not result.ok for reason in result.reasons]
        ended = Outcome.FAILED if failed else Outcome.PASSED
        record_drill(here, found, planned, ended, first_line(failed[0]) if failed else "")
    raise click.exceptions.Exit(ExitCode.FAILED if failed else ExitCode.DONE)


def _acting(state: StateDirectory, name: str) -> Installation:
    here = context.installation(state)
    return replace(here, actor=acting(here.actor, name))
