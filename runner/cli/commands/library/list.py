"""`runbook list`: List the runbooks of the library, or the runs."""

from collections.abc import Mapping, Sequence

import click

from runner.cli import context
from runner.cli.output.table import draw, rows_of
from runner.core.wording import counted
from runner.services.library.library_overview import ListedRunbook, list_categories, list_runbooks
from runner.services.library.tested_runbooks import TestedRunbook, runbook_states
from runner.services.run_list import as_data, listed_runs, proven_runs


@click.command("list")
@click.option("--runs", is_flag=True, help="List the runs instead, newest last.")
@click.option("--categories", is_flag=True, help="List the categories: what each is for, and its runbooks.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def command(*, runs: bool, categories: bool, as_json: bool) -> None:
    """List the runbooks, or with --runs the runs."""
    if runs and categories:
        raise click.UsageError("--runs and --categories cannot be combined")
    rows: Sequence[Mapping[str, object]] = (
        _runs() if runs else rows_of(list_categories(context.library())) if categories else _runbooks()
    )
    empty, optional = "no runs yet" if runs else "no runbooks here", ("parent", "children", "undelivered")
    draw(rows, empty=empty, optional=optional, as_json=as_json)


def _runbooks() -> list[dict[str, object]]:
    listed, now = list_runbooks(context.library()), context.clock()
    used = [each.summary for each in listed if each.summary and not each.summary.deprecated]
    states = runbook_states(used, proven_runs(context.state_path(), now), (), now=now.wall)
    tested = {each.id: each for each in states}
    return [_row(each, tested.get(each.id)) for each in listed]


def _row(listed: ListedRunbook, tested: TestedRunbook | None) -> dict[str, object]:
    runbook = listed.summary
    if runbook is None:
        findings = counted(listed.faults, "finding")
        return {"id": listed.id, "title": f"does not load: {findings}, see runbook lint {listed.id}"}
    return {
        "id": runbook.id,
        "title": f"{runbook.title} (deprecated)" if runbook.deprecated else runbook.title,
        "category": str(runbook.category),
        "severity": runbook.severity,
        "trigger": runbook.alert or runbook.event or "",
        "owner": runbook.owner,
        "steps": runbook.steps,
        "last tested": str((tested and tested.last) or "never"),
        "next due": f"{tested.due:%Y-%m-%d}" if tested and tested.due else "now",
    }


def _runs() -> list[Mapping[str, object]]:
    if not context.state_path().exists():
        return []
    with listed_runs(context.recorded(), context.clock()) as runs:
        return [as_data(run) for run in runs.all()]
