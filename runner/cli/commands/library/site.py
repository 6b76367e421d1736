"""`runbook site`: Write the catalogue of runbooks and runs as a static site that works offline."""

from datetime import timedelta
from pathlib import Path

import click

from runner.cli import context
from runner.cli.option_groups import Parsed
from runner.cli.output.terminal import safe
from runner.core import duration
from runner.core.wording import counted
from runner.services.library.publish_library import publish_site


@click.command("site")
@click.argument("out", type=click.Path(path_type=Path))
@click.option(
    "--stale-after",
    type=Parsed("duration", duration.read),
    default="90d",
    show_default=True,
    help="How old a test may be to count as recent, like 30d or 12w.",
)
def command(out: Path, *, stale_after: timedelta) -> None:
    """Write the site to the directory OUT, completely or not at all. OUT is new, empty, or an earlier site.

    The pages need no server and no network. If there is a record of runs, they show it, and which runbooks have no
    recent test.
    """
    number = publish_site(
        context.library(),
        out,
        state=context.state_path(),
        now=context.clock(),
        stale_after=stale_after,
    )
    click.echo(f"wrote {counted(number, 'page')} to {safe(str(out / 'index.html'))}")
