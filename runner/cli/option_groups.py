"""Options that several commands have together."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

Command = Callable[..., Any]


def together(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """One decorator in the place of several; the first of them comes first in the help."""
    return lambda command: reduce(lambda made, option: option(made), reversed(options), command)
