"""`runbook watch`: Call people when a run dies, also after kill -9 or a reboot."""

import tempfile
import threading
from dataclasses import replace
from pathlib import Path

import click

from runner.cli import context
from runner.cli.output.sent_pages import complain_of, show_next_levels, show_recovery, show_sent
from runner.cli.output.terminal import safe
from runner.cli.system import on_signals, owner_of, program_words
from runner.core.errors import AuditError, ExitCode
from runner.services.watching import LOOKS_EVERY, Look, WatchMemory, look
from runner.worker.loop import loop, systemd_notify
from runner.worker.systemd_unit import WatchUnit


@click.command("watch")
@click.option("--once", is_flag=True, help="Look once, and exit; 8 if somebody who was to be called was not reached.")
@click.option(
    "--export", "form", type=click.Choice(["systemd"]), help="Print a unit that keeps a watch going, and exit."
)
def command(*, once: bool, form: str | None) -> None:
    """Look every few seconds for runs whose command died, and call whom they name.

    A run of severity P0, P1 or critical renews a lease while it is alive; the watch calls within a minute after that
    has stopped, whatever ended it: kill -9, a reboot, a full disk. Any other run that died is called for where its
    runbook says so. It is recorded as abandoned, and what it left running is ended. Pages that have not arrived are
    sent again, and the next level is called for an incident that nobody has acknowledged. Several watches, and the
    next command, call once together.

    Where nothing can be written people are called all the same, without a record.

    Nothing is printed as long as nothing happens; Ctrl-C or SIGTERM ends it.
    """
    state = context.opened_state()
    if form:
        click.echo(_unit(state.path).text(), nl=False)
        return
    installation = context.installation(state)
    if once:
        looked = look(installation)
        _Printer()(looked)
        state.require_writable()
        if looked.recovery.failure:
            raise click.exceptions.Exit(looked.recovery.failure.exit_code)
        if not looked.all_arrived:
            raise click.exceptions.Exit(ExitCode.PAGING)
        return
    try:
        state.require_writable()
    except AuditError as error:  # it may be writable later, and people are called in any case
        _complain(error.message)
    click.echo(f"watching {safe(str(state.path))}: every {LOOKS_EVERY:g} s", err=True)
    stop, show, memory = threading.Event(), _Printer(), WatchMemory()
    with on_signals(lambda *_: stop.set()):
        notify = systemd_notify(installation.environ)
        loop(lambda: look(installation, memory), show, _complain, lambda: LOOKS_EVERY, stop.wait, notify)


class _Printer:
    """Prints what a look has done, and each problem once for as long as it is one."""

    def __init__(self) -> None:
        self._before: tuple[str, ...] = ()

    def __call__(self, looked: Look) -> None:
        recovery, next_levels = looked.recovery, looked.called_next
        show_recovery(replace(recovery, failure=None, called=replace(recovery.called, problems=())))
        show_sent(replace(looked.flushed, problems=()))
        show_next_levels(replace(next_levels, problems=()))
        complain_of([problem for problem in looked.problems if problem not in self._before])
        self._before = looked.problems


def _complain(message: str) -> None:
    click.echo(f"error: {safe(message)}", err=True)


def _unit(state: Path) -> WatchUnit:
    return WatchUnit(
        command=[*program_words(), "--state-dir", str(state), "watch"],
        user=owner_of(state),
        state=state,
        temporary=Path(tempfile.gettempdir()),
    )
