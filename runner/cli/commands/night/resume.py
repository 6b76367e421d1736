"""`runbook resume`: Continue a run where it stopped, after verifying again what was done."""

from typing import Any

import click

from runner.cli import context
from runner.cli.prompts.gate_options import doubt_options, gate_options
from runner.cli.prompts.guard_options import guard_options
from runner.cli.prompts.input_options import options_again


@click.command("resume")
@click.argument("run_id", metavar="RUN")
@click.option(
    "--accept-changes", is_flag=True, help="Continue although the runbook has changed since; this is recorded."
)
@doubt_options
@guard_options
@options_again
@gate_options
def command(run_id: str, *, given: tuple[str, ...], **options: Any) -> None:
    """Continue RUN (its id, or `last`) at the first step that is not verified, on each host.

    What was done is verified again first. If a step was started and its end is not known, it is shown, and never
    repeated unless the runbook says that it is idempotent, or you say --redo. In production you type the environment
    again; the reason and the break glass of the run still count.
    """
    with context.executor_ready_again(run_id):
        from runner.cli.earlier_run import resume_and_exit  # noqa: PLC0415 - it imports all that a run needs

        resume_and_exit(run_id, given, options)
