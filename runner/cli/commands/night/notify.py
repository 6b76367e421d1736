"""`runbook notify`: Show the pages that have not arrived, send them again, or give one up."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from runner.cli import context
from runner.cli.output.sent_pages import complain_of, show_sent
from runner.cli.output.table import draw
from runner.cli.output.terminal import safe
from runner.core.errors import ExitCode
from runner.services.notifications import drop_page, flush_pages, undelivered_pages

_COLUMNS = ("id", "run", "contact", "channel", "action", "status", "attempts", "reason")


@click.group("notify")
def command() -> None:
    """Show the pages that have not arrived, send them again, or give one up.

    Every later command that works on runs sends them again, too; a page that is refused three times waits for a person.
    """


@command.command("list", short_help="Show the pages that have not arrived.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def list_pages(*, as_json: bool) -> None:
    """Show every page that has not arrived: whom it is for, by which channel, and what became of it."""
    pages, problems = undelivered_pages(context.recorded())
    if as_json:
        click.echo(json.dumps([asdict(page) for page in pages], indent=2, default=str))
    else:
        draw([{name: str(getattr(page, name)) for name in _COLUMNS} for page in pages], empty="every page has arrived")
    complain_of(problems)


@command.command("flush", short_help="Send the pages that have not arrived.")
def flush() -> None:
    """Send every page that has not arrived, all at once; exit 8 if one still has not arrived."""
    flushed = flush_pages(context.installation(context.recorded()))
    show_sent(flushed)
    if not flushed.sent and not flushed.problems:
        click.echo("every page has arrived", err=True)
    if flushed.problems or not all(each.receipt.ok for each in flushed.sent):
        raise click.exceptions.Exit(ExitCode.PAGING)


@command.command("drop", short_help="Give up a page that has not arrived.")
@click.argument("name", metavar="ID")
@click.option("--because", metavar="WHY", required=True, help="How they were reached, or why they need not be.")
def drop(name: str, *, because: str) -> None:
    """Give up the page ID of `runbook notify list`: it is not sent again, and status shows it no longer.

    Who gave it up and why is in the audit log.
    """
    page = drop_page(context.installation(context.recorded()), name, because)
    click.echo(f"dropped  {page.id}: {safe(page.contact)} by {page.channel}: {safe(page.summary)}")
