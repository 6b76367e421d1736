"""`runbook deprecate`: Mark a runbook as deprecated, and name the one that replaces it."""

import click

from runner.cli import context
from runner.cli.output.terminal import safe
from runner.library.root import shown
from runner.services.authoring.write_runbooks import deprecate_runbook


@click.command("deprecate")
@click.argument("runbook")
@click.option("--replaced-by", metavar="RUNBOOK", help="The runbook to use instead.")
@click.option("--reason", default="", help="Why, in one line.")
def command(runbook: str, *, replaced_by: str | None, reason: str) -> None:
    """Deprecate RUNBOOK: the file keeps its id and its comments, but nobody can run it any more."""
    deprecated = deprecate_runbook(
        runbook,
        context.own_library(),
        since=context.clock().wall.date(),
        replaced_by=replaced_by,
        reason=reason,
    )
    click.echo(f"wrote  {safe(shown(deprecated.path))}")
    if others := deprecated.still_leading:
        click.echo(f"hint: {', '.join(others)} still {'leads' if len(others) == 1 else 'lead'} to it", err=True)
