"""`runbook registry`: Show the entries that runbooks link to (alerts, risks, ...), and every broken link."""

from pathlib import Path

import click

from runner.cli import context
from runner.cli.option_groups import forms
from runner.cli.output.table import draw, print_json, rows_of
from runner.cli.output.terminal import safe
from runner.core.errors import ExitCode, InvalidInputError
from runner.core.wording import counted
from runner.model.yaml.finding import Level
from runner.services.library.library_links import Registry, registry


@click.group("registry", invoke_without_command=True)
@forms(("table", "json"))
@click.pass_context
def command(ctx: click.Context, form: str) -> None:
    """Show the entries of runbooks/registry/ and every finding about links; exit 2 if one is an error."""
    if ctx.invoked_subcommand is None:
        found = registry(context.library())
        _show(found, form)
        if any(finding.level is Level.ERROR for finding in found.findings):
            raise click.exceptions.Exit(ExitCode.INVALID)


def _show(found: Registry, form: str) -> None:
    rows = rows_of(found.entries)
    if form == "json":
        print_json({"entries": rows, "findings": found.findings})
        return
    cells = [
        {key: ", ".join(value) if isinstance(value, list) else value for key, value in row.items()} for row in rows
    ]
    draw(cells, empty="the registry is empty")
    for finding in found.findings:
        click.echo(safe(str(finding)))
    click.echo(f"{len(rows)} registered, {counted(len(found.findings), 'finding')}", err=True)


@command.command("import", short_help="Convert the tables of a Markdown file to registry entries.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--owner", help="The owner of entries that name none: a name from contacts.yml.")
@click.option("--write", type=click.Path(path_type=Path), help="Write them to this new file in runbooks/registry/.")
def import_file(file: Path, owner: str | None, write: Path | None) -> None:
    """Convert the tables in FILE, and lines like `DEP-002: All tests pass`, to registry entries, printed as YAML.

    An id that the text uses for two things is reported. Exit 2, and nothing is written, if something is wrong.
    """
    from runner.services.authoring.import_documents import (  # noqa: PLC0415 - the other commands import no Markdown
        import_entries,
        write_entries,
    )

    imported = import_entries(file, context.library(), owner=owner)
    for finding in imported.findings:
        click.echo(safe(str(finding)), err=True)
    if write is None:
        click.echo(imported.text, nl=False)
    if imported.has_errors:
        raise click.exceptions.Exit(ExitCode.INVALID)
    if not imported.text:
        hint = "a table needs a column with ids, like MON-005"
        raise InvalidInputError(f"{file} has no entries that are new", hint=hint)
    if write is not None:
        write_entries(write, imported.text)
        click.echo(f"wrote  {safe(str(write))}")
