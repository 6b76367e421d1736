"""`runbook links`: Show what a runbook or a registry entry links to, and what links to it."""

from collections.abc import Sequence
from typing import Any

import click

from runner.cli import context
from runner.cli.option_groups import forms
from runner.cli.output.table import draw, print_json, rows_of
from runner.services.library.library_links import LinkedName, linked_names


@click.command("links")
@click.argument("linked", metavar="NAME")
@forms(("table", "json"))
def command(linked: str, form: str) -> None:
    """Show the links from and to NAME: a runbook, a registry entry, a contact, a host or group, or a program."""
    names = linked_names(linked, context.library())
    if form == "json":
        print_json([{"name": each.name, **_directions(each)} for each in names])
        return
    for each in names:
        for direction, rows in _directions(each).items():
            click.secho(f"{each.name} {direction}", bold=True)
            draw([{**row, "written in": _together(row["written in"])} for row in rows], empty="  nothing")


def _directions(linked: LinkedName) -> dict[str, list[dict[str, Any]]]:
    return {"points to": rows_of(linked.targets), "is pointed to by": rows_of(linked.sources)}


def _together(places: Sequence[str]) -> str:
    """Several lines, all of one file, with its name written once."""
    first, *more = places
    return ", ".join([first, *(place.rpartition(":")[2] for place in more)])
