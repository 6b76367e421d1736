"""In which form a command prints what it found: `--format`, and `--json` for short."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import click

Command = Callable[..., Any]


def forms(kinds: Iterable[str]) -> Callable[[Command], Command]:
    """The options that choose one of `kinds`, of which the first is what a person reads; passed on as `form`."""
    offered = [*kinds]

    def with_forms(command: Command) -> Command:
        command = click.option("--json", "form", flag_value="json", help="The same as --format json.")(command)
        return click.option(
            "--format",
            "form",
            type=click.Choice(offered),
            default=offered[0],
            show_default=True,
            help="The output format.",
        )(command)

    return with_forms
