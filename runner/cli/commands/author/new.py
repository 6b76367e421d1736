"""`runbook new`: Create a runbook: a file that loads, with TODO where you must write."""

from __future__ import annotations

from pathlib import Path

import click
from pydantic import TypeAdapter, ValidationError

from runner.cli import context
from runner.core.errors import InvalidInputError
from runner.core.identifiers import RunbookId
from runner.library.bootstrap import begin, begin_inventories
from runner.library.library import Library, shown
from runner.library.scaffold import scaffold, who
from runner.model.contacts import read_contacts
from runner.model.runbook import Category


@click.command("new")
@click.argument("new_id", metavar="[ID]", required=False)
@click.option("--category", type=click.Choice([str(each) for each in Category]), required=True)
@click.option("--owner", metavar="CONTACT", help="Its owner: a name from contacts.yml.")
def command(new_id: str | None, *, category: str, owner: str | None) -> None:
    """Create the runbook ID (like RUN-007), or one with the next free id. An id is never used a second time.

    If there is no library yet, it is created in the working directory, with contacts for the runbooks to call and
    inventories for this machine, staging and production.
    """
    library = context.own_library()
    done = _done(library)
    chosen = _checked(new_id) if new_id else library.next_id(done)
    path = library.root / "runbooks" / f"{chosen}.yml"
    if path.exists():
        hint = f"ids are never used again; the next free one is {library.next_id(done)}"
        raise InvalidInputError(f"{chosen} already exists: {shown(path)}", hint=hint)
    if chosen in done:
        hint = f"its runs are in the audit log; the next free id is {library.next_id(done)}"
        raise InvalidInputError(f"{chosen} was the id of a runbook that is gone", hint=hint)
    for made in (*begin(path.parent), *begin_inventories(library.root)):
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


def _done(library: Library) -> set[str]:
    """The runbooks of this library that were ever run with this state; not those of another one, as a demo's."""
    if not context.state_path().is_dir():
        return set()
    here = (library.root / "runbooks").resolve()
    states = [run.state for run in context.state().runs()]
    return {state.runbook for state in states if Path(state.path).resolve().parent == here}


def _write(path: Path, text: str) -> None:
    with path.open("x", encoding="utf-8") as file:
        file.write(text)
