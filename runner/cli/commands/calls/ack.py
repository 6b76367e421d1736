"""`runbook ack`: Say that you have the incident of a run; nobody else is called for it."""

import click

from runner.cli import context
from runner.cli.output.sent_pages import complain_of
from runner.cli.output.terminal import safe
from runner.core.wording import addressee
from runner.services.incident_response import acknowledge


@click.command("ack")
@click.argument("run_id", metavar="RUN")
@click.option("--note", default="", metavar="TEXT", help="What you do about it.")
def command(run_id: str, *, note: str) -> None:
    """Say that you have the incident of RUN (its id, or `last`): the next level is not called.

    It is recorded, and the channels that can acknowledge do so. `runbook show RUN --format handoff` says what happened.
    """
    state = context.state()
    context.recover_abandoned(state)
    done = acknowledge(context.installation(state), run_id, note)
    if done.already:
        click.echo(f"the run {done.run} was acknowledged before, by {safe(done.already)}")
        return
    click.echo(f"acknowledged  run {done.run}: {safe(done.by)} has it, nobody else is called")
    for each in done.sent:
        if each.receipt.status != "skipped":
            reason = f": {each.receipt.reason}" if each.receipt.reason else ""
            click.echo(
                f"told  {safe(addressee(each.contact, each.receipt.channel))}: {each.receipt.status}{safe(reason)}"
            )
    complain_of(list(done.problems))
    context.hint(f"runbook show {done.run} --format handoff says what happened and what to type")
