"""`runbook readiness`: Show which runbooks are proven, due for a test, or red."""

from __future__ import annotations

import json

import click

from runner.cli import context
from runner.cli.output.table import draw
from runner.core.errors import ExitCode
from runner.services.library.library_overview import used_runbooks
from runner.services.library.tested_runbooks import RunbookState, TestedRunbook, runbook_states
from runner.services.run_list import proven_runs, recorded_drills


@click.command("readiness")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def command(*, as_json: bool) -> None:
    """Show for each runbook whether a drill, or a run in staging, has proven it as it is now; exit 1 if one is red.

    A runbook for P0 or P1 is due for a test each quarter, any other each year.
    """
    now = context.clock()
    proofs, drills = proven_runs(context.state_path(), now), recorded_drills(context.state_path(), now)
    found = runbook_states(used_runbooks(context.library()), proofs, drills, now=now.wall)
    rows = [_row(each) for each in sorted(found, key=lambda each: (list(RunbookState).index(each.state), each.id))]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    else:
        draw(rows, empty="no runbooks here")
    if any(each.state is RunbookState.RED for each in found):
        raise click.exceptions.Exit(ExitCode.FAILED)


def _row(each: TestedRunbook) -> dict[str, str]:
    return {
        "state": str(each.state),
        "id": each.id,
        "title": each.title,
        "severity": each.severity,
        "last tested": str(each.last or "never"),
        "next due": f"{each.due:%Y-%m-%d}" if each.due else "now",
        "why": each.why,
    }
