"""`runbook export`: Write a runbook as Markdown, in the RUN- template."""

from __future__ import annotations

from pathlib import Path

import click

from runner.cli import context
from runner.core.errors import InvalidInputError
from runner.markdown.template import export
from runner.store import durable


@click.command("export")
@click.argument("runbooks", nargs=-1, required=True)
@click.option(
    "--into", type=click.Path(path_type=Path, file_okay=False), help="Write files to this directory, not to stdout."
)
def command(runbooks: tuple[str, ...], *, into: Path | None) -> None:
    """Export RUNBOOKS as Markdown, so that an import of it loses nothing.

    What the template has no place for is written as YAML fences.
    """
    library = context.library(runbooks[0])
    if into is None and len(runbooks) > 1:
        raise InvalidInputError("several runbooks cannot be written to one output", hint="name a directory with --into")
    for name in runbooks:
        source = library.source(name)
        text = export(source.document.value)
        if into is None:
            click.echo(text, nl=False)
            continue
        into.mkdir(parents=True, exist_ok=True)
        durable.write(into / f"{source.runbook.id}.md", text)
        click.echo(f"wrote  {into / source.runbook.id}.md")
