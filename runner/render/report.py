"""The report of a run, made from its history: as Markdown, HTML or JSON, and its hand-off."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.render.history.run_history import RunHistory

_FILES: Mapping[str, str] = MappingProxyType(
    {"md": "report.md", "html": "report.html", "json": "report.json", "handoff": "handoff.md"}
)
FORMATS = tuple(_FILES)
"""The report as it is read by people and programs; and what whoever is called must know, in plain text."""


def render(run: RunHistory, form: str) -> str:
    """The report as `md`, `html` or `json`, or the hand-off as `handoff`."""
    from runner.render import report_html  # noqa: PLC0415 - only a report pays for the import of its templates

    return report_html.render(run, form)


def write(run: RunHistory, directory: Path) -> Path:
    """Write the report in every format into `directory`, and the hand-off if somebody was called.

    Returns:
        The path of the one that people read.
    """
    for form, name in _FILES.items():
        if form != "handoff" or run.called:
            _write(directory / name, render(run, form))
    return directory / _FILES["html"]


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError:
        path.unlink(missing_ok=True)  # half a file is of no use, and takes room that is needed
        raise
