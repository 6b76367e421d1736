"""`runbook resume`: Continue a run where it stopped, after verifying again what was done."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import click

from runner.cli import context
from runner.cli.prompts.gate_options import gate_options
from runner.cli.prompts.guard_options import guard_options, with_guard_options
from runner.cli.prompts.input_options import give_inputs, options_again
from runner.cli.run_session import (
    answer_options,
    calling_if_refused,
    run_and_exit,
    showing_changes,
    state_of,
)
from runner.orchestrator.request import DoubtAnswers, Mode
from runner.services.run_requests import has_passed, interrupted_run, prepare_resume
from runner.services.runs import resume_run


@click.command("resume")
@click.argument("run_id", metavar="RUN")
@click.option(
    "--accept-changes", is_flag=True, help="Continue although the runbook has changed since; this is recorded."
)
@answer_options
@guard_options
@options_again
@gate_options
def command(
    run_id: str,
    *,
    accept_changes: bool,
    answers: DoubtAnswers,
    given: tuple[str, ...],
    **options: Any,
) -> None:
    """Continue RUN (its id, or `last`) at the first step that is not verified, on each host.

    What was done is verified again first. If a step was started and its end is not known, it is shown, and never
    repeated unless the runbook says that it is idempotent, or you say --redo. In production you type the environment
    again; the reason and the break glass of the run still count.
    """
    state = state_of(run_id)
    context.recover_abandoned(state)
    mode: Mode | None = "step" if options["step"] else None
    run = interrupted_run(state, run_id)
    refusal = (
        nullcontext() if has_passed(state, run) else calling_if_refused(state, run.state, attended=options["step"])
    )
    with refusal, showing_changes():
        request = prepare_resume(run, context.library(run.state.path), state, mode=mode, accept_changes=accept_changes)
        request = replace(request, answers=answers)
        request = with_guard_options(give_inputs(request, given, resumed=True), options)
        run_and_exit(request, options, state, resume_run)
