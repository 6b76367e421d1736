"""What a person types, waited for while something else may settle the question."""

from __future__ import annotations

import select
import sys
from collections.abc import Callable, Sequence
from io import UnsupportedOperation

import click

_PAUSE = 0.2
"""Seconds between two looks at whether the question is settled."""


def letter(question: str, letters: Sequence[str], *, settled: Callable[[], bool]) -> str | None:
    """The one of `letters` that was typed; None once the question is settled.

    Raises:
        click.Abort: the input has come to an end.
    """
    while (typed := line(question, settled=settled)) is not None:
        if (answer := typed.strip().lower()) in letters:
            return answer
        if answer:
            *first, last = letters
            click.echo(f"  Please answer {', '.join(first)} or {last}.", err=True)
    return None


def line(question: str, *, settled: Callable[[], bool]) -> str | None:
    """The line that was typed after `question` was shown; None once it is settled.

    Raises:
        click.Abort: the input has come to an end.
    """
    click.echo(f"{question}: ", nl=False, err=True)
    while not _typed():
        if settled():
            click.echo(err=True)
            return None
    text = sys.stdin.readline()
    if not text:
        raise click.Abort
    return text.rstrip("\n")


def _typed() -> bool:
    """Whether a line, or the end, is there to be read."""
    try:
        return bool(select.select([sys.stdin], [], [], _PAUSE)[0])
    except UnsupportedOperation:  # it is no file, so that reading it never waits
        return True
