"""What became of pages that were sent again, in words."""

from __future__ import annotations

from collections.abc import Sequence

import click

from runner.cli.output.ending import became
from runner.cli.output.terminal import safe
from runner.core.wording import addressee
from runner.escalation.dispatch import SentPage
from runner.services.incident_response import CalledNext
from runner.services.notifications import Flushed


def show_sent(flushed: Flushed) -> None:
    """Print what became of each page."""
    for each in flushed.sent:
        click.echo(f"page     {_line(each)}", err=True)
    complain_of(flushed.problems)


def show_next_levels(called: CalledNext) -> None:
    """Print who was called because nobody has acknowledged."""
    for run, call in called.calls:
        reached = "it arrived" if call.arrived else f"NOT REACHED, call them yourself: {call.reason}"
        click.echo(safe(f"called   {addressee(call.contact, call.channel)} for the run {run}: {reached}"), err=True)
    complain_of(called.problems)


def _line(each: SentPage) -> str:
    notification, ok = each.notification, each.receipt.ok
    arrived = became(notification.page.action, arrived=ok) + ("" if ok else f": {each.receipt.reason}")
    to = f"{addressee(each.contact, notification.by)} for the run {notification.run}"
    return safe(f"{to}: {arrived}")


def complain_of(problems: Sequence[str]) -> None:
    """Print each of `problems`."""
    for problem in problems:
        click.echo(f"error: {safe(problem)}", err=True)
