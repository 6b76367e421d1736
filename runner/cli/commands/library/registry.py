"""`runbook registry`: Show the entries that runbooks link to (alerts, risks, ...), and every broken link."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import click

from runner.cli import context
from runner.cli.output.formats import forms
from runner.cli.output.table import draw
from runner.cli.output.terminal import counted, safe
from runner.core.errors import ExitCode, InvalidInputError
from runner.kinds.ansible_yaml import dump
from runner.library.library import shown
from runner.library.links.link_checks import findings
from runner.library.links.links import by_source, by_target, links
from runner.library.registry.registry_import import entries
from runner.library.snapshot import Collection, read
from runner.model.yaml.document import MAX_BYTES
from runner.model.yaml.finding import Finding, Level


@click.group("registry", invoke_without_command=True)
@forms(("table", "json"))
@click.pass_context
def command(ctx: click.Context, form: str) -> None:
    """Show the entries of runbooks/registry/ and every finding about links; exit 2 if one is an error."""
    if ctx.invoked_subcommand is None:
        collection = read(context.library(), context.cache())
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
    outward, inward = by_source(among), by_target(among)
    for name, reference in collection.references.items():
        yield {
            "id": name,
            "title": reference.entry.title,
            "owner": reference.entry.owner,
            "leads to": sorted({link.target for link in outward.get(name, ()) if link.sort == "runbook"}),
            "linked from": sorted({link.source for link in inward.get(name, ())}),
            "written in": reference.where,
        }


@command.command("import", short_help="Convert the tables of a Markdown file to registry entries.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--owner", help="The owner of entries that name none: a name from contacts.yml.")
@click.option("--write", type=click.Path(path_type=Path), help="Write them to this new file in runbooks/registry/.")
def import_file(file: Path, owner: str | None, write: Path | None) -> None:
    """Convert the tables in FILE, and lines like `DEP-002: All tests pass`, to registry entries, printed as YAML.

    An id that the text uses for two things is reported. Exit 2, and nothing is written, if something is wrong.
    """
    found = entries(
        _markdown(file),
        file=shown(file),
        owner=owner,
        known=read(context.library(), context.cache()).whole().references,
    )
    for finding in found.findings:
        click.echo(safe(str(finding)), err=True)
    text = f"# Imported from {file.name}.\n{dump(found.entries)}" if found.entries else ""
    if write is None:
        click.echo(text, nl=False)
    if any(finding.level is Level.ERROR for finding in found.findings):
        raise click.exceptions.Exit(ExitCode.INVALID)
    if not found.entries:
        raise InvalidInputError(
            f"{file} has no entries that are new", hint="a table needs a column with ids, like MON-005"
        )
    if write is not None:
        _write(write, text)
        click.echo(f"wrote  {write}")


def _markdown(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise InvalidInputError(f"{path} is larger than {MAX_BYTES // 1024} KiB", hint="import it in parts")
        return data.decode("utf-8-sig")
    except OSError as error:
        raise InvalidInputError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InvalidInputError(f"{path}:{line}: is not UTF-8", hint="save it as UTF-8") from None


def _write(path: Path, text: str) -> None:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise InvalidInputError(f"{path} is there already", hint="name a new file") from None
