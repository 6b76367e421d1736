"""`runbook preflight`: Check whether a run could start now: hosts, keys, logins, guards, prerequisites."""

import json
from pathlib import Path
from typing import Any

import click

from runner.cli import context
from runner.cli.output import progress
from runner.cli.output.terminal import safe
from runner.cli.prompts.guard_options import guard, guard_options, with_guard_options
from runner.cli.prompts.input_options import give_inputs
from runner.cli.prompts.operator import InAdvance, Prompt
from runner.cli.run_session import run_environment
from runner.cli.target_options import target_options
from runner.core.events import Event, EventType
from runner.model.runbook import Runbook
from runner.services.readiness import Readiness, check_readiness
from runner.services.run_requests import prepare_run


@click.command("preflight")
@target_options
@guard_options
@click.option("--json", "as_json", is_flag=True, help="One JSON object for each event, and the result, on stdout.")
def command(runbook: str, *, inventories: tuple[Path, ...], given: tuple[str, ...], **options: Any) -> None:
    """Check what would stop `runbook run` with the same arguments, without changing anything.

    Each host is logged in to (host key, account, becoming another user), and each prerequisite is probed, even after
    one has failed. Each guard is checked, and so is whether the secrets for calling people can be found. Nobody is
    asked or called; the result is recorded. Exit code: 0 if a run could start, otherwise the exit code that the run
    would have.
    """
    request = prepare_run(
        context.library(runbook), runbook, inventories, run_id=context.new_run_id(), limit=options["limit"]
    )
    context.notice_unread(request.inventories, request.library)
    request = with_guard_options(give_inputs(request, given, ask_all=options["ask"]), options)
    state = context.state()
    context.recover_abandoned(state)
    asked = request.source.runbook
    drawing = progress.NdjsonProgress() if options["as_json"] else _Everything(asked)
    operator = Prompt(asked, "", given=InAdvance(), pause=drawing.pause)
    with run_environment(state, operator, drawing) as env:
        readiness = check_readiness(request, env)
    _show(readiness, as_json=options["as_json"])
    raise click.exceptions.Exit(readiness.exit_code)


class _Everything(progress.LineProgress):
    """Tells what must hold before the first step, also what was found good, as that is what one wants to know here."""

    def __init__(self, runbook: Runbook) -> None:
        super().__init__(runbook)
        self._later = {step.id for step in runbook.procedure if step not in runbook.prerequisites}

    def __call__(self, event: Event) -> None:
        """Print the event's lines."""
        if event.step in self._later or event.type is EventType.RUN_FINISHED:
            return
        super().__call__(event)
        if event.type is EventType.GUARD_CHECKED and event.data["verdict"] == "met":
            self.say(f"ok       {guard(event.data)}")
        if event.type is EventType.PREFLIGHT_FINISHED and event.data["outcome"] == "passed":
            self.say(f"ok       {safe(event.host or '')}: {', '.join(event.data['passed'])}")


def _show(readiness: Readiness, *, as_json: bool) -> None:
    """Whether it could begin, on standard output."""
    if as_json:
        click.echo(json.dumps(readiness.as_data()))
        return
    for problem in readiness.not_callable:
        click.echo(f"warning: not everybody could be called: {safe(problem)}", err=True)
    if readiness.watch:
        click.echo(f"watch    {safe(readiness.watch)}", err=True)
    if readiness.ready:
        click.secho(f"ready  {safe(readiness.begins)} can begin", fg="green", bold=True)
    else:
        click.secho(f"not ready  {safe(readiness.begins)} would be refused for", fg="red", bold=True)
        for line in "\n".join(readiness.refused_for).splitlines():
            click.echo(f"  {safe(line)}")
        if readiness.hint:
            context.hint(readiness.hint)
    click.echo(f"report  {safe(readiness.report)}")
