"""`runbook status`: Show the runs in progress and the latest others, or one run step by step."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from runner.cli import context
from runner.cli.output.ending import became, end_lines
from runner.cli.output.table import draw
from runner.cli.output.terminal import safe
from runner.core import duration
from runner.core.errors import RunbookError
from runner.core.events import Outcome
from runner.core.wording import addressee, listed
from runner.services.run_list import ListedRuns, as_data, find_run, listed_runs, open_beyond, owed_undos

if TYPE_CHECKING:
    from runner.render.history.recorded_runs import RunSummary
    from runner.render.history.run_history import RunHistory
    from runner.render.run_status import RunStatus, StepStatus
    from runner.store.run_state import RunDirectory
    from runner.store.state_directory import StateDirectory

_LATEST = 10
_REAL = "run"
_SLOW = 2.0
"""Times as long as usual, from which on it is said."""


@click.command("status")
@click.argument("run_id", metavar="[RUN]", required=False)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def command(run_id: str | None, *, as_json: bool) -> None:
    """Show the runs and what each is doing, or RUN (its id, or `last`) step by step and host by host."""
    state = context.recorded()
    with context.recovered(state):
        _show_runs(state, run_id, as_json=as_json)


def _show_runs(state: StateDirectory, run_id: str | None, *, as_json: bool) -> None:
    with listed_runs(state, context.clock()) as runs:
        if run_id:
            _show(state, find_run(state, run_id), runs, as_json=as_json)
            _show_watch(state)
            return
        rows = [_row(run, runs) for run in runs.latest(_LATEST)]
    draw(rows, empty="no runs yet", optional=("parent", "children", "now", "undelivered"), as_json=as_json)
    if as_json:
        return
    for undo in owed_undos(state):
        owed = f"{undo.step} of {undo.runbook} is not undone, since {undo.since}; {undo.paid_by}"
        click.echo(f"owed undo: {safe(undo.host)}: {safe(owed)}", err=True)
    _show_watch(state)


def _show_watch(state: StateDirectory) -> None:
    """Whether somebody would hear of it soon if a critical run that is going on died."""
    if state.leases.all():
        from runner.services.watching import watch_in_words  # noqa: PLC0415 - it imports all that a run needs

        click.echo(f"watch: {safe(watch_in_words(state, context.clock()))}", err=True)


def _row(run: RunSummary, runs: ListedRuns) -> dict[str, str]:
    row = {key: str(value) for key, value in as_data(run).items() if key not in {"started", "undelivered"}}
    row |= {"outcome": run.outcome or "-", "children": ", ".join(run.children), "now": ""}
    if run.live and (now := runs.status(run)):
        going = (f"{safe(step.name)}{_time(step)}" for step in now.steps if "running" in step.hosts.values())
        row["now"] = f"waits for {now.waiting}" if now.waiting else "; ".join(going)
    return row | {"undelivered": ", ".join(run.undelivered)}


def _show(state: StateDirectory, run: RunDirectory, runs: ListedRuns, *, as_json: bool) -> None:
    row = runs.one(run.path.name)
    history, status = runs.history(row), runs.status(row)
    follows = _follows(history, run)
    if as_json:
        found = asdict(status) | {"follows": follows} if status else {}
        click.echo(json.dumps({**as_data(row), **found}, indent=2, default=_plain))
        return
    title = safe(history.title) if history else ""
    kind = f"{row.kind}  " if row.kind != _REAL else ""
    click.secho(f"{row.runbook} {title}  {row.run}  {kind}{row.outcome or row.status}", bold=True)
    if row.parent:
        click.echo(f"  took over from the run {row.parent}")
    for child in row.children:
        click.echo(f"  handed over to the run {child}")
    if status is None:
        click.echo("  it died before anything was recorded")
        return
    if status.attempt != "start":
        click.echo(f"  attempt: {status.attempt}")
    for number, step in enumerate(status.steps, 1):
        hosts = "  ".join(f"{safe(host)} {outcome}" for host, outcome in step.hosts.items()) or "not begun"
        click.echo(f"  {number:2} {safe(step.name)}: {hosts}{_time(step)}")
    if status.waiting:
        click.echo(f"  waits for {safe(status.waiting)}")
    click.echo("".join(f"  {line}\n" for line in _calls(status, row, follows)), nl=False)
    for warning in (*_warnings(status, row.run), *map(safe, open_beyond(state, history) if history else ())):
        click.secho(f"  {warning}", fg="red")
    click.echo(f"  {_budget(status)}")
    for line in _ending(history):
        click.echo(f"  {line}")


def _plain(value: object) -> str:
    """A value that JSON has no form for: a time as ISO 8601 has it."""
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _follows(run: RunHistory | None, directory: RunDirectory) -> dict[str, object] | None:
    """Who is called next while nobody acknowledges, and when; None where nobody is."""
    if run is None or run.acknowledged or not run.called:
        return None
    from runner.services.incident_response import level_that_follows  # noqa: PLC0415 - it imports all that a run needs

    with contextlib.suppress(RunbookError, OSError):
        if follows := level_that_follows(run, directory.state, context.clock().wall):
            return {"contacts": list(follows.contacts), "at": follows.at}
    return None


def _calls(status: RunStatus, row: RunSummary, follows: dict[str, Any] | None) -> Iterator[str]:
    """Who was called when, and while nobody has the incident, how to take it and who is called next."""
    yield from (f"not called: {safe(each)}" for each in status.not_called)
    for call in status.calls:
        lost = f"{'given up' if call.status == 'dropped' else 'NOT REACHED'}: {call.reason}"
        arrived = "it arrived" if call.arrived else lost
        yield safe(f"called {addressee(call.contact, call.channel)} at {call.at:%H:%M:%S} UTC: {arrived}")
    for ticket in status.tickets:
        opened = ticket.reason if ticket.arrived else became("ticket", arrived=False) + f": {ticket.reason}"
        yield safe(f"ticket {addressee(ticket.contact, ticket.channel)}: {opened}")
    if status.ended_by:
        yield f"the incident is over: the run {status.ended_by} has passed"
        return
    if not status.calls or status.acknowledged or status.outcome in {Outcome.PASSED, Outcome.HANDED_OVER}:
        return
    after = (
        f"{listed(follows['contacts'])} is called at {follows['at']:%H:%M:%S} UTC"
        if follows
        else "nobody else is called"
    )
    yield safe(f"nobody has acknowledged: {context.typed(['ack', row.run])} takes it; {after}")


def _warnings(status: RunStatus, run: str) -> Iterator[str]:
    """Who has the incident, who was not reached, and what whoever was called does not learn."""
    if status.acknowledged:
        yield f"acknowledged by {safe(status.acknowledged)}"
    if status.asks_again:
        yield f"NOT ACKNOWLEDGED: nobody has said that they have the latest attempt; {context.typed(['ack', run])}"
    if status.undelivered:
        waiting = ", ".join(each.notification for each in status.undelivered_pages if each.notification)
        by_hand = f"; {context.typed(['notify', 'flush'])} sends {waiting} now" if waiting else ""
        yield safe(f"NOT REACHED: {', '.join(status.undelivered)}; {context.typed(['show', run])} says why{by_hand}")
    if status.missing:
        yield f"the hand-off is INCOMPLETE, this run does not know: {safe(', '.join(status.missing))}"


def _ending(run: RunHistory | None) -> list[str]:
    """How the run ended and what to type next, as it was status when it ended."""
    if run is None or not run.ways_on:
        return []
    what, commands = end_lines(run.happened, run.standing, run.ways_on)
    return [*what, *commands]


def _time(step: StepStatus) -> str:
    """How long the step takes or took, and how long it usually takes: `0.9 s, usually 0.8 s`."""
    if step.seconds is None:
        return ""
    so_far = " so far" if "running" in step.hosts.values() else ""
    usually = f", usually {_shown(step.usually)}" if step.usually is not None else ""
    slow = "; slow" if step.usually is not None and step.seconds > _SLOW * max(step.usually, 1.0) else ""
    return f"  ({_shown(step.seconds)}{so_far}{usually}{slow})"


def _budget(status: RunStatus) -> str:
    budget = "" if status.budget is None else f" of {_shown(status.budget)}"
    return f"{_shown(status.used)}{budget} used"


def _shown(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 10 else duration.whole(seconds)  # noqa: PLR2004
