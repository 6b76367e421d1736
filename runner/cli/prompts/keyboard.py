"""What a person types, waited for while something else may settle the question."""

import select
import sys
from collections.abc import Callable, Sequence
from io import UnsupportedOperation

import click

from runner.core.errors import DeniedError

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
    return _line(f"{question}: ", settled)


def typed(prompt: str = "") -> str:
    """What Python's `input` returns, by which a Ctrl-C just as it begins to wait is not heard before the next key.

    Raises:
        click.Abort: the input has come to an end.
    """
    return _line(prompt, lambda: False) or ""


def _line(prompt: str, settled: Callable[[], bool]) -> str | None:
    click.echo(prompt, nl=False, err=True)
    while not _is_typed():
        if settled():
            click.echo(err=True)
            return None
    text = sys.stdin.readline()
    if not text:
        raise click.Abort
    return text.rstrip("\n")


def _is_typed() -> bool:
    """Whether a line, or the end, is there to be read."""
    try:
        return bool(select.select([sys.stdin], [], [], _PAUSE)[0])
    except UnsupportedOperation:  # it is no file, so that reading it never waits
        return True


def is_there() -> bool:
    """Whether there is a person who sees a question, and can answer it."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def check_terminal(*, nothing: str, hint: str) -> None:
    """See that there is a person to be asked; `hint` says what to do where there is none.

    Raises:
        DeniedError: there is none, so that it came to `nothing`.
    """
    if not is_there():
        raise DeniedError(f"{nothing}: there is no terminal to ask on", hint=hint)


def agree(question: str, *, nothing: str, hint: str) -> None:
    """Go on only if a person says yes to `question`; `hint` is how they say so in advance.

    Raises:
        DeniedError: they do not, or cannot be asked, so that it came to `nothing`.
    """
    check_terminal(nothing=nothing, hint=hint)
    if not click.confirm(f"  {question}", default=False, err=True):
        raise DeniedError(f"{nothing}: the answer was no")
