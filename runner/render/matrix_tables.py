"""The incident response matrix as Markdown, HTML, CSV or JSON, in which what a runbook says is never more than text."""

import json
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from runner.library.gates.matrix import Row
from runner.render import markup
from runner.render.markup import template_environment

_GAPLESS = "Everything that may happen has a runbook, with an owner and somebody who is called."


def markdown(rows: Sequence[Row]) -> str:
    """A page of Markdown."""
    cells = [row.cells() for row in rows]
    lines = ["# Incident response matrix", "", markup.markdown(note(rows)), ""]
    if cells:
        columns = list(cells[0])
        lines += [
            markup.table_row(columns),
            markup.table_row(["---"] * len(columns)),
            *(markup.table_row(map(markup.markdown, row.values())) for row in cells),
        ]
    return "\n".join(lines).rstrip() + "\n"


def html(rows: Sequence[Row]) -> str:
    """A page that stands alone: no script, no font, no other file."""
    cells = [row.cells() for row in rows]
    columns = list(cells[0]) if cells else []
    template = template_environment("runner.render", text=str).get_template("matrix.html.j2")
    return template.render(rows=cells, columns=columns, note=note(rows)) + "\n"


def comma_separated(rows: Sequence[Row]) -> str:
    """A table for a spreadsheet, in which nothing is a formula."""
    cells = [row.cells() for row in rows]
    return markup.comma_separated([[*cells[0]] if cells else [], *(list(row.values()) for row in cells)])


def as_json(rows: Sequence[Row]) -> str:
    """A list of rows; the gaps are a list of their own."""
    data = [{**row.cells(), "gap": list(row.gaps)} for row in rows]
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


FORMS: Mapping[str, Callable[[Sequence[Row]], str]] = MappingProxyType(
    {"md": markdown, "html": html, "csv": comma_separated, "json": as_json}
)
"""Each form by its name, which is the ending of its files as well."""


def note(rows: Sequence[Row]) -> str:
    """What a reader must know first."""
    gaps = sum(bool(row.gaps) for row in rows)
    if not rows:
        return "The library names nothing that may happen."
    sentence = f"{gaps} of {len(rows)} rows have a gap; they come first." if gaps else _GAPLESS
    asked = rows[0].last_tested is not None
    return (
        sentence if asked else f"{sentence} When a runbook was last tested is in the record: runbook matrix shows it."
    )
