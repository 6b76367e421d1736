"""The run of an occurrence that was claimed: begun, asked about in advance, and approved by somebody at a terminal."""

import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import NoReturn

import click

from runner.approvals.gate_context import describe
from runner.cli import context
from runner.cli.output import ending, progress
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
from runner.scheduling.decision import Fate
from runner.scheduling.entries import ScheduleEntry, entry
from runner.services.schedules.advance_approvals import (
    AdvanceQuestion,
    VotesInAdvance,
    advance_questions,
    approve_in_advance,
    check_approved,
)
from runner.services.schedules.calls import call_for_approvals
from runner.services.schedules.deciding import record_fate, was_asked
from runner.services.schedules.planned_drills import drill_held, record_drill
from runner.services.schedules.planned_runs import acting, begin, check_claimed, planned_request
from runner.store.state_directory import StateDirectory


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
        record_fate(here, found, planned, Fate.REFUSED, first_line(error.message))  # the next look calls for it
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
        record_fate(here, found, planned, Fate.REFUSED, first_line(error.message))
        raise
    return asked


def ask_in_advance(library: Library, state: StateDirectory, name: str, planned: datetime) -> None:
    """Tell those who may answer what the run of an occurrence will ask, unless somebody else has by now."""
    found, here = entry(library, name), _acting(state, name)
    if was_asked(state, name, planned):  # which saves finding out what; whoever tells them looks once more
        return
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
