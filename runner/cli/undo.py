"""`runbook undo`: Take back what a run has done, newest first, on exactly the hosts on which it was begun."""

from __future__ import annotations

from typing import Any

import click

from runner import run
from runner.cli import context, inputs
from runner.cli.again import request_of, run_of
from runner.cli.ceremony import ceremony, with_ceremony
from runner.cli.run import gates, perform_with


@click.command("undo")
@click.argument("run_id", metavar="RUN")
@click.option("--accept-changes", is_flag=True, help="Use the undo of the runbook as it is now; that is recorded.")
@ceremony
@inputs.options_again
@gates
def command(run_id: str, *, accept_changes: bool, given: tuple[str, ...], **options: Any) -> None:
    """Undo RUN (its id, or `last`): every step that has an undo and was begun, and prove that it is taken back.

    A host that can not be reached keeps a debt, which every later run against it shows; undo again pays it. In
    production its environment is typed again; no policy stands in the way of taking back.
    """
    request = request_of(run_of(context.state(), run_id), given, accept_changes=accept_changes)
    request = with_ceremony(request, options)
    perform_with(request, options, run.take_back)
