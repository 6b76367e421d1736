"""`runbook run`: Run a runbook against an inventory, step by verified step."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from runner.cli import context
from runner.cli.output.ending import called_for_refusal
from runner.cli.prompts.guard_options import guard_options, with_guard_options
from runner.cli.prompts.input_options import give_inputs
from runner.cli.run_session import gate_options, is_mended_at_once, run_and_exit
from runner.cli.target_options import target_options
from runner.core.errors import RunbookError
from runner.library.library import Library
from runner.orchestrator.request import Mode
from runner.services.run_requests import prepare_run
from runner.services.runs import call_for_refusal, start_run


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
    library, mode = context.library(runbook), _mode(options)
    try:
        _run(library, runbook, inventories, given, mode, options)
    except RunbookError as error:
        if mode != "dry-run" and not is_mended_at_once(error, mode):
            _call(library, runbook, inventories, error, options["limit"], mode)
        raise


def _run(
    library: Library,
    runbook: str,
    inventories: tuple[Path, ...],
    given: tuple[str, ...],
    mode: Mode,
    options: Mapping[str, Any],
) -> None:
    request = prepare_run(library, runbook, inventories, run_id=context.new_run_id(), limit=options["limit"], mode=mode)
    context.notice_unread(request.inventories, request.library)
    request = give_inputs(request, given, ask_all=options["ask"])
    state = context.state()
    context.recover_abandoned(state)
    run_and_exit(with_guard_options(request, options), options, state, start_run)


def _call(
    library: Library,
    runbook: str,
    inventories: tuple[Path, ...],
    error: RunbookError,
    limit: str | None,
    mode: Mode,
) -> None:
    """Call whom the runbook names, if it wants that of a run that was refused; print who was."""
    here = context.installation(context.recorded_if_any())  # who is called is called without a record as well
    calls = call_for_refusal(here, library, runbook, error, mode=mode, inventories=inventories, limit=limit)
    for line in called_for_refusal(calls, error, unattended=mode == "auto"):
        click.echo(line, err=True)


def _mode(options: Mapping[str, Any]) -> Mode:
    modes: dict[Mode, bool] = {"step": options["step"], "auto": options["auto"], "dry-run": options["dry_run"]}
    chosen = [mode for mode, given in modes.items() if given]
    if len(chosen) > 1:
        raise click.UsageError(f"--{chosen[0]} and --{chosen[1]} do not go together")
    return chosen[0] if chosen else "run"
