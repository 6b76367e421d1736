"""What production wants before anything is done there: a reason, the typed name, and a loud word past a guard."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from runner.cli.option_groups import together
from runner.cli.output.terminal import safe, short
from runner.cli.prompts import keyboard
from runner.core.events import Event, EventType
from runner.core.wording import counted

if TYPE_CHECKING:
    from runner.orchestrator.request import RunRequest

guard_options = together(
    click.option("--reason", default="", help="Why you run it. It is recorded; production requires it."),
    click.option(
        "--environment",
        default="",
        metavar="NAME",
        help="The environment that you mean, like production, which requires it.",
    ),
    click.option(
        "--break-glass",
        default="",
        metavar="REASON",
        help="Override the guards that refuse; this is recorded and paged.",
    ),
)
"""The options of every command that may change something in production."""


def with_guard_options(request: RunRequest, options: Mapping[str, Any]) -> RunRequest:
    """`request` with what was given for it now; for a resumed run, what it was started with still counts."""
    return replace(
        request,
        reason=options["reason"] or request.reason,
        environment=options["environment"],
        break_glass=options["break_glass"] or request.break_glass,
    )


def warn_break_glass(request: RunRequest) -> None:
    """Say on standard error, wherever that leads, that this run goes past its guards."""
    if request.break_glass:
        click.secho(
            f"BREAK GLASS: {safe(request.redaction().text(request.break_glass))}", fg="red", bold=True, err=True
        )
        click.echo("the guards of this run do not stop it; that is recorded, reported and paged", err=True)


def type_name(name: str, lines: Sequence[str], *, pause: Callable[[], AbstractContextManager[Any]]) -> str:
    """What a person types who has read `lines` and is asked for `name`; nothing where there is no terminal."""
    if not keyboard.is_there():
        return ""
    with pause():
        click.secho(f"\nThis is {name}.", bold=True, fg="red", err=True)
        for line in lines:
            click.echo(f"  {safe(line)}", err=True)
        typed = click.prompt(f"  type {name} to continue", default="", show_default=False, err=True)
    return str(typed).strip().encode(errors="backslashreplace").decode()


def lines(event: Event) -> list[str]:
    """What a person is told of `event`, which says how a guard has ruled or how a host was found."""
    data = event.data
    match event.type:
        case EventType.GUARD_CHECKED if data["verdict"] != "met":
            return [f"{data['verdict']:10} {guard(data)}"]
        case EventType.GLASS_BROKEN:
            past = len(data["overrides"])
            return [f"BREAK GLASS by {safe(data['by'])}, past {counted(past, 'guard')}: {short(data['reason'])}"]
        case EventType.GATE_VOIDED:
            return [f"void     the approval of {event.step}: {safe('; '.join(data['changes']))}"]
        case EventType.PREFLIGHT_FINISHED if data["outcome"] == "unreachable":
            return [f"FAIL     {short(data['reason'], 500)}"]
        case EventType.PREFLIGHT_FINISHED if data["outcome"] == "not checked":
            return [f"left     {safe(event.host or '')} is not checked: {short(data['reason'])}"]
    return []


def guard(data: Mapping[str, Any]) -> str:
    """What a guard requires, and what was given."""
    return short(data["sentence"], 500)
