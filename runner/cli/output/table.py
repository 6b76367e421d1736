"""Rows as an aligned table that can be copied, piped and grepped."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, fields, is_dataclass
from typing import Any

import click

from runner.cli.output.pager import paged
from runner.cli.output.terminal import short


def draw(
    rows: Sequence[Mapping[str, object]], *, empty: str, optional: Collection[str] = (), as_json: bool = False
) -> None:
    """Print `rows` as JSON, or under the names of their keys, or `empty` when there is none.

    The columns that are `optional` are left out of a table where no row has anything in them.
    """
    if as_json:
        print_json(rows)
        return
    if not rows:
        click.echo(empty, err=True)
        return
    columns = list(dict.fromkeys(key for row in rows for key in row if key not in optional or row[key]))
    cells = [[short(_cell(row.get(column, ""))) for column in columns] for row in rows]
    widths = [max(len(line[n]) for line in [columns, *cells]) for n in range(len(columns))]
    with paged():
        for number, line in enumerate([[column.upper() for column in columns], *cells]):
            text = "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
            click.secho(text, bold=number == 0)


def print_json(data: object) -> None:
    """Print `data`, of which a dataclass is a mapping of its fields, and what JSON has no form for is text."""
    click.echo(json.dumps(data, indent=2, default=_plain))


def _plain(value: object) -> object:
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else str(value)


def rows_of(items: Sequence[Any]) -> list[dict[str, Any]]:
    """A row for each of the dataclasses `items`: its fields under their names, in words."""
    names = [(field.name, field.name.replace("_", " ")) for item in items[:1] for field in fields(item)]
    return [{title: getattr(item, name) for name, title in names} for item in items]


def _cell(value: object) -> str:
    return ", ".join(map(str, value)) or "none" if isinstance(value, list | tuple) else str(value)
