"""`runbook schedule`: Show what is planned, and do it: each planned instant has an end that can be read."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import click

from runner.cli import context
from runner.cli.output import schedule_tables
from runner.cli.output.terminal import safe
from runner.cli.planned_session import Beginner, clocks
from runner.cli.system import on_signals
from runner.core.errors import ExitCode
from runner.services.schedules.tick import Ticked, tick

if TYPE_CHECKING:
    from runner.services.schedules.overview import Past
    from runner.store.occurrences import Occurrence
    from runner.store.state_directory import StateDirectory

LOOKS_EVERY = 60.0
"""Seconds from one look to the next, at full minutes."""


class _Schedule(click.Group):
    """The command that a timer calls each minute is here; what people call is imported when they do."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), *_for_people().list_commands(ctx)])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return super().get_command(ctx, cmd_name) or _for_people().get_command(ctx, cmd_name)


def _for_people() -> click.Group:
    from runner.cli.schedule_commands import commands  # noqa: PLC0415 - a timer does not wait for it

    return commands


@click.group("schedule", cls=_Schedule, invoke_without_command=True)
@click.pass_context
def command(ctx: click.Context) -> None:
    """Show what is planned, and do it; without a command: the next ten, and what went wrong in the last 30 days.

    ID is that of a runbook and of one of its schedules, like RUN-020/nightly.
    """
    if ctx.invoked_subcommand is None:
        from runner.cli.schedule_commands import show_next_and_past  # noqa: PLC0415 - as above

        show_next_and_past()


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
    ticked = tick(context.record_context(state), library, clocks)
    beginner.handle(ticked)
    beginner.begin_all() if no_wait else beginner.wait()
    ended = _ended(state, [*ticked.decided, *ticked.to_begin])
    if ticked.held or ticked.broken or any(each.is_refused for each in ended):
        raise click.exceptions.Exit(ExitCode.LOCKED)
    raise click.exceptions.Exit(ExitCode.FAILED if any(each.is_bad for each in ended) else ExitCode.DONE)


def _ended(state: StateDirectory, found: list[Occurrence]) -> list[Past]:
    if not found:
        return []
    from runner.services.schedules.overview import ended  # noqa: PLC0415 - a look at which nothing is due does without

    return ended(state, found)


@command.command("run", short_help="Look each minute, and begin what is due, until it is stopped.")
def run() -> None:
    """Look each minute, and begin what is due in a process of its own; Ctrl-C or SIGTERM ends the loop.

    What it has begun goes on to its end.
    """
    from runner.worker.loop import loop, systemd_notify  # noqa: PLC0415 - a timer does not wait for it

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
