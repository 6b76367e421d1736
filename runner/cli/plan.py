"""`runbook plan` (At night): What a run would do: hosts, commands, questions, blast radius. Nothing is done."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from runner import handover
from runner.cli import context, inputs
from runner.cli.aim import aimed
from runner.cli.terminal import one_line, safe, short
from runner.definition.contacts import Contact
from runner.definition.model import Declared, Reason, Runbook, Unresolved
from runner.definition.step import HandOver, Step
from runner.duration import show
from runner.execution.compile import variables
from runner.execution.executor import NOTHING, Cancellation, Job, Part, resolve
from runner.execution.radius import radius
from runner.execution.rendered import in_words
from runner.execution.reviewed import reviewed
from runner.execution.spans import after, before
from runner.execution.target import Target, check_hosts
from runner.record.debts import Debts
from runner.redaction import Redaction
from runner.request import Request


@click.command("plan")
@aimed
@click.option("--json", "as_json", is_flag=True, help="The plan as JSON.")
def command(
    runbook: str,
    *,
    inventories: tuple[Path, ...],
    limit: str | None,
    given: tuple[str, ...],
    ask: bool,
    as_json: bool,
) -> None:
    """Show what `runbook run` would do with the same words. No host is contacted."""
    library = context.library(runbook)
    source = library.usable(runbook)
    paths = context.inventories(inventories, library)
    values = inputs.read(source, given, ask=ask, planned=True)
    handover.check(Request("", source, b"", {}, (), inputs=values, library=library))
    redaction = Redaction()
    job = Job(
        run_id=context.new_run_id(),
        name=f"{source.runbook.id}.yml",
        playbook=reviewed(library, source),
        inventories=paths,
        limit=limit,
        inputs=variables(source.runbook, values),
        hosts="all",
        becomes=False,
        environ=os.environ,
        cancellation=Cancellation(),
        learn=redaction.learn,
        names=source.runbook.asks_for_hosts,
    )
    steps = [step.id for step in source.runbook.procedure]
    hello = resolve(job, Part(NOTHING.tags, render=steps))
    target = Target.from_hello(hello)
    target.check(source.runbook)
    check_hosts(source.runbook, values, hello.get("names") or ())
    plan = _plan(source.runbook, target, hello, values, library.contacts(source), redaction)
    if as_json:
        click.echo(json.dumps(plan, indent=2, default=str))
    else:
        _show(plan)


def _plan(
    runbook: Runbook,
    target: Target,
    hello: Mapping[str, Any],
    values: Mapping[str, Any],
    contacts: Mapping[str, Contact],
    redaction: Redaction,
) -> dict[str, Any]:
    commands = hello.get("commands") or {}
    known = {
        step: {host: redaction.text(in_words(command)) for host, command in hosts.items()}
        for step, hosts in commands.items()
    }
    reach = radius(runbook, target, total=hello.get("inventory_hosts"))
    path = context.state_path() / "debts"
    return {
        "runbook": runbook.id,
        "title": runbook.title,
        "environment": target.environment,
        "hosts": list(target.names),
        "inputs": dict(values),
        "limits": _limits(runbook),
        "calls": _calls(runbook, contacts),
        "prerequisites": [_step(runbook, step, target, known) for step in runbook.prerequisites],
        "steps": [_step(runbook, step, target, known) for step in runbook.steps],
        "debts": [f"{debt.host}: {debt.step} of {debt.runbook} is not undone" for debt in Debts(path).of(target.names)],
        "last_safe_stop": reach.last_safe,
        "radius": str(reach),
    }


def _step(runbook: Runbook, step: Step, target: Target, commands: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    gates = [f"{gate.kind}: {' '.join(gate.text.split())}" for gate in (*before(step), *after(step))]
    fails = f"hand over to {step.on_failure.run}" if isinstance(step.on_failure, HandOver) else step.on_failure
    return {
        "id": step.id,
        "name": step.name,
        "effect": str(step.effect),
        "hosts": list(target.of(runbook, step)),
        "commands": commands.get(step.id, {}),
        "asks": gates,
        "timeout": show(step.timeout) if step.action and not step.manual else None,
        "verifies": [each.says for each in step.verify],
        "on_failure": fails,
        "undo": step.undo.action.describe() if step.undo else None,
        "point_of_no_return": step.point_of_no_return,
    }


def _limits(runbook: Runbook) -> dict[str, str]:
    """How many hosts at a time, and what ends or holds up the whole run."""
    limits = {
        "serial": ", ".join(map(str, runbook.serial or ())),
        "max_failures": str(runbook.max_failures or ""),
        "deadline": show(runbook.deadline) if runbook.deadline else "",
        "locks": ", ".join(runbook.locks),
    }
    return {name: value for name, value in limits.items() if value}


def _reason(reason: Reason) -> str:
    if isinstance(reason, Unresolved):
        return f"not done after {show(reason.unresolved_for)}"
    return f"declared: {reason.declared}" if isinstance(reason, Declared) else "a step failed"


def _calls(runbook: Runbook, contacts: Mapping[str, Contact]) -> dict[str, list[str]]:
    """When somebody would be called, and who, by which channels."""
    when = [_reason(each) for each in runbook.escalation.when]
    names = runbook.escalation.contacts
    channels = {
        name: ", ".join(each.key for each in contacts[name].channels) if name in contacts else "" for name in names
    }
    return {"when": when, "who": [f"{name} by {by or 'no channel'}" for name, by in channels.items()]}


def _show(plan: Mapping[str, Any]) -> None:
    click.secho(f"{plan['runbook']} {safe(plan['title'])}", bold=True)
    for name, value in plan["inputs"].items():
        click.echo(f"  input   {name} = {short(str(value))}")
    for name, value in plan["limits"].items():
        click.echo(f"  {name:7} {safe(value)}")
    for step in plan["prerequisites"]:
        _show_step("  -", step)
    for number, step in enumerate(plan["steps"], 1):
        _show_step(f"  {number:2}", step)
        if number == plan["last_safe_stop"]:
            click.echo("     last safe stop: what follows can not be taken back")
    for debt in plan["debts"]:
        click.echo(f"debt: {safe(debt)}", err=True)
    click.echo(f"calls {safe('; '.join(plan['calls']['who']))}, when: {safe('; '.join(plan['calls']['when']))}")
    click.echo(plan["radius"])


def _show_step(number: str, step: Mapping[str, Any]) -> None:
    click.echo(f"{number} {safe(step['name'])}  [{step['effect']}]  on {', '.join(map(safe, step['hosts']))}")
    shown = dict.fromkeys(step["commands"].values())
    for command in shown:
        hosts = [host for host, said in step["commands"].items() if said == command]
        where = f"{', '.join(map(safe, hosts))}: " if len(shown) > 1 else ""
        click.echo(f"       does   {where}{short(one_line(command), 160)}")
    if step["timeout"]:
        click.echo(f"       ends   after {step['timeout']} at most")
    for said in step["verifies"]:
        click.echo(f"       checks {short(said, 160)}")
    for asked in step["asks"]:
        click.echo(f"       asks   {short(asked, 160)}")
    if step["undo"]:
        click.echo(f"       undo   {short(one_line(step['undo']), 160)}")
