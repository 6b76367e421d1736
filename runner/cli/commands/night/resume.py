"""`runbook resume`: Continue a run where it stopped, after verifying again what was done."""

from __future__ import annotations

from typing import Any

import click

from runner.cli import context
from runner.cli.commands.night.run import gates, perform_with
from runner.cli.prompts import input_options
from runner.cli.prompts.guard_options import ceremony, with_ceremony
from runner.cli.resume_request import request_of, run_of
from runner.core.errors import InvalidInputError
from runner.core.events import Outcome
from runner.orchestrator import run_loop
from runner.orchestrator.request import Mode


@click.command("resume")
@click.argument("run_id", metavar="RUN")
@click.option(
    "--accept-changes", is_flag=True, help="Continue although the runbook has changed since; this is recorded."
)
@click.option("--done", multiple=True, metavar="STEP", help="Say that this interrupted step is done.")
@click.option("--redo", multiple=True, metavar="STEP", help="Execute this interrupted step again.")
@ceremony
@input_options.options_again
@gates
def command(
    run_id: str,
    *,
    accept_changes: bool,
    done: tuple[str, ...],
    redo: tuple[str, ...],
    given: tuple[str, ...],
    **options: Any,
) -> None:
    """Continue RUN (its id, or `last`) at the first step that is not verified, on each host.

    What was done is verified again first. If a step was started and its end is not known, it is shown, and never
    repeated unless the runbook says that it is idempotent, or you say --redo. In production you type the environment
    again; the reason and the break glass of the run still count.
    """
    directory = run_of(context.state(), run_id)
    if directory.state.looks:
        hint = f"runbook run {directory.state.runbook} does it"
        raise InvalidInputError(f"the run {directory.path.name} only looked: there is nothing to resume", hint=hint)
    if directory.state.outcome == Outcome.PASSED:
        raise InvalidInputError(f"the run {directory.path.name} has passed: there is nothing to resume")
    mode: Mode | None = "step" if options["step"] else None
    request = request_of(directory, given, mode=mode, accept_changes=accept_changes)
    request = with_ceremony(request, options)
    perform_with(request, options, lambda asked, around: run_loop.resume(asked, around, done=done, redo=redo))
