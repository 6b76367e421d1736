"""The run that `runbook run` asks for: prepared, begun, and somebody called where it is refused."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import click

from runner.cli import context
from runner.cli.output.ending import called_for_refusal
from runner.cli.prompts.guard_options import with_guard_options
from runner.cli.prompts.input_options import give_inputs
from runner.cli.run_session import is_mended_at_once, run_and_exit
from runner.core.errors import RunbookError
from runner.library.library import Library
from runner.orchestrator.request import Mode
from runner.services.run_requests import prepare_run
from runner.services.runs import call_for_refusal, start_run


def begin_and_exit(
    library: Library,
    runbook: str,
    inventories: tuple[Path, ...],
    mode: Mode,
    options: Mapping[str, Any],
    given: tuple[str, ...],
    *,
    run_id: str,
) -> NoReturn:
    """Do the run that was asked for, and exit as it ended.

    Raises:
        RunbookError: it cannot begin.
    """
    request = prepare_run(library, runbook, inventories, run_id=run_id, limit=options["limit"], mode=mode)
    context.notice_unread(request.inventories, request.library)
    request = give_inputs(request, given, ask_all=options["ask"])
    state = context.state()
    context.recover_abandoned(state)
    run_and_exit(with_guard_options(request, options), options, state, start_run)


def call_if_refused(
    library: Library,
    runbook: str,
    inventories: tuple[Path, ...],
    mode: Mode,
    options: Mapping[str, Any],
    error: RunbookError,
) -> None:
    """Call whom the runbook names, if it wants that of a run that was refused; print who was."""
    if mode == "dry-run" or is_mended_at_once(error, mode):
        return
    here = context.installation(context.recorded_if_any())  # who is called is called without a record as well
    calls = call_for_refusal(here, library, runbook, error, mode=mode, inventories=inventories, limit=options["limit"])
    for line in called_for_refusal(calls, error, unattended=mode == "auto"):
        click.echo(line, err=True)
