"""`runbook impact`: Show what a change to an alert, a host, a contact or a program would affect."""

import click

from runner.cli import context
from runner.cli.option_groups import forms
from runner.cli.output.table import draw, rows_of
from runner.services.library.library_links import affected_by


@click.command("impact")
@click.argument("linked", metavar="NAME")
@forms(("table", "json"))
def command(linked: str, form: str) -> None:
    """Show what links to NAME, and the alerts and entries that lead to those runbooks.

    NAME is an id (MON-005), a host or group (db_primary), a contact, its handle (@db-team) or the login name of a
    member, or a program that a step uses (psql). Hosts are looked up in the inventories/ of the library.
    """
    rows = rows_of(affected_by(linked, context.library()))
    draw(rows, empty=f"nothing points to {linked}", as_json=form == "json")
