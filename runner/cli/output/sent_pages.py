"""What became of pages that were sent again, and of runs whose command died, in words."""

from collections.abc import Sequence

import click

from runner.cli import context
from runner.cli.output.ending import became, call_lines
from runner.cli.output.terminal import safe
from runner.core.wording import addressee
from runner.escalation.dispatch import SentPage
from runner.services.incident_response import CalledNext
from runner.services.notifications import Flushed
from runner.services.runs import RecoveredRun, Recovery


def show_sent(flushed: Flushed) -> None:
    """Print what became of each page."""
    for each in flushed.sent:
        click.echo(f"page     {_line(each)}", err=True)
    complain_of(flushed.problems)


def show_next_levels(called: CalledNext) -> None:
    """Print who was called because nobody has acknowledged."""
    for run, call in called.calls:
        reached = "it arrived" if call.arrived else f"NOT REACHED, call them yourself: {call.reason}"
        click.echo(safe(f"called   {addressee(call.contact, call.channel)} for the run {run}: {reached}"), err=True)
    complain_of(called.problems)


def _line(each: SentPage) -> str:
    notification, ok = each.notification, each.receipt.ok
    arrived = became(notification.page.action, arrived=ok) + ("" if ok else f": {each.receipt.reason}")
    to = f"{addressee(each.contact, notification.by)} for the run {notification.run}"
    return safe(f"{to}: {arrived}")


def complain_of(problems: Sequence[str]) -> None:
    """Print each of `problems`."""
    for problem in problems:
        click.echo(f"error: {safe(problem)}", err=True)


def show_recovery(recovery: Recovery) -> None:
    """Print each run that was recovered, what could not be, and what came of calling people."""
    for recovered in recovery.runs:
        _show_run(recovered)
    if recovery.failure:
        message = safe(recovery.failure.message)
        click.echo(f"warning: a run that died cannot be recorded as abandoned: {message}", err=True)
    for recovered in recovery.unrecorded:
        _show_run(recovered, "has no recorded end: it died, or could not record it")
    show_sent(recovery.called)


def _show_run(recovered: RecoveredRun, end: str = "died before it ended") -> None:
    run = recovered.run
    died = f"abandoned: the run {run.run} of {run.runbook} {end}"
    if run.status == "finished":
        died = f"finished: the run {run.run} of {run.runbook} had passed, and died before all had heard; they have now"
    click.echo(died, err=True)
    if run.status == "abandoned":
        context.hint(f"what it had started was stopped; runbook show {run.run} shows how far it came")
    for line in call_lines(recovered.calls, reasons=True):
        click.echo(f"called   {safe(line)}", err=True)
    if recovered.not_called:
        click.echo(f"error: nobody could be called for {run.run}: {safe(recovered.not_called)}", err=True)
