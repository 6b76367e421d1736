"""`runbook cancel`: Stop a run from any terminal; it can be resumed later."""

import click

from runner.cli import context
from runner.core.errors import ExitCode
from runner.services.runs import CancelledRun, cancel_run


@click.command("cancel")
@click.argument("run_id", metavar="RUN")
@click.option("--now", is_flag=True, help="Stop the current action at once; do not wait until it ends by itself.")
def command(run_id: str, *, now: bool) -> None:
    """Ask the command that executes RUN (its id, or `last`) to stop, and wait until it has stopped.

    The `on_cancel` steps of the runbook are executed.
    """
    state = context.state()
    context.recover_abandoned(state)
    show(cancel_run(state, run_id, context.actor().user, at_once=now))


def show(cancelled: CancelledRun) -> None:
    """Print whether the run has stopped, and exit accordingly."""
    if not cancelled.stopped:
        click.echo(f"the run {cancelled.run} has not stopped within {cancelled.seconds:g} s", err=True)
        context.hint(f"runbook cancel {cancelled.run} --now")
        raise click.exceptions.Exit(ExitCode.FAILED)
    click.echo(f"stopped  run {cancelled.run}")
    context.hint(f"runbook resume {cancelled.run} continues it")
