"""Rows as an aligned table that can be copied, piped and grepped."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from typing import Any

import click

from runner.cli.output.pager import paged
from runner.cli.output.terminal import short


def draw(rows: Sequence[Mapping[str, object]], *, empty: str, optional: Collection[str] = ()) -> None:
    """Print `rows` under the names of their keys, or `empty` when there is none.

    The columns that are `optional` are left out where no row has anything in them.
    """
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


def rows_of(items: Sequence[Any]) -> list[dict[str, Any]]:
    """A row for each of the dataclasses `items`: its fields under their names, in words."""
    names = [(field.name, field.name.replace("_", " ")) for item in items[:1] for field in fields(item)]
    return [{title: getattr(item, name) for name, title in names} for item in items]


def _cell(value: object) -> str:
    return ", ".join(map(str, value)) or "none" if isinstance(value, list | tuple) else str(value)
