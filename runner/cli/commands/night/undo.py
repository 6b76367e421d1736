"""`runbook undo`: Undo what a run has done, newest step first, on exactly the hosts where it was done."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import click

from runner.cli import context
from runner.cli.output.terminal import lines_joined, safe, short
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
from runner.core.errors import DeniedError
from runner.core.wording import in_one_line
from runner.orchestrator.continuation.undo_plan import UndoPlan
from runner.orchestrator.request import DoubtAnswers, RunRequest
from runner.services.run_requests import interrupted_run, prepare_undo
from runner.services.runs import called_undos, preview_undo, undo_run
from runner.store.state_directory import StateDirectory


@click.command("undo")
@click.argument("run_id", metavar="RUN")
@click.option("--accept-changes", is_flag=True, help="Use the undo of the runbook as it is now; this is recorded.")
@answer_options
@guard_options
@options_again
@gate_options
def command(
    run_id: str, *, accept_changes: bool, answers: DoubtAnswers, given: tuple[str, ...], **options: Any
) -> None:
    """Undo RUN (its id, or `last`): every step that was started and has an undo, and verify that it is undone.

    What will be undone, and what stays, is shown first; then you are asked (--yes answers in advance). Where nobody
    knows whether a step was done, or is undone by now, you are asked about that as well: --done undo-STEP says that
    nothing of it is left, --redo undo-STEP has it undone. The run ends as `undone` only if no change of it remains,
    otherwise as `partly undone` with exit code 9. If nothing can be undone, RUN keeps its outcome. For a host that
    cannot be reached, the undo is owed: every later run against that host shows it, and `runbook undo` again does it.
    In production you type the environment again; no policy of the inventory prevents an undo.
    """
    state = state_of(run_id)
    context.recover_abandoned(state)
    run = interrupted_run(state, run_id)
    with calling_if_refused(state, run.state), showing_changes():
        request = prepare_undo(run, context.library(run.state.path), accept_changes=accept_changes)
        request = replace(request, answers=answers)
        request = with_guard_options(give_inputs(request, given, resumed=True), options)
        plan = preview_undo(request, state)
        if plan:
            _show(plan, request, state)
        if plan.takes_back:
            _ask(request, yes=options["yes"])
        run_and_exit(request, options, state, lambda asked, env: undo_run(asked, env, expected=plan))


def _show(plan: UndoPlan, request: RunRequest, state: StateDirectory) -> None:
    runbook = request.source.runbook
    click.secho(f"undo of the run {request.run_id} of {runbook.id} {safe(runbook.title)}", bold=True, err=True)
    _show_plan(plan, request, state, request.run_id)


def _show_plan(plan: UndoPlan, request: RunRequest, state: StateDirectory, run: str, indent: str = "  ") -> None:
    """What is undone and what stays of a `run`, and below each of its steps that of the runs which did it."""
    for item in plan.takes_back:
        click.echo(f"{indent}undoes      {safe(item.name)}  on {_listed(item.hosts)}", err=True)
        for host, items in item.items.items():
            click.echo(
                f"{indent}            {safe(host)}: {in_one_line(list(items), show=safe)}, newest first", err=True
            )
        click.echo(f"{indent}            {short(lines_joined(item.does), 160)}", err=True)
        for runbook, inner, inner_plan in called_undos(request, state, run, item.step):
            click.echo(f"{indent}  run {inner} of {runbook.id} {safe(runbook.title)}", err=True)
            _show_plan(inner_plan, request, state, inner, f"{indent}    ")
    if not plan.takes_back:
        click.echo(f"{indent}undoes      nothing", err=True)
    for left in plan.stays:
        text = f"{indent}stays       {safe(left.name)}  on {_listed(left.hosts)}: {left.why}"
        click.secho(text, fg="yellow", err=True)


def _listed(hosts: tuple[str, ...]) -> str:
    return ", ".join(map(safe, hosts))


def _ask(request: RunRequest, *, yes: bool) -> None:
    if yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise DeniedError(
            "nothing was undone: there is no terminal to ask on",
            hint=f"runbook undo {request.run_id} --yes undoes what is shown above",
        )
    if not click.confirm("  Go ahead?", default=False, err=True):
        raise DeniedError("nothing was undone: the answer was no")
