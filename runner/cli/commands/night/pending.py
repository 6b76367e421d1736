"""`runbook pending`: Show what waits for a person to approve or confirm, and how to answer."""

import click

from runner.cli import context
from runner.cli.output.table import print_json
from runner.cli.output.terminal import labelled, safe
from runner.services import votes


@click.command("pending")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def command(*, as_json: bool) -> None:
    """Show every question that a run asks and that is not answered yet. Answer with `runbook approve RUN`."""
    questions = votes.pending(context.recorded(), context.clock())
    if as_json:
        print_json([question.as_data() for question in questions])
        return
    if not questions:
        click.echo("No pending approvals.", err=True)
    for pending in questions:
        asked = pending.question.context
        click.secho(f"{safe(asked.runbook)} {safe(asked.title)}", bold=True)
        click.echo("\n".join(labelled(pending.labelled_lines())))
        click.echo(f"  answer   runbook approve {pending.run} --subject {pending.subject[:12]}")
