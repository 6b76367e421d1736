"""`runbook export`: Write a runbook as Markdown, in the RUN- template."""

from pathlib import Path

import click

from runner.cli import context
from runner.cli.output.terminal import safe
from runner.services.authoring.write_runbooks import export_runbooks


@click.command("export")
@click.argument("runbooks", nargs=-1, required=True)
@click.option(
    "--into", type=click.Path(path_type=Path, file_okay=False), help="Write files to this directory, not to stdout."
)
def command(runbooks: tuple[str, ...], *, into: Path | None) -> None:
    """Export RUNBOOKS as Markdown, so that an import of it loses nothing.

    What the template has no place for is written as YAML fences.
    """
    for each in export_runbooks(runbooks, context.library(runbooks[0]), into):
        if each.path is None:
            click.echo(each.text, nl=False)
        else:
            click.echo(f"wrote  {safe(str(each.path))}")
