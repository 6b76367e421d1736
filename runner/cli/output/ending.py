"""The last lines of a run: what happened, how the hosts stand, who was called, what to type next, where the rest is."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import click

from runner.cli import context
from runner.cli.output.terminal import commented, fitting, safe, short
from runner.core.errors import AuditError, ExitCode, RunbookError
from runner.core.wording import addressee, listed
from runner.store.next_command import acknowledging

if TYPE_CHECKING:
    from runner.orchestrator.request import Call, Child, Result
    from runner.store.next_command import NextCommand


_TITLE = 8
"""Columns of a title, with the space behind it."""


def show(result: Result, *, as_json: bool) -> None:
    """The result on standard output; where that leads to nowhere, the run has ended as it has all the same."""
    lost = ""
    try:
        if as_json:
            click.echo(json.dumps(_as_data(result)))
        else:
            _show(result)
    except OSError as error:
        lost = f"standard output cannot be written to: {error.strerror}"
    with contextlib.suppress(OSError):
        if lost:
            click.echo(f"error: {lost}; runbook show {result.run_id} shows how the run ended", err=True)
        if lost or not as_json or result.exit_code is ExitCode.AUDIT:
            _complain(result)


def _as_data(result: Result) -> dict[str, object]:
    follows = result.follows
    return {
        "type": "result",
        "run": result.run_id,
        "outcome": result.outcome,
        "exit_code": int(result.exit_code),
        "happened": result.happened,
        "hosts": {standing: list(hosts) for standing, hosts in result.hosts.items()},
        "children": [_child(child) for child in result.children],
        "calls": [
            {name: getattr(call, name) for name in ("contact", "channel", "action", "arrived", "reason")}
            for call in result.calls
        ],
        "next": [context.typed(way.words) for way in _ways_on(result)],
        "acknowledged": result.acknowledged,
        "follows": {"contacts": list(follows.contacts), "at": follows.at.isoformat()} if follows else None,
        "remarks": list(result.remarks),
        "report": str(result.report),
        "audit": str(result.audit),
        "problems": result.problems,
        "hint": result.hint,
    }


def _child(child: Child) -> dict[str, object]:
    result = child.result
    run = {"run": result.run_id, "runbook": child.runbook, "hosts": list(child.hosts), "outcome": result.outcome}
    return {**run, "exit_code": int(result.exit_code), "report": str(result.report)}


def _show(result: Result) -> None:
    colour = "green" if result.exit_code is ExitCode.DONE else "red"
    click.secho(f"{result.outcome}  run {result.run_id}", fg=colour, bold=True)
    for child in result.children:
        where = safe(listed(list(child.hosts)))
        did = "did a step on" if child.called else "took over for"
        click.echo(f"  {child.runbook} {did} {where}: {child.result.outcome}  run {child.result.run_id}")
    if result.ways_on:
        for line in _aftermath(result):
            click.echo(line)
    for line in (*_tickets(result.calls), *_under("also", list(map(safe, result.remarks)))):
        click.echo(line)
    click.echo(f"report  {safe(str(result.report))}")
    click.echo(f"audit   {safe(str(result.audit))}")


def _aftermath(result: Result) -> Iterator[str]:
    what, next_ = end_lines(result.happened, result.hosts, _ways_on(result))
    yield from what
    yield from called(result.calls)
    yield from _under("taken", [f"by {safe(result.acknowledged)}"] if result.acknowledged else [])
    yield from _beside("then", list(_then(result)))
    yield from next_


def _then(result: Result) -> Iterator[str]:
    """Who is called next while nobody acknowledges, and who does that once this command has ended."""
    if result.follows is None:
        return
    from runner.services.watching import is_watched  # noqa: PLC0415 - it imports all that a run needs
    from runner.store.state_directory import StateDirectory  # noqa: PLC0415 - as the one before

    names, at = result.follows.contacts, result.follows.at
    are = "are" if len(names) > 1 else "is"
    yield safe(f"{listed(names)} {are} called at {at:%H:%M:%S} UTC, unless somebody has acknowledged")
    with contextlib.suppress(RunbookError, OSError):
        if not is_watched(StateDirectory.open(result.audit.parent.parent), context.clock()):
            again = f"{context.typed(['notify', 'flush'])} calls them, typed at that time or later"
            yield safe(f"no watch is running, and only the next command calls: {again}")


def _ways_on(result: Result) -> Sequence[NextCommand]:
    """What to type next: first how to take the incident, where this run, not just one that took over, has called."""
    of_others = [call for child in result.children for call in child.result.calls]
    has_called = any(call.calls and call not in of_others for call in result.calls) and not result.acknowledged
    has_called |= result.follows is not None
    has_called &= result.exit_code is not ExitCode.AUDIT  # of which nothing can be recorded
    return [*([acknowledging(result.run_id)] if has_called else []), *result.ways_on]


def called(calls: Sequence[Call], *, why_nobody: str = "") -> Iterator[str]:
    """Who was called, and whether the page arrived, a line each; or that nobody was, and why."""
    nobody = ": ".join(filter(None, ["nobody", why_nobody]))
    people = [call for call in calls if call.action != "ticket"]
    yield from _under("called", [safe(line) for line in call_lines(people)] or [nobody])


def _tickets(calls: Sequence[Call]) -> Iterator[str]:
    """The tickets that were asked for: the key and the address of each that is open."""
    asked = [call for call in calls if call.action == "ticket"]
    yield from _under("tickets", [safe(line) for line in call_lines(asked)])


def called_for_refusal(calls: Sequence[Call], error: RunbookError, *, unattended: bool) -> Iterator[str]:
    """The same of what was refused before it had begun; of a mistake, which a person mends at once, nothing.

    Where nothing can be recorded, the incident goes on, whoever reads that.
    """
    if calls or unattended or isinstance(error, AuditError):
        why = "" if unattended else "you read this, and `escalation.when` has no `refused`"
        yield from called(calls, why_nobody=why)


def call_lines(calls: Sequence[Call], *, reasons: bool = False) -> Iterator[str]:
    """What became of each of `calls`, with the `reasons` where it did not arrive, or without.

    Nobody is to call somebody who has the page by another channel.
    """
    reached = {call.contact for call in calls if call.arrived}
    for call in calls:
        opened = call.reason if call.action == "ticket" and call.arrived else ""
        what = opened or became(call.action, arrived=call.arrived, otherwise=call.contact in reached)
        why = f": {call.reason}" if reasons and not call.arrived else ""
        lost = f"; {call.lost}" if call.lost else ""
        yield f"{addressee(call.contact, call.channel)}: {what}{why}{lost}"


def end_lines(
    happened: str, standing: Mapping[str, Sequence[str]], ways_on: Sequence[NextCommand]
) -> tuple[list[str], list[str]]:
    """What happened and how the hosts stand, and what to type next."""
    hosts = [f"{how}: {safe(listed(names))}" for how, names in standing.items()]
    hosts = list(_under("hosts", hosts or ["none was touched"]))
    commands = {safe(context.typed(way.words)): safe(way.does) for way in ways_on}
    return [fitting(f"what    {short(happened)}", _TITLE), *hosts], [*_beside("next", commented(commands, _TITLE))]


def became(action: str, *, arrived: bool, otherwise: bool = False) -> str:
    """What became of a page that asks for `action`, and what a person does where it did not arrive.

    `otherwise` says that its contact has it by another channel.
    """
    if arrived:
        return "it arrived"
    if otherwise and action != "ticket":
        return "not reached by this channel"
    return "NOT OPENED, open it yourself" if action == "ticket" else "NOT REACHED, call them yourself"


def _under(title: str, lines: list[str]) -> Iterator[str]:
    """The `lines` beside their title; on a terminal each is broken between its words."""
    for line in _beside(title, lines):
        yield fitting(line, _TITLE)


def _beside(title: str, lines: list[str]) -> Iterator[str]:
    for number, line in enumerate(lines):
        yield f"{title if number == 0 else '':7} {line}"


def _complain(result: Result) -> None:
    for problem in result.problems:
        if not (result.ways_on and problem == result.happened and sys.stdout.isatty()):  # it is there already
            for line in f"error: {safe(problem, lines=True)}".split("\n"):
                click.echo(fitting(line, len("error: ")), err=True)
    if result.hint:
        context.hint(result.hint)
