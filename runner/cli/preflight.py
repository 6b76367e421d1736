"""`runbook preflight` (At night): What would keep a run from its first step: hosts, keys, guards, prerequisites."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from runner.cli import progress
from runner.cli.aim import aimed
from runner.cli.ceremony import ceremony, guard, with_ceremony
from runner.cli.ended import show
from runner.cli.operator import InAdvance, Prompt
from runner.cli.run import perform, request_for
from runner.cli.terminal import safe
from runner.events import Event, EventType


@click.command("preflight")
@aimed
@ceremony
@click.option("--json", "as_json", is_flag=True, help="One JSON object for each event, and the result, on stdout.")
def command(runbook: str, *, inventories: tuple[Path, ...], given: tuple[str, ...], **options: Any) -> None:
    """Look, and do nothing: what would `runbook run` with the same words be refused for?

    Every host is logged in to (its key, the account, becoming another user), every prerequisite is probed, whatever
    becomes of the others, and each guard says what it would want. Nobody is asked or called; it is recorded.
    """
    request = request_for(runbook, inventories=inventories, given=given, ask=options["ask"], limit=options["limit"])
    request = replace(with_ceremony(request, options), mode="preflight")
    asked = request.source.runbook
    drawing = progress.NdjsonProgress() if options["as_json"] else _Everything(asked)
    result = perform(request, Prompt(asked, "", given=InAdvance(), pause=drawing.pause), drawing)
    show(result, as_json=options["as_json"])
    raise click.exceptions.Exit(result.exit_code)


class _Everything(progress.LineProgress):
    """Also tells what was found good, as that is what one wants to know here."""

    def __call__(self, event: Event) -> None:
        """Print the event's lines."""
        super().__call__(event)
        if event.type is EventType.GUARD_CHECKED and event.data["verdict"] == "met":
            self.say(f"ok       {guard(event.data)}")
        if event.type is EventType.PREFLIGHT_FINISHED and event.data["outcome"] == "passed":
            self.say(f"ok       {safe(event.host or '')}: {', '.join(event.data['passed'])}")
