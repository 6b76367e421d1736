"""`runbook preflight`: Check whether a run could start now: hosts, keys, logins, guards, prerequisites."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import click

from runner.channels.base import SecretMissingError
from runner.cli import context
from runner.cli.commands.night.run import perform, request_for
from runner.cli.output import progress
from runner.cli.output.terminal import safe
from runner.cli.prompts.guard_options import ceremony, guard, with_ceremony
from runner.cli.prompts.operator import InAdvance, Prompt
from runner.cli.target_options import aimed
from runner.core.errors import DeniedError, ExitCode
from runner.core.events import Event, EventType, Outcome
from runner.model.runbook import Runbook
from runner.orchestrator.request import Request, Result
from runner.store.log.log_reader import read


@click.command("preflight")
@aimed
@ceremony
@click.option("--json", "as_json", is_flag=True, help="One JSON object for each event, and the result, on stdout.")
def command(runbook: str, *, inventories: tuple[Path, ...], given: tuple[str, ...], **options: Any) -> None:
    """Check what would stop `runbook run` with the same arguments, without changing anything.

    Each host is logged in to (host key, account, becoming another user), and each prerequisite is probed, even after
    one has failed. Each guard is checked, and so is whether the secrets for calling people can be found. Nobody is
    asked or called; the result is recorded. Exit code: 0 if a run could start, otherwise the exit code that the run
    would have.
    """
    request = request_for(runbook, inventories=inventories, given=given, ask=options["ask"], limit=options["limit"])
    request = replace(with_ceremony(request, options), mode="preflight")
    asked = request.source.runbook
    drawing = progress.NdjsonProgress() if options["as_json"] else _Everything(asked)
    result = perform(request, Prompt(asked, "", given=InAdvance(), pause=drawing.pause), drawing)
    answer = _answer(request, result)
    _show(answer, as_json=options["as_json"])
    raise click.exceptions.Exit(answer.exit_code)


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


@dataclass(frozen=True)
class _Answer:
    """Whether a run could begin: what it would be refused for, with its exit code, and whom it could not call."""

    run: str
    begins: str
    exit_code: ExitCode
    refused_for: tuple[str, ...]
    not_callable: tuple[str, ...]
    report: str
    hint: str = ""


def _answer(request: Request, result: Result) -> _Answer:
    runbook = request.source.runbook
    refused, code = _guards(result), result.exit_code
    if code is ExitCode.DONE and refused:
        code = DeniedError.exit_code
    refused += (*_prerequisites(runbook, result), *result.problems)
    if code is not ExitCode.DONE and not refused:
        refused = (str(result.outcome),)
    begins = f"{runbook.id} {runbook.title}"
    return _Answer(result.run_id, begins, code, refused, _not_callable(request), str(result.report), result.hint)


def _guards(result: Result) -> tuple[str, ...]:
    """The guards that a run would be refused by."""
    records = read(result.audit, run=result.run_id)
    found = (each.data for each in records if each.type == EventType.GUARD_CHECKED)
    return tuple(guard(data) for data in found if data["verdict"] == "refused")


def _prerequisites(runbook: Runbook, result: Result) -> tuple[str, ...]:
    """The prerequisites that do not hold, each with its host."""
    names = {step.id: step.name for step in runbook.prerequisites}
    records = [each for each in read(result.audit, run=result.run_id) if each.type == EventType.STEP_FINISHED]
    bad = [each for each in records if each.step in names and each.data["outcome"] != Outcome.PASSED]
    return tuple(f"{names[each.step or '']} on {each.host}: {each.data['outcome']}" for each in bad)


def _not_callable(request: Request) -> tuple[str, ...]:
    """Whom the runbook would call in vain, as a secret of a channel is not there; no secret is told."""
    found = []
    for name in request.source.runbook.escalation.contacts:
        for channel in request.contacts[name].channels if name in request.contacts else ():
            try:
                channel.check(context.secret)
            except SecretMissingError as error:
                found.append(f"{name} by {channel.key}: {error.message}; {error.hint}")
    return tuple(found)


def _show(answer: _Answer, *, as_json: bool) -> None:
    """The answer, on standard output."""
    ready = answer.exit_code is ExitCode.DONE
    if as_json:
        data = {**asdict(answer), "type": "result", "outcome": "ready" if ready else "refused"}
        click.echo(json.dumps({**data, "exit_code": int(answer.exit_code)}))
        return
    for problem in answer.not_callable:
        click.echo(f"warning: nobody could call {safe(problem)}", err=True)
    if ready:
        click.secho(f"ready  {safe(answer.begins)} can begin", fg="green", bold=True)
    else:
        click.secho(f"not ready  {safe(answer.begins)} would be refused for", fg="red", bold=True)
        for reason in answer.refused_for:
            click.echo(f"  {safe(reason)}")
        if answer.hint:
            click.echo(f"hint: {safe(answer.hint, lines=True)}", err=True)
    click.echo(f"report  {answer.report}")
