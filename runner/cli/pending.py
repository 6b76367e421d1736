"""`runbook pending` (At night): What runs wait for people to approve or confirm, and how to answer."""

from __future__ import annotations

import json
from datetime import timedelta

import click

from runner.cli import context
from runner.cli.approve import waiting
from runner.cli.table import draw
from runner.duration import show
from runner.record.question import Question
from runner.record.questions import Questions
from runner.record.run_state import RunDirectory


@click.command("pending")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def command(*, as_json: bool) -> None:
    """Show every question that a run has put and nobody has answered yet. `runbook approve RUN` answers."""
    found = [(run, question) for run in context.recorded().runs() if (question := waiting(run))]
    rows = [_row(run, question) for run, question in found]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    draw(rows, empty="nobody is waited for")


def _row(run: RunDirectory, question: Question) -> dict[str, str]:
    votes = Questions(run.path).votes(question)
    left = question.left(context.clock())
    return {
        "run": question.run,
        "runbook": question.runbook,
        "step": question.step,
        "asks": f"{question.kind}: {question.text.splitlines()[0]}",
        "hosts": ", ".join(question.hosts),
        "needs": question.needs(votes),
        "has": ", ".join(question.approvers(votes)) or "-",
        "expires in": "-" if left is None else show(timedelta(seconds=max(0, int(left)))),
    }
