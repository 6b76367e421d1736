"""What became of runs whose command died, and who was called for them, in words."""

from __future__ import annotations

import click

from runner.cli import context
from runner.cli.output.ending import call_lines
from runner.cli.output.sent_pages import show_sent
from runner.cli.output.terminal import safe
from runner.services.runs import RecoveredRun, Recovery


def show_recovery(recovery: Recovery) -> None:
    """Print each run that was recovered, what could not be, and what came of calling people."""
    for recovered in recovery.runs:
        _show(recovered)
    if recovery.failure:
        message = safe(recovery.failure.message)
        click.echo(f"warning: a run that died cannot be recorded as abandoned: {message}", err=True)
    for recovered in recovery.unrecorded:
        _show(recovered, "has no recorded end: it died, or could not record it")
    show_sent(recovery.called)


def _show(recovered: RecoveredRun, end: str = "died before it ended") -> None:
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
