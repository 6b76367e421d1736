"""`runbook links`: Show what a runbook or a registry entry links to, and what links to it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence

import click

from runner.cli import context
from runner.cli.output.formats import forms
from runner.cli.output.table import draw
from runner.executor.inventory.inventory_hosts import holding
from runner.library.links.impact import meant, title
from runner.library.links.links import Link, links, of, sort, to
from runner.library.snapshot import Collection, read


@click.command("links")
@click.argument("linked", metavar="NAME")
@forms(("table", "json"))
def command(linked: str, form: str) -> None:
    """Show the links from and to NAME: a runbook, a registry entry, a contact, a host or group, or a program."""
    collection = read(context.library(), context.cache()).whole()
    among = links(collection)
    names = meant(linked, collection, among, holding)
    if form == "json":
        click.echo(json.dumps([_both(each, collection, among) for each in names], indent=2))
        return
    for each in names:
        for what, rows in _both(each, collection, among).items():
            if isinstance(rows, list):
                click.secho(f"{each} {what}", bold=True)
                draw([{**row, "written in": _together(row["written in"])} for row in rows], empty="  nothing")


def _both(name: str, collection: Collection, among: Sequence[Link]) -> dict[str, object]:
    outward = _rows(((link.target, link.sort, link) for link in of(name, among)), collection)
    inward = _rows(((link.source, sort(link.source), link) for link in to([name], among)), collection)
    return {"name": name, "points to": outward, "is pointed to by": inward}


def _rows(ends: Iterable[tuple[str, str, Link]], collection: Collection) -> list[dict[str, object]]:
    grouped: dict[tuple[str, str], list[Link]] = defaultdict(list)
    for name, kind, link in ends:
        grouped[name, kind].append(link)
    return [
        {"name": name, "kind": kind, "title": title(name, collection), "written in": _lines(several)}
        for (name, kind), several in grouped.items()
    ]


def _lines(several: Iterable[Link]) -> list[str]:
    """The lines of the links, each once."""
    return list(dict.fromkeys(f"{link.file}:{link.line}" for link in several))


def _together(places: Sequence[str]) -> str:
    """Several lines, all of one file, with its name said once."""
    first, *more = places
    return ", ".join([first, *(place.rpartition(":")[2] for place in more)])
