"""`runbook schedule`: Show what is planned, and do it: each planned instant has an end that can be read."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import click

from runner.cli import context
from runner.cli.output import schedule_tables
from runner.cli.output.terminal import safe
from runner.cli.planned_session import Beginner, clocks
from runner.cli.system import on_signals, owner_of, program_words
from runner.core.errors import ExitCode
from runner.services.schedules import changes, coming_instants, overview
from runner.services.schedules.tick import Ticked, tick
from runner.worker.loop import loop, systemd_notify
from runner.worker.systemd_unit import schedule_units

LOOKS_EVERY = 60.0
"""Seconds from one look to the next, at full minutes."""
_MANY = 10
_json = click.option("--json", "as_json", is_flag=True, help="As JSON.")
_name = click.argument("name", metavar="ID")


@click.group("schedule", invoke_without_command=True)
@click.pass_context
def command(ctx: click.Context) -> None:
    """Show what is planned, and do it; without a command: the next ten, and what went wrong in the last 30 days.

    ID is that of a runbook and of one of its schedules, like RUN-020/nightly.
    """
    if ctx.invoked_subcommand is None:
        library, state, now = context.library(), context.recorded_if_any(), context.clock().wall
        schedule_tables.draw_upcoming(
            islice(coming_instants.upcoming(library, state, now, now + coming_instants.AHEAD), _MANY)
        )
        if state.path.is_dir():
            schedule_tables.draw_past(
                overview.past(state, now - timedelta(days=30), bad=True), empty="nothing went wrong"
            )
        schedule_tables.warn(overview.silence(state, now))


@command.command("list", short_help="Show every schedule, and what keeps it from being begun.")
@_json
def list_schedules(*, as_json: bool) -> None:
    """Show every schedule of the library: when it is due, where, and what keeps it from being begun."""
    library, state, now = context.library(), context.recorded_if_any(), context.clock().wall
    found = overview.all_schedules(library, state, now)
    if as_json:
        click.echo(json.dumps([schedule_tables.as_data(entry) for entry in found], indent=2, default=str))
    else:
        schedule_tables.draw_list(found, coming_instants.next_of_each(found, now))
    schedule_tables.warn(overview.silence(state, now))


@command.command("next", short_help="Show what will be begun, and what a change of the clock does to it.")
@click.option("--days", type=click.IntRange(1, 400), default=14, show_default=True, help="How far to look.")
@click.argument("name", metavar="[ID]", default="")
@_json
def upcoming(*, days: int, name: str, as_json: bool) -> None:
    """Show every instant that will come, of all schedules or of one, in the time of its zone."""
    library, state, now = context.library(), context.recorded_if_any(), context.clock().wall
    found = coming_instants.upcoming(library, state, now, now + timedelta(days=days), only=name or None)
    if as_json:
        click.echo(json.dumps([schedule_tables.planned_data(each) for each in found], indent=2))
    else:
        schedule_tables.draw_upcoming(found)


@command.command("history", short_help="Show what became of what was planned.")
@click.option("--missed", is_flag=True, help="Only what was missed or refused, and runs that did not pass.")
@click.option("--days", type=click.IntRange(1, 3660), default=30, show_default=True, help="How far to look back.")
@click.argument("name", metavar="[ID]", default="")
@_json
def history(*, missed: bool, days: int, name: str, as_json: bool) -> None:
    """Show what became of each planned instant, newest first: ran, missed, skipped or refused, and why."""
    since = context.clock().wall - timedelta(days=days)
    found = overview.past(context.recorded(), since, schedule=name or None, bad=missed)
    if as_json:
        click.echo(json.dumps([schedule_tables.past_data(each) for each in found], indent=2))
    else:
        schedule_tables.draw_past(found, empty="nothing was planned" if not missed else "nothing went wrong")


@command.command("explain", short_help="Say what became of one planned instant, and why.")
@_name
@click.argument("instant", metavar="INSTANT")
def explain(name: str, instant: str) -> None:
    """Say what is known of the schedule at INSTANT, like 2026-12-06T01:30Z."""
    now = context.clock().wall
    state = context.recorded_if_any()
    for line in overview.explain(context.library(), state, name, overview.moment(instant), now):
        click.echo(safe(line))


@command.command("tick", short_help="Decide what is due now, once; a timer calls it each minute.")
@click.option("--no-wait", is_flag=True, help="Do not wait for the runs that it begins.")
def tick_once(*, no_wait: bool) -> None:
    """Decide about everything that is due now, begin it, and end when it has ended.

    Exit code: 0 nothing is owed; 1 a run did not pass, or something was missed; 6 something was refused, or the clock
    is not believed.
    """
    library, state = context.library(), context.state()
    beginner = Beginner(library, state)
    context.recover_abandoned(state)
    ticked = tick(context.installation(state), library, clocks)
    beginner.handle(ticked)
    beginner.begin_all() if no_wait else beginner.wait()
    ended = overview.ended(state, [*ticked.decided, *ticked.to_begin])
    if ticked.held or ticked.broken or any(each.is_refused for each in ended):
        raise click.exceptions.Exit(ExitCode.LOCKED)
    raise click.exceptions.Exit(ExitCode.FAILED if any(each.is_bad for each in ended) else ExitCode.DONE)


@command.command("run", short_help="Look each minute, and begin what is due, until it is stopped.")
def run() -> None:
    """Look each minute, and begin what is due in a process of its own; Ctrl-C or SIGTERM ends the loop.

    What it has begun goes on to its end.
    """
    library, state, stop = context.library(), context.state(), threading.Event()
    installation = context.installation(state)
    beginner = Beginner(library, state)
    click.echo(f"scheduling {safe(str(library.root))}: looks every {LOOKS_EVERY:g} s", err=True)

    def look() -> Ticked:
        context.recover_abandoned(state)
        return tick(installation, library, clocks)

    with on_signals(lambda *_: stop.set()), beginner.leased():
        notify = systemd_notify(installation.environ)
        pause = lambda: LOOKS_EVERY - time.time() % LOOKS_EVERY  # noqa: E731
        stopped = lambda seconds: beginner.begins_until(stop, seconds)  # noqa: E731
        loop(look, beginner.handle, schedule_tables.warn, pause, stopped, notify)


@command.command("begin", hidden=True)
@_name
@click.argument("instant")
def begin(name: str, instant: str) -> None:
    """Begin the run of an occurrence that was claimed; this is what a tick starts."""
    from runner.cli.planned_beginning import begin_and_exit  # noqa: PLC0415 - it imports all that a run needs

    begin_and_exit(context.library(), context.state(), name, overview.moment(instant))


@command.command("catch-up", short_help="Begin what was missed, on that very instant.")
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


@command.command("pause", short_help="Let a schedule not count until it is resumed.")
@_name
@click.option("--because", default="", help="Why; it is recorded, and shown wherever the schedule is.")
def pause(name: str, because: str) -> None:
    """Let no occurrence of the schedule be begun until `runbook schedule resume`."""
    _changing(changes.pause, name, because)
    click.echo(f"{name} is paused", err=True)


@command.command("resume", short_help="Let a schedule that was paused count again.")
@_name
def resume(name: str) -> None:
    """End the pause of the schedule; what came meanwhile was skipped, and is not caught up."""
    _changing(changes.go_on, name)
    click.echo(f"{name} counts again", err=True)


@command.command("ask", hidden=True)
@_name
@click.argument("instant")
def ask(name: str, instant: str) -> None:
    """Tell those who may answer what the run at INSTANT will ask; this is what a tick starts."""
    from runner.cli.planned_beginning import ask_in_advance  # noqa: PLC0415 - it imports all that a run needs

    ask_in_advance(context.library(), context.state(), name, overview.moment(instant))


@command.command("approve", short_help="Approve a schedule that works on production, or what one of its runs asks.")
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


@command.command("trust-clock", short_help="Say that the clock is right, after it has jumped.")
def trust_clock() -> None:
    """Say that the time is right now; decisions go on with the next look."""
    changes.trust_clock(context.installation(context.state()))
    now = datetime.now(UTC)
    click.echo(f"the clock is trusted: {now:%Y-%m-%d %H:%M:%S} UTC", err=True)


@command.command("export", short_help="Write units of systemd, or print a line of a crontab.")
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
