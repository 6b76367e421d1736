"""`runbook find`: Find the runbook for an alert, an error message or a few words."""

import re
import sys
from dataclasses import asdict
from typing import Any

import click

from runner.cli import context
from runner.cli.output.table import print_json
from runner.cli.output.terminal import safe, short
from runner.cli.prompts.input_options import given_option
from runner.cli.target_options import inventories_option, limit_option
from runner.core.errors import InvalidInputError
from runner.core.wording import counted
from runner.library.search.search import Reason, SearchHit
from runner.services.library.find_runbooks import CALL_SOMEBODY, find_runbooks

_SHOWN = 72
"""Characters of a passage that are shown."""

_LONGEST = 65_536
"""Bytes that are read of what is pasted, which may be a log with bytes that are no text."""


@click.command(
    "find",
    epilog="""\b
    runbook find MON-005
    runbook find connection pool
    runbook find 'FATAL: remaining connection slots are reserved'
    journalctl -u shop -n 20 | runbook find -
    runbook find MON-005 --plan -i inventories/production
    """,
)
@click.argument("words", nargs=-1, required=True)
@click.option(
    "--plan", "at_once", is_flag=True, help="Show the plan of the runbook, if it is clear which one is meant."
)
@inventories_option
@limit_option
@given_option
@click.option("-n", "--most", type=click.IntRange(min=1), default=5, show_default=True, help="Show at most this many.")
@click.option("--json", "as_json", is_flag=True, help="The hits, or with --plan the plan, as JSON.")
@click.pass_context
def command(
    ctx: click.Context, /, words: tuple[str, ...], *, at_once: bool, most: int, as_json: bool, **to: Any
) -> None:
    """Find the runbook for WORDS: an id (MON-005), an error message, or what people see.

    With `-`, the words are read from standard input. An alert that only informs leads to its page. Exit code 2: nothing
    was found, or with --plan it is not clear which runbook is meant.
    """
    pasted = sys.stdin.buffer.read(_LONGEST).decode(errors="replace") if words == ("-",) else None
    question = " ".join(words) if pasted is None else pasted
    found = find_runbooks(question, context.library())
    hits = found.hits
    if found.faults:
        click.echo(f"warning: {counted(found.faults, 'fault')}: see runbook registry", err=True)
    for entry in found.unanswered:
        whose = f"its owner is {entry.owner}"
        click.echo(f"no runbook is for {entry.id} ({safe(entry.title)}); {safe(whose)}", err=True)
    if not hits and not found.pages:
        hint = "try fewer or other words; runbook list shows all of them"
        raise InvalidInputError(f"no runbook is about {short(question, _SHOWN)!r}", hint=hint)
    if at_once:
        from runner.cli.commands.night import plan  # noqa: PLC0415 - only who plans waits for its imports

        ctx.invoke(plan.command, runbook=found.one(), as_json=as_json, **to)
        return
    nexts = [found.next_command(hit, **to) for hit in hits[:most]]
    if as_json:
        runbooks = [{**asdict(hit), "next": following} for hit, following in zip(hits[:most], nexts, strict=True)]
        pages = [{"alert": alert.id, "title": alert.title, "page": alert.page} for alert in found.pages]
        print_json([*pages, *runbooks])
        return
    for alert in found.pages:
        click.echo(f"{click.style(alert.id, bold=True)}  {safe(alert.title)}")
        click.echo(f"         it asks for no action; read {safe(str(alert.page))}")
    for hit, following in zip(hits[:most], nexts, strict=True):
        _show(hit, following, found.why_not(hit))
    if len(hits) > most:
        click.echo(f"{len(hits) - most} more, less relevant; -n {len(hits)} shows them", err=True)


def _show(hit: SearchHit, following: str, why_not: str) -> None:
    click.echo(f"{click.style(hit.runbook, bold=True)}  {safe(hit.title)}")
    for reason in hit.reasons:
        click.echo(f"         {safe(reason.where)}: {_marked(reason)}")
    if hit.deprecated:
        click.echo(f"         {safe(hit.deprecated)}{f'; use {hit.instead}' if hit.instead else ''}")
    if following:
        click.echo(f"         next: {safe(following)}")
    elif not hit.written:
        click.echo(f"         {why_not}: {CALL_SOMEBODY}")


def _marked(reason: Reason) -> str:
    """The passage around the first word that was found, with every such word in bold."""
    text = " ".join(reason.text.split())
    words = "|".join(map(re.escape, sorted(reason.words, key=len, reverse=True)))
    pattern = re.compile(words or re.escape(text), re.IGNORECASE)
    first = pattern.search(text)
    start = max(0, (first.start() if first else 0) - _SHOWN // 3) if len(text) > _SHOWN else 0
    cut = text[start : start + _SHOWN]
    marked = pattern.sub(lambda match: click.style(safe(match[0]), bold=True), safe(cut))
    return f"{'…' * bool(start)}{marked}{'…' * (start + _SHOWN < len(text))}"
