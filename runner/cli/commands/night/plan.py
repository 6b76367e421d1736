"""`runbook plan`: Show what a run would do: hosts, commands, questions, blast radius. Nothing is executed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from runner.cli import context
from runner.cli.output.pager import paged
from runner.cli.output.terminal import folded, one_line, safe, short
from runner.cli.prompts import input_options
from runner.cli.prompts.guard_options import ceremony, guard, with_ceremony
from runner.cli.target_options import aimed
from runner.compiler.blast_radius import blast_radius
from runner.compiler.command_preview import lines
from runner.compiler.committed_playbook import reviewed
from runner.compiler.compiler import variables
from runner.compiler.segments import after, before
from runner.core.duration import show
from runner.core.redaction import Redaction
from runner.core.step_tags import undo_id
from runner.executor.ansible.invocations import resolve
from runner.executor.job import NOTHING, Cancellation, Job, Part
from runner.executor.target import Target, check_hosts
from runner.model.contacts import Contact
from runner.model.runbook import Declared, Reason, Runbook, Unresolved
from runner.model.step import HandOver, Step
from runner.orchestrator.continuation import handover
from runner.orchestrator.request import Request
from runner.orchestrator.start.admission import case_for
from runner.orchestrator.start.guards import environment, rules
from runner.store.locks.holder import blocked
from runner.store.locks.host_locks import Locks
from runner.store.log import audit_log
from runner.store.owed_undos import Debts

_Known = Mapping[str, Mapping[str, tuple[str, ...]]]
"""What each step, and its undo, would do on each host: the statement, and each thing around it."""


@click.command("plan")
@aimed
@ceremony
@click.option("--json", "as_json", is_flag=True, help="The plan as JSON.")
def command(runbook: str, *, inventories: tuple[Path, ...], given: tuple[str, ...], **options: Any) -> None:
    """Show what `runbook run` would do with the same arguments, and what would refuse it now. No host is contacted."""
    library = context.library(runbook)
    source = library.usable(runbook)
    paths = context.inventories(inventories, library)
    request = Request(
        run_id=context.new_run_id(),
        source=source,
        playbook=reviewed(library, source),
        contacts=library.contacts(source),
        inventories=paths,
        limit=options["limit"],
        inputs=input_options.read(source, given, ask=options["ask"], planned=True),
        library=library,
    )
    request = with_ceremony(request, options)
    handover.check(request)
    plan, known = _plan(request)
    if options["as_json"]:
        click.echo(json.dumps(plan, indent=2, default=str))
    else:
        with paged():
            _show(plan, known)


def _plan(request: Request) -> tuple[dict[str, Any], _Known]:
    runbook, redaction = request.source.runbook, Redaction()
    inventory = resolve(_job(request, redaction), Part(NOTHING.tags, render=list(_rendered(runbook))))
    target = Target.from_message(inventory)
    target.check(runbook)
    check_hosts(runbook, request.inputs, inventory.get("names") or ())
    known = {
        step: {host: tuple(map(redaction.text, lines(command))) for host, command in hosts.items()}
        for step, hosts in (inventory.get("commands") or {}).items()
    }
    radius = blast_radius(runbook, target, total=inventory.get("inventory_hosts"))
    path = context.state_path() / "debts"
    plan = {
        "runbook": runbook.id,
        "title": runbook.title,
        "environment": target.environment,
        "hosts": list(target.names),
        "inputs": dict(request.inputs),
        "limits": _limits(runbook),
        "calls": _calls(runbook, request.contacts),
        "prerequisites": [_step(runbook, step, target, known) for step in runbook.prerequisites],
        "steps": [_step(runbook, step, target, known) for step in runbook.steps],
        "debts": [f"{debt.host}: {debt.step} of {debt.runbook} is not undone" for debt in Debts(path).of(target.names)],
        "guards": _guards(request, target),
        "held": _held(runbook, target),
        "last_safe_stop": radius.last_safe,
        "radius": str(radius),
    }
    return plan, known


def _job(request: Request, redaction: Redaction) -> Job:
    runbook = request.source.runbook
    return Job(
        run_id=request.run_id,
        name=f"{runbook.id}.yml",
        playbook=request.playbook,
        inventories=request.inventories,
        limit=request.limit,
        inputs=variables(runbook, request.inputs),
        hosts="all",
        becomes=False,
        environ=os.environ,
        cancellation=Cancellation(),
        learn=redaction.learn,
        names=runbook.asks_for_hosts,
    )


def _rendered(runbook: Runbook) -> Iterator[str]:
    for step in runbook.procedure:
        yield step.id
        if step.undo:
            yield undo_id(step.id)


def _guards(request: Request, target: Target) -> list[dict[str, str]]:
    """What each guard would rule now, as a preflight says it."""
    now, log = context.clock().wall, context.state_path() / "audit" / audit_log.NAME
    case = case_for(request, target, context.actor(), now=now, log=log)
    return [asdict(ruling) for ruling in (*rules(case), *environment(case))]


def _held(runbook: Runbook, target: Target) -> list[str]:
    """Who holds now what the run would have to itself."""
    wanted = {*target.locks, *(f"lock:{name}" for name in runbook.locks)}
    found = Locks(context.state_path() / "locks", clock=context.clock).held()
    now = context.clock()
    return [each.sentence(now) for each in blocked((name, holder) for name, holder in found if name in wanted)]


def _step(runbook: Runbook, step: Step, target: Target, known: _Known) -> dict[str, Any]:
    gates = [f"{gate.kind}: {' '.join(gate.text.split())}" for gate in (*before(step), *after(step))]
    fails = f"hand over to {step.on_failure.run}" if isinstance(step.on_failure, HandOver) else step.on_failure
    return {
        "id": step.id,
        "name": step.name,
        "effect": str(step.effect),
        "hosts": list(target.of(runbook, step)),
        "commands": _texts(known, step.id),
        "asks": gates,
        "timeout": show(step.timeout) if step.action and not step.manual else None,
        "verifies": [each.says for each in step.verify],
        "on_failure": fails,
        "undo": step.undo.action.describe() if step.undo else None,
        "undo_commands": _texts(known, undo_id(step.id)),
        "point_of_no_return": step.point_of_no_return,
    }


def _texts(known: _Known, step: str) -> dict[str, str]:
    return {host: "\n".join(found) for host, found in known.get(step, {}).items()}


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


def _show(plan: Mapping[str, Any], known: _Known) -> None:
    click.secho(f"{plan['runbook']} {safe(plan['title'])}", bold=True)
    for name, value in plan["inputs"].items():
        click.echo(f"  input   {name} = {short(str(value))}")
    for name, value in plan["limits"].items():
        click.echo(f"  {name:7} {safe(value)}")
    for step in plan["prerequisites"]:
        _show_step("  -", step, known)
    for number, step in enumerate(plan["steps"], 1):
        _show_step(f"  {number:2}", step, known)
        if number == plan["last_safe_stop"]:
            click.echo("     last safe stop: what follows cannot be undone")
    for debt in plan["debts"]:
        click.echo(f"owed undo: {safe(debt)}", err=True)
    click.echo(f"calls {safe('; '.join(plan['calls']['who']))}, when: {safe('; '.join(plan['calls']['when']))}")
    click.echo(plan["radius"])
    _show_obstacles(plan)


def _show_obstacles(plan: Mapping[str, Any]) -> None:
    """What would keep the run from its first step now."""
    for ruling in plan["guards"]:
        if ruling["verdict"] != "met":
            click.secho(f"{ruling['verdict']:8} {guard(ruling)}", fg="yellow")
            click.echo(f"         {safe(ruling['hint'])}")
    for sentence in plan["held"]:
        click.secho(f"locked   {safe(sentence)}", fg="yellow")


def _show_step(number: str, step: Mapping[str, Any], known: _Known) -> None:
    click.echo(f"{number} {safe(step['name'])}  [{step['effect']}]  on {folded(step['hosts'])}")
    _show_action("does", known.get(step["id"], {}))
    if step["timeout"]:
        _show_line("ends", f"after {step['timeout']} at most")
    for check in step["verifies"]:
        _show_line("checks", check)
    for question in step["asks"]:
        _show_line("asks", question)
    if step["undo"]:
        _show_action("undo", known.get(undo_id(step["id"]), {}) or {"": (step["undo"],)})


def _show_action(label: str, on_hosts: Mapping[str, tuple[str, ...]]) -> None:
    """Each different thing that is done, and where, if it is not the same everywhere."""
    different = list(dict.fromkeys(on_hosts.values()))
    for statement, *around in different:
        same = [host for host, action in on_hosts.items() if action == (statement, *around)]
        _show_line(label, f"{folded(same)}: " * (len(different) > 1) + one_line(statement))
        for line in around:
            _show_line("", one_line(line))


def _show_line(label: str, text: str) -> None:
    click.echo(f"       {label:6} {short(text, 160)}")
