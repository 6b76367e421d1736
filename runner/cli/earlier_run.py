"""An earlier run is gone on with, or undone: prepared, shown, asked about, and somebody called where it is refused."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any, NoReturn

import click

from runner.cli import context
from runner.cli.output.terminal import lines_joined, safe, short
from runner.cli.prompts import keyboard
from runner.cli.prompts.guard_options import with_guard_options
from runner.cli.prompts.input_options import give_inputs
from runner.cli.run_session import calling_if_refused, run_and_exit, showing_changes, state_of
from runner.core.wording import in_one_line
from runner.orchestrator.continuation.undo_plan import UndoPlan
from runner.orchestrator.request import DoubtAnswers, Mode, RunRequest
from runner.services.run_requests import has_passed, interrupted_run, prepare_resume, prepare_undo
from runner.services.runs import called_undos, preview_undo, resume_run, undo_run
from runner.store.state_directory import StateDirectory


def resume_and_exit(run_id: str, given: Sequence[str], options: Mapping[str, Any]) -> NoReturn:
    """Go on with the run of that id, or with `last`, and exit as it ended.

    Raises:
        RunbookError: nobody can go on with it.
    """
    state = state_of(run_id)
    context.recover_abandoned(state)
    mode: Mode | None = "step" if options["step"] else None
    run = interrupted_run(state, run_id)
    refusal = (
        nullcontext() if has_passed(state, run) else calling_if_refused(state, run.state, attended=options["step"])
    )
    with refusal, showing_changes():
        library, accept_changes = context.library(run.state.path), options["accept_changes"]
        request = prepare_resume(run, library, state, mode=mode, accept_changes=accept_changes)
        run_and_exit(_as_asked(request, given, options), options, state, resume_run)


def undo_and_exit(run_id: str, given: Sequence[str], options: Mapping[str, Any]) -> NoReturn:
    """Undo what the run of that id has done, or the `last`, and exit as that ended.

    Raises:
        RunbookError: it cannot be undone, or nobody wants it to be.
    """
    state = state_of(run_id)
    context.recover_abandoned(state)
    run = interrupted_run(state, run_id)
    with calling_if_refused(state, run.state), showing_changes():
        request = prepare_undo(run, context.library(run.state.path), accept_changes=options["accept_changes"])
        request = _as_asked(request, given, options)
        plan = preview_undo(request, state)
        if plan:
            _show(plan, request, state)
        if plan.takes_back and not options["yes"]:
            hint = f"runbook undo {request.run_id} --yes undoes what is shown above"
            keyboard.agree("Go ahead?", nothing="nothing was undone", hint=hint)
        run_and_exit(request, options, state, lambda asked, env: undo_run(asked, env, expected=plan))


def _as_asked(request: RunRequest, given: Sequence[str], options: Mapping[str, Any]) -> RunRequest:
    request = replace(request, answers=DoubtAnswers(options["done"], options["redo"]))
    return with_guard_options(give_inputs(request, given, resumed=True), options)


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
