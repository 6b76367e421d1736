"""The commands of `runbook schedule` that no timer calls: what comes, what became of it, and what people say to it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import click

from runner.cli import context
from runner.cli.output import schedule_tables
from runner.cli.output.table import print_json
from runner.cli.output.terminal import safe
from runner.cli.system import owner_of, program_words
from runner.services.schedules import changes, coming_instants, overview
from runner.worker.systemd_unit import schedule_units

_MANY = 10
_json = click.option("--json", "as_json", is_flag=True, help="As JSON.")
_name = click.argument("name", metavar="ID")
commands = click.Group("schedule")


def show_next_and_past() -> None:
    """Show the next ten, and what went wrong in the last 30 days."""
    library, state, now = context.library(), context.recorded_if_any(), context.clock().wall
    schedule_tables.draw_upcoming(
        islice(coming_instants.upcoming(library, state, now, now + coming_instants.AHEAD), _MANY)
    )
    if state.path.is_dir():
        schedule_tables.draw_past(overview.past(state, now - timedelta(days=30), bad=True), empty="nothing went wrong")
    schedule_tables.warn(overview.silence(state, now))


@commands.command("list", short_help="Show every schedule, and what keeps it from being begun.")
@_json
def list_schedules(*, as_json: bool) -> None:
    """Show every schedule of the library: when it is due, where, and what keeps it from being begun."""
    library, state, now = context.library(), context.recorded_if_any(), context.clock().wall
    found = overview.all_schedules(library, state, now)
    if as_json:
        print_json([schedule_tables.as_data(entry) for entry in found])
    else:
        schedule_tables.draw_list(found, coming_instants.next_of_each(found, now))
    schedule_tables.warn(overview.silence(state, now))


@commands.command("next", short_help="Show what will be begun, and what a change of the clock does to it.")
@click.option("--days", type=click.IntRange(1, 400), default=14, show_default=True, help="How far to look.")
@click.argument("name", metavar="[ID]", default="")
@_json
def upcoming(*, days: int, name: str, as_json: bool) -> None:
    """Show every instant that will come, of all schedules or of one, in the time of its zone."""
    library, state, now = context.library(), context.recorded_if_any(), context.clock().wall
    found = coming_instants.upcoming(library, state, now, now + timedelta(days=days), only=name or None)
    if as_json:
        print_json([schedule_tables.planned_data(each) for each in found])
    else:
        schedule_tables.draw_upcoming(found)


@commands.command("history", short_help="Show what became of what was planned.")
@click.option("--missed", is_flag=True, help="Only what was missed or refused, and runs that did not pass.")
@click.option("--days", type=click.IntRange(1, 3660), default=30, show_default=True, help="How far to look back.")
@click.argument("name", metavar="[ID]", default="")
@_json
def history(*, missed: bool, days: int, name: str, as_json: bool) -> None:
    """Show what became of each planned instant, newest first: ran, missed, skipped or refused, and why."""
    since = context.clock().wall - timedelta(days=days)
    found = overview.past(context.recorded(), since, schedule=name or None, bad=missed)
    if as_json:
        print_json([schedule_tables.past_data(each) for each in found])
    else:
        schedule_tables.draw_past(found, empty="nothing was planned" if not missed else "nothing went wrong")


@commands.command("explain", short_help="Say what became of one planned instant, and why.")
@_name
@click.argument("instant", metavar="INSTANT")
def explain(name: str, instant: str) -> None:
    """Say what is known of the schedule at INSTANT, like 2026-12-06T01:30Z."""
    now = context.clock().wall
    state = context.recorded_if_any()
    for line in overview.explain(context.library(), state, name, overview.moment(instant), now):
        click.echo(safe(line))


@commands.command("begin", hidden=True)
@_name
@click.argument("instant")
def begin(name: str, instant: str) -> None:
    """Begin the run of an occurrence that was claimed; this is what a tick starts."""
    from runner.cli.planned_beginning import begin_and_exit  # noqa: PLC0415 - it imports all that a run needs

    begin_and_exit(context.library(), context.state(), name, overview.moment(instant))


@commands.command("catch-up", short_help="Begin what was missed, on that very instant.")
@_name
@click.argument("instant", metavar="INSTANT")
def catch_up(name: str, instant: str) -> None:
    """Begin now what was planned for INSTANT and was not done; it is booked on that instant, and never on the next."""
    from runner.cli.planned_beginning import begin_and_exit  # noqa: PLC0415 - it imports all that a run needs

    library, state, moment = context.library(), context.state(), overview.moment(instant)
    changes.catch_up(context.installation(state), library, name, moment)
    begin_and_exit(library, state, name, moment)


def _changing(change: Callable[..., Any], name: str, *words: str) -> Any:
    return change(context.installation(context.state()), context.library(), name, *words)


@commands.command("pause", short_help="Let a schedule not count until it is resumed.")
@_name
@click.option("--because", default="", help="Why; it is recorded, and shown wherever the schedule is.")
def pause(name: str, because: str) -> None:
    """Let no occurrence of the schedule be begun until `runbook schedule resume`."""
    _changing(changes.pause, name, because)
    click.echo(f"{name} is paused", err=True)


@commands.command("resume", short_help="Let a schedule that was paused count again.")
@_name
def resume(name: str) -> None:
    """End the pause of the schedule; what came meanwhile was skipped, and is not caught up."""
    _changing(changes.go_on, name)
    click.echo(f"{name} counts again", err=True)


@commands.command("ask", hidden=True)
@_name
@click.argument("instant")
def ask(name: str, instant: str) -> None:
    """Tell those who may answer what the run at INSTANT will ask; this is what a tick starts."""
    from runner.cli.planned_beginning import ask_in_advance  # noqa: PLC0415 - it imports all that a run needs

    ask_in_advance(context.library(), context.state(), name, overview.moment(instant))


@commands.command("approve", short_help="Approve a schedule that works on production, or what one of its runs asks.")
@_name
@click.argument("instant", metavar="[INSTANT]", default="")
@click.option("--yes", is_flag=True, help="Approve all that the run at INSTANT will ask, as it is shown.")
def approve(name: str, instant: str, *, yes: bool) -> None:
    """Approve the schedule, its runbook and its playbook as they are now; a change of one of them voids it.

    With INSTANT, like 2026-12-06T01:30Z, approve instead what the run at that time will ask (`approval_lead`).
    """
    if instant:
        from runner.cli.planned_beginning import approve_planned  # noqa: PLC0415 - it imports all that a run needs

        approve_planned(context.library(), context.state(), name, overview.moment(instant), yes=yes)
        return
    subject = _changing(changes.approve, name)
    click.echo(f"{name} is approved as it is now: {subject}", err=True)


@commands.command("trust-clock", short_help="Say that the clock is right, after it has jumped.")
def trust_clock() -> None:
    """Say that the time is right now; decisions go on with the next look."""
    changes.trust_clock(context.installation(context.state()))
    now = datetime.now(UTC)
    click.echo(f"the clock is trusted: {now:%Y-%m-%d %H:%M:%S} UTC", err=True)


@commands.command("export", short_help="Write units of systemd, or print a line of a crontab.")
@click.argument("form", type=click.Choice(["systemd", "cron"]))
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False), default=None, required=False)
def export(form: str, directory: Path | None) -> None:
    """Have the schedules looked at: `systemd` makes a unit for the loop, and a timer that ticks, to choose from.

    The units are written to DIRECTORY, like /etc/systemd/system, or printed one after the other.
    """
    state = context.opened_state().path
    words = [*program_words(), "--library", str(context.library().root.resolve()), "--state-dir", str(state)]
    if form == "cron":
        click.echo(schedule_tables.crontab(words), nl=False)
        return
    for name, text in schedule_units(words, owner_of(state), state).items():
        if directory is None:
            click.echo(f"# ---- {name}\n{text}")
        else:
            (directory / name).write_text(text, encoding="utf-8")
            click.echo(f"written  {safe(str(directory / name))}", err=True)
