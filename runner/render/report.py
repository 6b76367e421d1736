"""The report of a run, made from its history: as Markdown, HTML or JSON, on the screen or in files."""

from __future__ import annotations

from pathlib import Path

from runner.render.history.run_history import RunHistory

FORMATS = ("md", "html", "json")


def render(run: RunHistory, form: str) -> str:
    """The report as `md`, `html` or `json`."""
    from runner.render import report_html  # noqa: PLC0415 - only a report pays for the import of its templates

    return report_html.render(run, form)


def write(run: RunHistory, directory: Path) -> Path:
    """Write the report in every format into `directory`; the path of the one that people read."""
    for form in FORMATS:
        (directory / f"report.{form}").write_text(render(run, form), encoding="utf-8")
    return directory / "report.html"
