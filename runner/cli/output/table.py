"""Rows as an aligned table that can be copied, piped and grepped."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

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
    cells = [[short(_said(row.get(column, ""))) for column in columns] for row in rows]
    widths = [max(len(line[n]) for line in [columns, *cells]) for n in range(len(columns))]
    with paged():
        for number, line in enumerate([[column.upper() for column in columns], *cells]):
            text = "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
            click.secho(text, bold=number == 0)


def _said(value: object) -> str:
    return ", ".join(map(str, value)) or "none" if isinstance(value, list) else str(value)
