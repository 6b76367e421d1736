"""`runbook undo`: Undo what a run has done, newest step first, on exactly the hosts where it was done."""

from typing import Any

import click

from runner.cli import context
from runner.cli.prompts.gate_options import doubt_options, gate_options
from runner.cli.prompts.guard_options import guard_options
from runner.cli.prompts.input_options import options_again


@click.command("undo")
@click.argument("run_id", metavar="RUN")
@click.option("--accept-changes", is_flag=True, help="Use the undo of the runbook as it is now; this is recorded.")
@doubt_options
@guard_options
@options_again
@gate_options
def command(run_id: str, *, given: tuple[str, ...], **options: Any) -> None:
    """Undo RUN (its id, or `last`): every step that was started and has an undo, and verify that it is undone.

    What will be undone, and what stays, is shown first; then you are asked (--yes answers in advance). Where nobody
    knows whether a step was done, or is undone by now, you are asked about that as well: --done undo-STEP says that
    nothing of it is left, --redo undo-STEP has it undone. The run ends as `undone` only if no change of it remains,
    otherwise as `partly undone` with exit code 9. If nothing can be undone, RUN keeps its outcome. For a host that
    cannot be reached, the undo is owed: every later run against that host shows it, and `runbook undo` again does it.
    In production you type the environment again; no policy of the inventory prevents an undo.
    """
    with context.executor_ready_again(run_id):
        from runner.cli.earlier_run import undo_and_exit  # noqa: PLC0415 - it imports all that a run needs

        undo_and_exit(run_id, given, options)
