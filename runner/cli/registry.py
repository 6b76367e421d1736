"""`runbook registry`: What runbooks link to (alerts, risks, ...), and whether every link holds."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict

import click

from runner.cli import context
from runner.cli.table import draw
from runner.cli.terminal import counted, safe
from runner.definition.collection import Collection, read
from runner.definition.finding import Finding, Level
from runner.definition.integrity import findings
from runner.definition.links import links, of, to
from runner.errors import ExitCode


@click.group("registry", invoke_without_command=True)
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
@click.pass_context
def command(ctx: click.Context, form: str) -> None:
    """Show the entries of runbooks/registry/, and every finding about links; exit 2 when one is an error."""
    if ctx.invoked_subcommand is None:
        collection = read(context.library())
        found = findings(collection)
        _show(collection, found, form)
        if any(finding.level is Level.ERROR for finding in found):
            raise click.exceptions.Exit(ExitCode.INVALID)


def _show(collection: Collection, found: Sequence[Finding], form: str) -> None:
    rows = list(_rows(collection))
    if form == "json":
        click.echo(json.dumps({"entries": rows, "findings": [asdict(finding) for finding in found]}, indent=2))
        return
    draw([{key: _told(value) for key, value in row.items()} for row in rows], empty="the registry is empty")
    for finding in found:
        click.echo(safe(str(finding)))
    click.echo(f"{len(rows)} registered, {counted(len(found), 'finding')}", err=True)


def _told(value: object) -> object:
    return ", ".join(value) if isinstance(value, list) else value


def _rows(collection: Collection) -> Iterator[dict[str, object]]:
    among = links(collection)
    for name, reference in collection.references.items():
        line = reference.document.position((name,)).line
        yield {
            "id": name,
            "title": reference.entry.title,
            "owner": reference.entry.owner,
            "leads to": sorted({link.target for link in of(name, among) if link.sort == "runbook"}),
            "linked from": sorted({link.source for link in to([name], among)}),
            "written in": f"{reference.document.file}:{line}",
        }
