"""`runbook cancel`: Stop a run from any terminal; it can be resumed later."""

from __future__ import annotations

import time

import click

from runner.cli import context
from runner.cli.named_run import find_run
from runner.core.errors import ExitCode, InvalidInputError
from runner.store.run_state import RunDirectory

_PATIENCE = 30.0


@click.command("cancel")
@click.argument("run_id", metavar="RUN")
@click.option("--now", is_flag=True, help="Stop the current action at once; do not wait until it ends by itself.")
def command(run_id: str, *, now: bool) -> None:
    """Ask the command that executes RUN (its id, or `last`) to stop, and wait until it has stopped.

    The `on_cancel` steps of the runbook are executed.
    """
    state = context.state()
    run = find_run(state, run_id, suits=lambda run: run.live, none="no run is in progress")
    if not run.live:
        live = [run.path.name for run in state.runs() if run.live]
        hint = f"the runs that are: {', '.join(live)}" if live else "no run is"
        raise InvalidInputError(f"the run {run.path.name} is not in progress", hint=hint)
    for _ in range(2 if now else 1):
        run.cancel(context.actor().user)
        time.sleep(0.3)
    if not _wait(run):
        click.echo(f"the run {run.path.name} has not stopped within {_PATIENCE:g} s", err=True)
        click.echo(f"hint: runbook cancel {run.path.name} --now", err=True)
        raise click.exceptions.Exit(ExitCode.FAILED)
    click.echo(f"stopped  run {run.path.name}")
    click.echo(f"hint: runbook resume {run.path.name} continues it", err=True)


def _wait(run: RunDirectory) -> bool:
    deadline = time.monotonic() + _PATIENCE
    while run.live:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True
