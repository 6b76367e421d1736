"""`runbook impact`: Show what a change to an alert, a host, a contact or a program would affect."""

from __future__ import annotations

import json

import click

from runner.cli import context
from runner.cli.output.formats import forms
from runner.cli.output.table import draw
from runner.executor.inventory.inventory_hosts import holding
from runner.library.links.impact import Impact, impact, meant, title
from runner.library.links.links import links
from runner.library.snapshot import Collection, read


@click.command("impact")
@click.argument("linked", metavar="NAME")
@forms(("table", "json"))
def command(linked: str, form: str) -> None:
    """Show what links to NAME, and the alerts and entries that lead to those runbooks.

    NAME is an id (MON-005), a host or group (db_primary), a contact, its handle (@db-team) or the login name of a
    member, or a program that a step uses (psql). Hosts are looked up in the inventories/ of the library.
    """
    collection = read(context.library(), context.cache()).whole()
    among = links(collection)
    rows = [_row(each, collection) for each in impact(meant(linked, collection, among, holding), among)]
    if form == "json":
        click.echo(json.dumps(rows, indent=2))
    else:
        draw(rows, empty=f"nothing points to {linked}")


def _row(reached: Impact, collection: Collection) -> dict[str, object]:
    link = reached.link
    return {
        "reaches": link.source,
        "title": title(link.source, collection),
        "through": reached.through or link.target,
        "at": link.where,
        "written in": f"{link.file}:{link.line}",
    }
