"""`runbook run`: Run a runbook against an inventory, step by verified step."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runner.cli import context
from runner.cli.prompts.gate_options import gate_options
from runner.cli.prompts.guard_options import guard_options
from runner.cli.target_options import target_options
from runner.core.errors import RunbookError

if TYPE_CHECKING:
    from runner.orchestrator.request import Mode


@click.command(
    "run",
    epilog="""\b
    runbook run RUN-001 -i inventories/local
    runbook run RUN-001 -i inventories/staging -l db2 -e stuck_after=10m --yes
    """,
)
@target_options
@click.option("--auto", is_flag=True, help="Ask nobody; refused if a question has no automatic answer.")
@click.option(
    "--dry-run", is_flag=True, help="Execute the steps that only read; show the steps that would change something."
)
@guard_options
@gate_options
def command(runbook: str, *, inventories: tuple[Path, ...], given: tuple[str, ...], **options: Any) -> None:
    """Run RUNBOOK (an id like RUN-001, or a file) against the hosts of an inventory."""
    library, mode, run_id = context.library(runbook), _mode(options), context.new_run_id()
    words = library, runbook, inventories, mode, options
    try:
        with context.executor_ready(run_id):
            from runner.cli.run_session import begin_and_exit  # noqa: PLC0415 - it imports all that a run needs

            begin_and_exit(*words, given, run_id=run_id)
    except RunbookError as error:
        from runner.cli.run_session import call_if_refused  # noqa: PLC0415 - as above

        call_if_refused(*words, error)
        raise


def _mode(options: Mapping[str, Any]) -> Mode:
    modes: dict[Mode, bool] = {"step": options["step"], "auto": options["auto"], "dry-run": options["dry_run"]}
    chosen = [mode for mode, given in modes.items() if given]
    if len(chosen) > 1:
        raise click.UsageError(f"--{chosen[0]} and --{chosen[1]} do not go together")
    return chosen[0] if chosen else "run"
