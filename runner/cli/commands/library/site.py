"""`runbook site`: Write the catalogue of runbooks and runs as a static site that works offline."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click

from runner.cli import context
from runner.cli.output.terminal import counted, safe
from runner.core import duration
from runner.library.snapshot import read
from runner.render.history.run_history import RunHistory
from runner.render.site.pages import pages
from runner.render.site.publish import check, publish
from runner.render.site.site_content import gather
from runner.services.run_list import run_histories
from runner.services.run_requests import inventories_of


class _Duration(click.ParamType[timedelta]):
    """A duration as runbooks write it."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        try:
            return duration.read(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.command("site")
@click.argument("out", type=click.Path(path_type=Path))
@click.option(
    "--stale-after",
    type=_Duration(),
    default="90d",
    show_default=True,
    help="How old a test may be to count as recent, like 30d or 12w.",
)
def command(out: Path, *, stale_after: timedelta) -> None:
    """Write the site to the directory OUT, completely or not at all. OUT is new, empty, or an earlier site.

    The pages need no server and no network. If there is a record of runs, they show it, and which runbooks have no
    recent test.
    """
    check(out)
    library = context.library()
    collection = read(library, context.cache())
    now = context.clock()
    runs = run_histories(context.state_path(), now)
    made = pages(
        gather(
            collection,
            runs,
            now=now.wall,
            stale_after=stale_after,
            reports=_reports(runs or (), out),
            inventories=inventories_of(library),
        )
    )
    publish(made, out)
    click.echo(f"wrote {counted(len(made), 'page')} to {safe(str(out / 'index.html'))}")


def _reports(runs: Iterable[RunHistory], out: Path) -> dict[str, str]:
    """Where the report of each run lies, as seen from the site."""
    places = {run.run: context.state_path().absolute() / "runs" / run.run / "report.html" for run in runs}
    site = os.path.realpath(out)
    return {run: quote(os.path.relpath(path.resolve(), site)) for run, path in places.items() if path.is_file()}
