"""`runbook run`: Do a runbook against an inventory, step by verified step."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from runner.cli import context, progress
from runner.cli.operator import Prompt
from runner.cli.terminal import safe
from runner.errors import ExitCode
from runner.execution.executor import Cancellation
from runner.execution.reviewed import reviewed
from runner.request import Answer, Request, Result, Surroundings
from runner.run import run


@click.command(
    "run",
    epilog="""\b
    runbook run RUN-001 -i inventories/local
    runbook run RUN-001 -i inventories/staging -l db2 -e stuck_after=10m --yes
    """,
)
@click.argument("runbook")
@click.option(
    "-i",
    "--inventory",
    "inventories",
    multiple=True,
    required=True,
    type=click.Path(path_type=Path),
    help="A file or directory of hosts; may be given again.",
)
@click.option("-l", "--limit", metavar="HOSTS", help="Only hosts that this Ansible pattern matches, too.")
@click.option("-e", "--input", "given", multiple=True, metavar="NAME=VALUE", help="A value that the runbook asks for.")
@click.option("--yes", is_flag=True, help="Approve in advance what the runbook asks to be approved.")
@click.option("--confirm", multiple=True, metavar="STEP", help="Vouch in advance for a manual step or a confirmation.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object for each event, and the result, on stdout.")
def command(
    runbook: str, *, inventories: tuple[Path, ...], given: tuple[str, ...], as_json: bool, **options: Any
) -> None:
    """Do RUNBOOK (an id like RUN-001, or a file) against the hosts of an inventory."""
    library = context.library()
    source = library.source(runbook)
    request = Request(
        run_id=context.new_run_id(),
        source=source,
        playbook=reviewed(library, source),
        contacts=library.contacts(source),
        inventories=context.inventories(inventories, library),
        limit=options["limit"],
        inputs=context.inputs(source.runbook, given),
    )
    drawing = progress.choose(source.runbook, as_json=as_json)
    user = context.actor().user
    asking = Prompt(source.runbook, user, yes=options["yes"], confirmed=options["confirm"], pause=drawing.pause)
    result = perform(request, asking, drawing)
    show(result, as_json=as_json)
    raise click.exceptions.Exit(result.exit_code)


def perform(
    request: Request, operator: Any, drawing: progress.Progress, *, environ: Mapping[str, str] = os.environ
) -> Result:
    """Do `request`, drawn on the screen, stopped cleanly by a signal."""
    state = context.state()
    with cancelled_by_signals() as cancellation, drawing:
        around = Surroundings(
            state=state,
            clock=context.clock,
            actor=context.actor(),
            operator=_Interruptible(operator, cancellation),
            cancellation=cancellation,
            environ=environ,
            secrets=context.secret,
            listeners=[drawing],
        )
        return run(request, around)


def show(result: Result, *, as_json: bool) -> None:
    """The result, on standard output."""
    if as_json:
        said = {"outcome": result.outcome, "exit_code": int(result.exit_code), "report": str(result.report)}
        click.echo(json.dumps({"type": "result", "run": result.run_id, **said, "audit": str(result.audit)}))
        return
    colour = "green" if result.exit_code is ExitCode.DONE else "red"
    click.secho(f"{result.outcome}  run {result.run_id}", fg=colour, bold=True)
    click.echo(f"report  {result.report}")
    click.echo(f"audit   {result.audit}")
    for problem in result.problems:
        click.echo(f"error: {safe(problem, lines=True)}", err=True)
    if result.hint:
        click.echo(f"hint: {safe(result.hint)}", err=True)


_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def _on_signals(handler: Callable[[int, Any], None]) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)


@contextmanager
def cancelled_by_signals() -> Iterator[Cancellation]:
    """Ctrl-C, SIGTERM and SIGHUP ask the run to stop; it does so cleanly, and says how it ended."""
    cancellation = Cancellation()

    def ask(number: int, _: Any) -> None:
        cancellation.request(signal.Signals(number).name)
        if number == signal.SIGINT and len(cancellation.requests) == 1:
            click.echo("\nstopping; once more to stop without waiting", err=True)

    with _on_signals(ask):
        yield cancellation


class _Interruptible:
    """An operator whose prompt a signal ends: nothing runs while a person is asked, so the run simply stops there."""

    def __init__(self, operator: Any, cancellation: Cancellation) -> None:
        self._operator, self._cancellation = operator, cancellation

    def answer(self, gate: Any, **about: Any) -> Any:
        """The operator's answer, or no when the prompt was interrupted or its input came to an end."""

        def interrupt(number: int, _: Any) -> None:
            self._cancellation.request(signal.Signals(number).name)
            raise KeyboardInterrupt

        try:
            with _on_signals(interrupt):
                return self._operator.answer(gate, **about)
        except (KeyboardInterrupt, click.Abort):
            if not self._cancellation.requests:
                self._cancellation.request("end of input")
            return Answer(yes=False, by=context.actor().user, note="interrupted")
