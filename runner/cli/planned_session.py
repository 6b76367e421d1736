"""What is planned, at a terminal or as a service: what a look has decided is told, and begun by itself."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from itertools import groupby
from typing import NoReturn

import click

from runner.cli import context
from runner.cli.output import ending, progress, schedule_tables
from runner.cli.prompts.operator import InAdvance, Prompt
from runner.cli.run_session import run_environment
from runner.core.errors import RunbookError
from runner.library.library import Library
from runner.orchestrator.run_environment import Installation
from runner.scheduling.clock_check import Clocks
from runner.scheduling.entries import entry
from runner.services.runs import call_for_refusal
from runner.services.schedules.calls import call_for_decisions, scheduler_lease
from runner.services.schedules.planned_runs import acting, begin, planned_request, record_refusal
from runner.services.schedules.tick import Ticked
from runner.store.occurrences import Occurrence
from runner.store.state_directory import StateDirectory


def clocks() -> Clocks:
    """What the clocks of this machine show."""
    now = context.clock()
    return Clocks(now.wall, time.clock_gettime(time.CLOCK_BOOTTIME), now.boot_id, context.is_clock_set())


class Beginner:
    """Tells what looks have decided, calls whom that concerns, and has processes for the runs that are to begin.

    These outlive whoever has begun them.
    """

    def __init__(self, library: Library, state: StateDirectory) -> None:
        self._library, self._state = library, state
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._told: set[str] = set()

    def handle(self, ticked: Ticked) -> None:
        """Tell what was decided, call, and begin what is to begin."""
        for message in filter(None, [ticked.held, *(f"{each.name}: {each.fault}" for each in ticked.broken)]):
            if message not in self._told:
                schedule_tables.warn(message)
        self._told = {ticked.held, *(f"{each.name}: {each.fault}" for each in ticked.broken)}
        known = {each.name: each for each in ticked.entries}
        installation = context.installation(self._state)
        for (schedule, _), same in groupby(ticked.decided, key=lambda each: (each.schedule, each.state)):
            decided = list(same)
            click.echo(schedule_tables.decision(decided), err=True)
            if schedule in known:
                calls = call_for_decisions(installation, self._library, known[schedule], decided)
                for line in ending.call_lines(calls, reasons=True):
                    click.echo(line, err=True)
        for each in ticked.to_begin:
            self._begin(each)

    def _begin(self, occurrence: Occurrence) -> None:
        click.echo(schedule_tables.decision([occurrence]), err=True)
        instant = f"{occurrence.planned:%Y-%m-%dT%H:%M:%SZ}"
        words = ["--library", str(self._library.root), "--state-dir", str(self._state.path)]
        words += ["schedule", "begin", occurrence.schedule, instant]
        self._processes[occurrence.run] = subprocess.Popen(
            [sys.executable, "-m", "runner", *words], stdin=subprocess.DEVNULL, start_new_session=True
        )

    def reap(self) -> None:
        """Forget the processes that have ended."""
        self._processes = {run: each for run, each in self._processes.items() if each.poll() is None}

    def wait(self) -> None:
        """Wait until all that was begun has ended."""
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
    found = entry(library, name)
    try:
        request = planned_request(library, found, planned, os.environ)
    except RunbookError as error:
        here = _acting(state, name)
        record_refusal(here, found, planned, error)
        calls = call_for_refusal(here, library, found.runbook, error)
        for line in ending.called_for_refusal(calls, error, unattended=True):
            click.echo(line, err=True)
        raise
    context.recover_abandoned(state)
    drawing = progress.choose(request.source.runbook, as_json=False)
    operator = Prompt(
        request.source.runbook,
        context.actor().user,
        given=InAdvance(yes=False, confirmed=(), picked=(), auto=True, wait=0.0),
        pause=drawing.pause,
    )
    with run_environment(state, operator, drawing, unattended=True) as env:
        result = begin(request, replace(env, actor=acting(env.actor, name)), found, planned)
    ending.show(result, as_json=False)
    raise click.exceptions.Exit(result.exit_code)


def _acting(state: StateDirectory, name: str) -> Installation:
    here = context.installation(state)
    return replace(here, actor=acting(here.actor, name))
