"""`runbook readiness`: Show which runbooks are proven, due for a test, or red."""

import click

from runner.cli import context
from runner.cli.output.table import draw, print_json
from runner.cli.output.terminal import safe
from runner.core.errors import ExitCode
from runner.core.events import Instant
from runner.core.wording import counted
from runner.library.snapshot import read
from runner.services.library.tested_runbooks import RunbookState, TestedRunbook, runbook_states
from runner.services.people_readiness import people_readiness, untrained_nights
from runner.services.run_list import proven_runs, recorded_drills


@click.command("readiness")
@click.option("--people", is_flag=True, help="Show who has done which runbook in a training, of those who agree to it.")
@click.option("--erase", metavar="CONTACT", help="Forget what this contact has done in trainings.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def command(*, people: bool, erase: str | None, as_json: bool) -> None:
    """Show for each runbook whether a drill, or a run in staging, has proven it as it is now; exit 1 if one is red.

    A runbook for P0 or P1 is due for a test each quarter, any other each year, and so is whoever does it in a training.
    """
    now = context.clock()
    if erase:
        forgotten = context.recorded().training_records.erase(erase)
        click.echo(f"forgot   {counted(forgotten, 'training')} of {safe(erase)}")
        return
    if people:
        _show_people(now, as_json=as_json)
        return
    proofs, drills = proven_runs(context.state_path(), now), recorded_drills(context.state_path(), now)
    found = runbook_states(read(context.library()).used.values(), proofs, drills, now=now.wall)
    rows = [_row(each) for each in sorted(found, key=lambda each: (list(RunbookState).index(each.state), each.id))]
    draw(rows, empty="no runbooks here", as_json=as_json)
    if any(each.state is RunbookState.RED for each in found):
        raise click.exceptions.Exit(ExitCode.FAILED)


def _show_people(now: Instant, *, as_json: bool) -> None:
    """Who has done what, and which runbooks nobody who is on call tonight has ever done."""
    snapshot = read(context.library())
    contacts, used = snapshot.people(), snapshot.used.values()
    records = context.recorded_if_any().training_records.all()
    found = people_readiness(contacts, used, records)
    rows = [each.as_row(now.wall) for each in found]
    nights = list(untrained_nights(contacts, used, records, now.wall))
    if as_json:
        print_json({"people": rows, "tonight": nights})
        return
    draw(rows, empty="no contact has drill_record: true")
    for sentence in nights:
        click.echo(f"tonight  {safe(sentence)}", err=True)


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
