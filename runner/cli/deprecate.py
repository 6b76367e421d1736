"""`runbook deprecate`: Say that a runbook is not to be used any more, and which one is instead."""

from __future__ import annotations

import click

from runner.cli import context
from runner.definition.catalog import shown
from runner.definition.deprecation import deprecate
from runner.definition.read import to_runbook
from runner.definition.yaml import load
from runner.errors import InvalidInputError
from runner.record import durable


@click.command("deprecate")
@click.argument("name", metavar="RUNBOOK")
@click.option("--replaced-by", metavar="RUNBOOK", help="The one that is used instead.")
@click.option("--reason", default="", help="Why, in one line.")
def command(name: str, *, replaced_by: str | None, reason: str) -> None:
    """Deprecate RUNBOOK: it stays with its id and its comments, but is not run any more."""
    library = context.library()
    source = library.source(name)
    if replaced_by == source.runbook.id:
        raise InvalidInputError(f"{replaced_by} can not take its own place", hint="name another one")
    if replaced_by:
        library.usable(replaced_by)
    text = deprecate(source, since=context.clock().wall.date(), replaced_by=replaced_by, reason=reason)
    to_runbook(load(text.encode(), file=shown(source.path)))
    durable.write(source.path, text)
    click.echo(f"wrote  {shown(source.path)}")
    if others := [each for each in library.ids() if each != source.runbook.id and _names(each, source.runbook.id)]:
        click.echo(f"hint: {', '.join(others)} still name {source.runbook.id}", err=True)


def _names(name: str, other: str) -> bool:
    path = context.library().root / "runbooks" / f"{name}.yml"
    return other in path.read_text(encoding="utf-8", errors="replace")
