"""`runbook status`: The runs that are going on and the latest others, or one of them step by step."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import timedelta

import click

from runner import duration
from runner.cli import context
from runner.cli.named_run import find_run
from runner.cli.table import draw
from runner.cli.terminal import safe
from runner.record.audit_log import read
from runner.record.debts import Debts
from runner.record.run_state import RunDirectory, StateDirectory
from runner.record.status import RunStatus, StepStatus, status, usual

_LATEST = 10
_SLOW = 2.0
"""Times as long as usual, from which on it is said."""


@click.command("status")
@click.argument("run_id", metavar="[RUN]", required=False)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def command(run_id: str | None, *, as_json: bool) -> None:
    """Show the runs and what each is doing, or RUN (its id, or `last`) step by step and host by host."""
    state = context.recorded()
    runs = list(state.runs())
    if run_id:
        _show(state, find_run(state, run_id), as_json=as_json)
        return
    rows = [_row(state, run) for run in runs if run.live or run in runs[-_LATEST:]]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    else:
        draw(rows, empty="no runs yet")
        for debt in Debts(state.path / "debts").everything():
            owed = f"{debt.step} of {debt.runbook} is not undone, since {debt.since}; runbook undo {debt.run}"
            click.echo(f"debt: {safe(debt.host)}: {safe(owed)}", err=True)


def _now(run: RunDirectory, state: StateDirectory) -> RunStatus:
    records = read(context.audit_log(state), run=run.path.name)
    known = usual(read(context.audit_log(state)), run.state.runbook)
    return status(records, usually=known, now=context.clock() if run.live else None)


def _row(state: StateDirectory, run: RunDirectory) -> dict[str, str]:
    kept = run.state
    row = {"run": kept.run, "runbook": kept.runbook, "status": kept.status, "outcome": kept.outcome or "-"}
    row |= {"environment": kept.environment, "user": kept.user, "now": ""}
    if run.live:
        told = _now(run, state)
        row["now"] = f"waits for {told.waiting}" if told.waiting else "; ".join(map(_going, _running(told)))
    return row


def _running(told: RunStatus) -> list[StepStatus]:
    return [step for step in told.steps if "running" in step.hosts.values()]


def _show(state: StateDirectory, run: RunDirectory, *, as_json: bool) -> None:
    told, kept = _now(run, state), run.state
    if as_json:
        shown = {"run": kept.run, "runbook": kept.runbook, "status": kept.status, "outcome": kept.outcome}
        click.echo(json.dumps({**shown, **asdict(told)}, indent=2))
        return
    click.secho(f"{kept.runbook} {safe(kept.title)}  {kept.run}  {kept.outcome or kept.status}", bold=True)
    for number, step in enumerate(told.steps, 1):
        hosts = "  ".join(f"{safe(host)} {outcome}" for host, outcome in step.hosts.items()) or "not begun"
        click.echo(f"  {number:2} {safe(step.name)}: {hosts}{_time(step)}")
    if told.waiting:
        click.echo(f"  waits for {safe(told.waiting)}")
    click.echo(f"  {_budget(told)}")


def _going(step: StepStatus) -> str:
    return f"{safe(step.name)}{_time(step)}"


def _time(step: StepStatus) -> str:
    if step.seconds is None:
        return ""
    usually = f"usually {_shown(step.usually)}, " if step.usually is not None else ""
    slow = step.usually is not None and step.seconds > _SLOW * max(step.usually, 1.0)
    now = "now " if "running" in step.hosts.values() else ""
    return f"  ({usually}{now}{_shown(step.seconds)}{', slow' * slow})"


def _budget(told: RunStatus) -> str:
    return f"{_shown(told.used)} used" if told.budget is None else f"{_shown(told.used)} of {_shown(told.budget)} used"


def _shown(seconds: float) -> str:
    return f"{seconds:.1f}s" if seconds < 10 else duration.show(timedelta(seconds=round(seconds)))  # noqa: PLR2004
