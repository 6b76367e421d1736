"""A list of rows with a box before each, ticked with the keys of a terminal."""

from __future__ import annotations

import os
import select
import sys
import termios
import tty
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Self

import click

from runner.core.deferred import dataclass

if TYPE_CHECKING:  # imported where it is used: only who ticks boxes waits for it
    from rich.console import Console
    from rich.text import Text

_KEYS = {b"\x1b[A": "up", b"\x1bOA": "up", b"k": "up", b"\x1b[B": "down", b"\x1bOB": "down", b"j": "down"}
_KEYS |= {b" ": "tick", b"a": "all", b"n": "none", b"\r": "done", b"\n": "done", b"\x1b": "leave", b"q": "leave"}
_HELP = "up and down move, space ticks, (a)ll, (n)one, enter takes what is ticked, q nothing"
_EMPTY = "nothing is ticked yet: space ticks a row, (a)ll of them, q takes nothing"
_PAUSE = 0.2


@dataclass(frozen=True)
class Boxes:
    """The list as it stands: the row `at` which the person is, and the numbers of those that are `ticked`, from 0.

    `hint` says what can be done.
    """

    rows: Sequence[str]
    at: int = 0
    ticked: frozenset[int] = frozenset()
    hint: str = _HELP

    def press(self, key: str) -> Self:
        """The list after `key`."""
        match key:
            case "up" | "down":
                return replace(self, at=(self.at + (1 if key == "down" else -1)) % len(self.rows))
            case "tick":
                return replace(self, ticked=self.ticked ^ {self.at})
            case "all":
                return replace(self, ticked=frozenset(range(len(self.rows))))
            case "none":
                return replace(self, ticked=frozenset())
            case "done":  # taken alone it would say that nothing is to be done, which a person says with another key
                return replace(self, hint=_EMPTY)
        return self

    def lines(self, most: int) -> Iterator[str]:
        """The rows around where the person is, `most` of them."""
        first = max(0, min(self.at - most // 2, len(self.rows) - most))
        for number, row in enumerate(self.rows[first : first + most], first):
            yield f"  {'>' if number == self.at else ' '} [{'x' if number in self.ticked else ' '}] {row}"

    def drawn(self, console: Console) -> Text:
        """The list for a screen of that size."""
        from rich.text import Text  # noqa: PLC0415

        lines = [line[: console.width - 1] for line in self.lines(max(3, console.height - 4))]
        return Text("\n".join([*lines, f"    {len(self.ticked)} of {len(self.rows)}: {self.hint}"]))


def are_possible() -> bool:
    """Whether there is a terminal on which they can be drawn."""
    try:
        termios.tcgetattr(sys.stdin.fileno())
    except (OSError, ValueError, termios.error):
        return False
    return sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"


def tick(rows: Sequence[str], *, settled: Callable[[], bool]) -> list[int] | None:
    """The numbers, from 0, of the rows that a person ticks; None once the question is settled.

    Raises:
        click.Abort: the terminal is gone.
    """
    from rich.console import Console  # noqa: PLC0415
    from rich.live import Live  # noqa: PLC0415

    boxes, console = Boxes(rows), Console(stderr=True)
    with _keys() as keys, Live(boxes.drawn(console), console=console, auto_refresh=False, transient=True) as live:
        while not settled():
            for key in keys():
                if key == "leave" or (key == "done" and boxes.ticked):
                    return sorted(boxes.ticked) if key == "done" else []
                boxes = boxes.press(key)
            live.update(boxes.drawn(console), refresh=True)
    return None


@contextmanager
def _keys() -> Iterator[Callable[[], list[str]]]:
    """Keys as they are pressed, without an echo; the terminal is put back afterwards."""
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    try:
        tty.setcbreak(descriptor)
        yield lambda: _pressed(descriptor)
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def _pressed(descriptor: int) -> list[str]:
    if not select.select([descriptor], [], [], _PAUSE)[0]:
        return []
    typed = os.read(descriptor, 1024)
    if not typed:
        raise click.Abort
    keys = []
    while typed:
        code = next((code for code in sorted(_KEYS, key=len, reverse=True) if typed.startswith(code)), typed[:1])
        keys += [_KEYS[code]] if code in _KEYS else []
        typed = typed[len(code) :]
    return keys
