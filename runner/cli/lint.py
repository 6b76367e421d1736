"""`runbook lint`: Find what is wrong in runbooks, each fault with its place in the file."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from runner.cli import context
from runner.cli.terminal import counted, safe
from runner.definition.catalog import Library
from runner.definition.finding import Finding, Level
from runner.definition.lint import lint
from runner.definition.yaml import InvalidFileError
from runner.errors import ExitCode


@click.command("lint")
@click.argument("runbooks", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="The findings as a JSON list.")
def command(runbooks: tuple[str, ...], *, as_json: bool) -> None:
    """Lint RUNBOOKS (all of them when none is named); exit 2 when one does not load or has an error."""
    library = context.library()
    names = runbooks or library.ids()
    # What is wrong in contacts.yml is found with every runbook, and told once.
    findings = list(dict.fromkeys(finding for name in names for finding in _findings(library, name)))
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        for finding in findings:
            click.echo(safe(str(finding)))
        click.echo(f"{counted(len(names), 'runbook')}, {counted(len(findings), 'finding')}", err=True)
    if any(finding.level is Level.ERROR for finding in findings):
        raise click.exceptions.Exit(ExitCode.INVALID)


def _findings(library: Library, name: str) -> list[Finding]:
    try:
        source = library.source(name)
        return lint(source, library.contacts(source), today=context.clock().wall.date())
    except InvalidFileError as error:
        return list(error.findings)
