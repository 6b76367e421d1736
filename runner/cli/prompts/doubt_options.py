"""The options by which one says in advance what became of the steps of an earlier run that are in doubt."""

from __future__ import annotations

from collections.abc import Callable

import click

_OPTIONS = (
    click.option("--done", multiple=True, metavar="STEP[@HOST]", help="Say that this interrupted step is done."),
    click.option("--redo", multiple=True, metavar="STEP[@HOST]", help="Execute this interrupted step again."),
)


def doubt_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options of every command that goes on from an earlier run."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
