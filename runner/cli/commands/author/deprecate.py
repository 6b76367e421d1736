"""`runbook deprecate`: Mark a runbook as deprecated, and name the one that replaces it."""

from __future__ import annotations

import click

from runner.cli import context
from runner.core.errors import InvalidInputError
from runner.library.deprecation import deprecate
from runner.library.library import Library, shown
from runner.library.links.links import links, to
from runner.library.snapshot import read
from runner.model.reader import to_runbook
from runner.model.yaml.document import load
from runner.store import durable


@click.command("deprecate")
@click.argument("runbook")
@click.option("--replaced-by", metavar="RUNBOOK", help="The runbook to use instead.")
@click.option("--reason", default="", help="Why, in one line.")
def command(runbook: str, *, replaced_by: str | None, reason: str) -> None:
    """Deprecate RUNBOOK: the file keeps its id and its comments, but nobody can run it any more."""
    library = context.own_library()
    source = library.source(runbook)
    if replaced_by == source.runbook.id:
        raise InvalidInputError(f"{replaced_by} cannot replace itself", hint="name another one")
    if replaced_by:
        library.usable(replaced_by)
    text = deprecate(source, since=context.clock().wall.date(), replaced_by=replaced_by, reason=reason)
    to_runbook(load(text.encode(), file=shown(source.path)))
    durable.write(source.path, text)
    click.echo(f"wrote  {shown(source.path)}")
    if others := _leading(library, source.runbook.id):
        click.echo(f"hint: {', '.join(others)} still {'leads' if len(others) == 1 else 'lead'} to it", err=True)


def _leading(library: Library, name: str) -> list[str]:
    """What leads to the runbook `name`, and should lead elsewhere: other runbooks, and entries of the registry."""
    among = links(read(library, context.cache()))
    return sorted({link.source for link in to([name], among) if link.source != name})
