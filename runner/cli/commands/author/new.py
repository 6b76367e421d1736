"""`runbook new`: Create a runbook: a file that loads, with TODO where you must write."""

import click

from runner.cli import context
from runner.cli.output.terminal import safe
from runner.library.root import shown
from runner.model.category import Category
from runner.services.authoring.write_runbooks import create_runbook


@click.command("new")
@click.argument("new_id", metavar="[ID]", required=False)
@click.option("--category", type=click.Choice([str(each) for each in Category]), required=True)
@click.option("--owner", metavar="CONTACT", help="Its owner: a name from contacts.yml.")
def command(new_id: str | None, *, category: str, owner: str | None) -> None:
    """Create the runbook ID (like RUN-007), or one with the next free id. An id is never used a second time.

    If there is no library yet, it is created in the working directory, with contacts for the runbooks to call and
    inventories for this machine, staging and production.
    """
    library, state = context.own_library(), context.state_path()
    created = create_runbook(library, new_id, Category(category), owner=owner, state=state)
    for path in created.files:
        click.echo(f"wrote  {safe(shown(path))}")
    name = created.id
    click.echo(f"hint: write what is TODO in it, then runbook lint {name} and runbook compile {name}", err=True)
