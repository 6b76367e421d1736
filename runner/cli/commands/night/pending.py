"""`runbook pending`: Show what waits for a person to approve or confirm, and how to answer."""

from __future__ import annotations

import json

import click

from runner.cli import context
from runner.cli.commands.night.approve import lines, row, waiting
from runner.cli.output.terminal import safe


@click.command("pending")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def command(*, as_json: bool) -> None:
    """Show every question that a run asks and that is not answered yet. Answer with `runbook approve RUN`."""
    found = [(run, question) for run in context.recorded().runs() if (question := waiting(run))]
    if as_json:
        click.echo(json.dumps([row(run, question) for run, question in found], indent=2))
        return
    if not found:
        click.echo("No pending approvals.", err=True)
    for run, question in found:
        click.secho(f"{safe(question.context.runbook)} {safe(question.context.title)}", bold=True)
        click.echo("\n".join(lines(run, question)))
        click.echo(f"  answer   runbook approve {run.path.name} --subject {question.subject[:12]}")
