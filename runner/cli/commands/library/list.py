"""`runbook list`: List the runbooks of the library, or the runs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import click

from runner.cli import context
from runner.cli.output.table import draw
from runner.cli.output.terminal import counted
from runner.library.snapshot import read
from runner.model.runbook import Category
from runner.services.run_list import as_data, listed_runs


@click.command("list")
@click.option("--runs", is_flag=True, help="List the runs instead, newest last.")
@click.option("--categories", is_flag=True, help="List the categories: what each is for, and its runbooks.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def command(*, runs: bool, categories: bool, as_json: bool) -> None:
    """List the runbooks, or with --runs the runs."""
    if runs and categories:
        raise click.UsageError("--runs and --categories cannot be combined")
    rows: Sequence[Mapping[str, object]] = _runs() if runs else _categories() if categories else _runbooks()
    if as_json:
        click.echo(json.dumps(rows, indent=2, default=str))
    else:
        draw(rows, empty="no runs yet" if runs else "no runbooks here", optional=("parent", "children", "undelivered"))


def _runbooks() -> list[dict[str, object]]:
    library = context.library()
    collection = read(library, context.cache())
    rows: list[dict[str, object]] = []
    for name in library.ids():
        runbook = collection.runbooks.get(name)
        if runbook is None:
            findings = counted(collection.faults_of(name), "finding")
            rows.append({"id": name, "title": f"does not load: {findings}, see runbook lint {name}"})
            continue
        trigger = runbook.trigger.alert or runbook.trigger.event or ""
        row = {
            "id": runbook.id,
            "title": f"{runbook.title} (deprecated)" if runbook.deprecated else runbook.title,
            "category": str(runbook.category),
            "severity": runbook.severity,
        }
        rows.append(row | {"trigger": trigger, "owner": runbook.owner, "steps": runbook.steps})
    return rows


def _categories() -> list[dict[str, object]]:
    used = read(context.library(), context.cache()).used
    return [
        {
            "category": str(each),
            "purpose": each.purpose,
            "trigger": each.trigger,
            "runbooks": [name for name, runbook in used.items() if runbook.category is each],
        }
        for each in Category
    ]


def _runs() -> list[Mapping[str, object]]:
    if not context.state_path().is_dir():
        return []
    with listed_runs(context.state(), context.clock()) as runs:
        return [as_data(run) for run in runs.all()]
