"""Options that several commands have together."""

from collections.abc import Callable, Iterable
from functools import reduce
from typing import Any, TypeVar

import click

Value = TypeVar("Value")
Command = Callable[..., Any]


class Parsed(click.ParamType[Value]):
    """The type of an option whose value is what `read` makes of the text; a ValueError says what is wrong with that."""

    def __init__(self, name: str, read: Callable[[str], Value]) -> None:
        self.name, self._read = name, read

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Value:
        """What `value` means."""
        try:
            return self._read(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def together(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """One decorator in the place of several; the first of them comes first in the help."""
    return lambda command: reduce(lambda made, option: option(made), reversed(options), command)


def forms(kinds: Iterable[str]) -> Callable[[Command], Command]:
    """The options that choose one of `kinds`, of which the first is what a person reads; passed on as `form`."""
    offered, about = [*kinds], "The output format."
    return together(
        click.option("--format", "form", type=click.Choice(offered), default=offered[0], show_default=True, help=about),
        click.option("--json", "form", flag_value="json", help="The same as --format json."),
    )
