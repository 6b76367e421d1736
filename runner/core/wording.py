"""Values as people read them: in one line, and grouped by what they have in common."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")

NO_CHANNEL = "none"
"""What stands for the channel of a contact who has none."""

FEW = 6
"""Items of a list that are all shown."""

_BEGINNING = 3
"""Items of a longer one that are shown of its beginning."""

_ERROR = "[ERROR]: "
"""How Ansible begins a line about an error."""


def listed(names: Sequence[str], most: int = 5) -> str:
    """`names` in one line: of many the first, and how many more there are."""
    first = ", ".join(names[:most])
    return first if len(names) <= most else f"{first} and {len(names) - most} more"


def counted(number: int, thing: str) -> str:
    """`1 run`, `2 runs`."""
    return f"{number} {thing}{'s' * (number != 1)}"


def lines_joined(text: str) -> str:
    """`text` in one line, with a mark where a line ends, so that two commands do not look like one."""
    return " ⏎ ".join(line.strip() for line in text.splitlines() if line.strip())


def in_one_line(value: Any, *, things: str = "items", show: Callable[[str], str] = str) -> str:
    """`value` in one line, each text in it by `show`; of a long list how many `things` it has, and both its ends."""
    if isinstance(value, list):
        told = partial(in_one_line, show=show)
        items = [f"[{told(item)}]" if isinstance(item, list) else told(item) for item in value]
        few = ", ".join(items) or "nothing"
        return few if len(items) <= FEW else f"{len(items)} {things}: {', '.join(items[:_BEGINNING])} ... {items[-1]}"
    if isinstance(value, Mapping):
        return "(" + " ".join(f"{show(str(key))}={in_one_line(item, show=show)}" for key, item in value.items()) + ")"
    return show(value if isinstance(value, str) else json.dumps(value))


def addressee(contact: str, channel: str) -> str:
    """Whom a page went to, and by which channel where the contact has one: `ops by email`."""
    return contact if channel == NO_CHANNEL else f"{contact} by {channel}"


def first_line(text: str) -> str:
    """What of `text` goes into one sentence: its first line, and where that only announces the next one, that too.

    Of what Ansible printed below it, the line that it marks as an error says what is wrong.
    """
    first, _, rest = text.strip().partition("\n")
    lines = [line.strip() for line in rest.splitlines() if line.strip()]
    if not (first.endswith(":") and lines):
        return first
    error = next((line for line in lines if line.startswith(_ERROR)), lines[-1])
    return f"{first} {error.removeprefix(_ERROR)}"


def grouped(pairs: Iterable[tuple[Key, Value]]) -> dict[Key, list[Value]]:
    """The values of `pairs` by their keys, in the order in which each key comes first."""
    found: dict[Key, list[Value]] = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return found
