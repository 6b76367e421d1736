"""`runbook new`: Begin a runbook: a file that loads, and says TODO where you must write."""

from __future__ import annotations

from pathlib import Path

import click
from pydantic import TypeAdapter, ValidationError

from runner.cli import context
from runner.definition.beginning import begin
from runner.definition.catalog import shown
from runner.definition.contacts import read_contacts
from runner.definition.model import Category
from runner.definition.scaffold import scaffold, who
from runner.errors import InvalidInputError
from runner.identifiers import RunbookId


@click.command("new")
@click.argument("new_id", metavar="[ID]", required=False)
@click.option("--category", type=click.Choice([str(each) for each in Category]), required=True)
@click.option("--owner", metavar="WORD", help="Whose it is, a word of contacts.yml.")
def command(new_id: str | None, *, category: str, owner: str | None) -> None:
    """Begin the runbook ID (like RUN-007; the next free one when none is given). An id is never used a second time.

    Where there is no library yet, one is begun in the working directory, with the contacts whom runbooks may call.
    """
    library = context.own_library()
    chosen = _checked(new_id) if new_id else library.next_id()
    path = library.root / "runbooks" / f"{chosen}.yml"
    if path.exists():
        hint = f"ids are never used again; the next free one is {library.next_id()}"
        raise InvalidInputError(f"{chosen} is taken: {shown(path)}", hint=hint)
    if chosen in _done():
        hint = f"its runs are in the audit log; the next free id is {library.next_id()}"
        raise InvalidInputError(f"{chosen} was the id of a runbook that is gone", hint=hint)
    for made in begin(path.parent):
        click.echo(f"wrote  {shown(made)}")
    own, called = who(read_contacts(path.with_name("contacts.yml")))
    _write(path, scaffold(chosen, Category(category), owner=owner or own, contact=called))
    click.echo(f"wrote  {shown(path)}")
    click.echo(f"hint: write what is TODO in it, then runbook lint {chosen} and runbook compile {chosen}", err=True)


def _checked(name: str) -> str:
    try:
        return TypeAdapter(RunbookId).validate_python(name)
    except ValidationError as error:
        raise InvalidInputError(f"{name!r}: {error.errors()[0]['msg'].removeprefix('Value error, ')}") from None


def _done() -> set[str]:
    """The runbooks that were ever run with this state."""
    return {run.state.runbook for run in context.state().runs()} if context.state_path().is_dir() else set()


def _write(path: Path, text: str) -> None:
    with path.open("x", encoding="utf-8") as file:
        file.write(text)
