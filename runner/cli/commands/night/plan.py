"""`runbook plan`: Show hosts, commands, questions, and how many hosts a run may change. Nothing is executed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from runner.cli import context
from runner.cli.output.pager import paged
from runner.cli.output.table import print_json
from runner.cli.output.terminal import hosts_in_line, lines_joined, safe, short
from runner.cli.prompts.guard_options import guard_options, with_guard_options
from runner.cli.prompts.input_options import give_inputs
from runner.cli.target_options import target_options
from runner.services.planned_run import PlannedRun, PlannedStep, Previews, plan_run
from runner.services.run_requests import prepare_run


@click.command("plan")
@target_options
@guard_options
@click.option("--json", "as_json", is_flag=True, help="The plan as JSON.")
def command(runbook: str, *, inventories: tuple[Path, ...], given: tuple[str, ...], **options: Any) -> None:
    """Show what `runbook run` would do with the same arguments, and what would refuse it now. No host is contacted."""
    request = prepare_run(
        context.library(runbook), runbook, inventories, run_id=context.new_run_id(), limit=options["limit"]
    )
    context.notice_unread(request.inventories, request.library)
    request = with_guard_options(give_inputs(request, given, ask_all=options["ask"], planned=True), options)
    plan = plan_run(request, context.installation(context.recorded_if_any()))
    if options["as_json"]:
        print_json(plan.as_data())
    else:
        with paged():
            _show(plan)


def _show(plan: PlannedRun) -> None:
    click.secho(f"{plan.runbook} {safe(plan.title)}", bold=True)
    for name, value in plan.inputs.items():
        click.echo(f"  input   {name} = {short(str(value))}")
    for name, value in plan.limits.items():
        click.echo(f"  {name:7} {safe(value)}")
    for step in plan.prerequisites:
        _show_step("  -", step)
    for number, step in enumerate(plan.steps, 1):
        _show_step(f"  {step.number:>2}", step, "   " * step.depth)
        if number == plan.last_safe_stop:
            click.echo("     last safe stop: what follows cannot be undone")
    for trigger in plan.triggers:
        click.echo(f"watches   {safe(trigger)}")
    for owed in plan.debts:
        click.echo(f"owed undo: {safe(owed)}", err=True)
    click.echo(f"calls {safe('; '.join(plan.calls['who']))}, when: {safe('; '.join(plan.calls['when']))}")
    click.echo(plan.radius)
    _show_obstacles(plan)


def _show_obstacles(plan: PlannedRun) -> None:
    """What would keep the run from its first step now."""
    for ruling in plan.guards:
        if ruling.verdict != "met":
            click.secho(f"{ruling.verdict:8} {short(ruling.sentence)}", fg="yellow")
            click.echo(f"         {safe(ruling.hint)}")
    for sentence in plan.held:
        click.secho(f"locked   {safe(sentence)}", fg="yellow")


def _show_step(number: str, step: PlannedStep, indent: str = "") -> None:
    where = f"on {safe(step.on)} for" if step.on else "on"
    click.echo(f"{indent}{number} {safe(step.name)}  [{step.effect}]  {where} {hosts_in_line(step.hosts)}")
    for label, text in _lines(step):
        click.echo(f"{indent}       {label:6} {short(text, 160)}")


def _lines(step: PlannedStep) -> Iterator[tuple[str, str]]:
    """What is said of a step, each line with its label."""
    if step.only_if:
        yield "only", f"if {lines_joined(step.only_if)}"
    if step.each:
        yield "each", step.each
    yield from _action("does", step.previews)
    if step.branches:
        yield "takes", "on each host the first that holds:"
        yield from (("", lines_joined(branch)) for branch in step.branches)
    if step.timeout:
        yield "ends", f"after {step.timeout} at most"
    yield from (("checks", check) for check in step.verifies)
    yield from (("asks", question) for question in step.asks)
    if step.on_failure not in {"escalate", "stop"}:
        yield "fails", step.on_failure
    if step.undo:
        yield from _action("undo", step.undo_previews or {"": (step.undo,)})


def _action(label: str, previews: Previews) -> Iterator[tuple[str, str]]:
    """Each different thing that is done, and where, if it is not the same everywhere."""
    different = list(dict.fromkeys(previews.values()))
    for statement, *around in different:
        same = [host for host, preview in previews.items() if preview == (statement, *around)]
        yield label, f"{hosts_in_line(same)}: " * (len(different) > 1) + lines_joined(statement)
        yield from (("", lines_joined(line)) for line in around)
