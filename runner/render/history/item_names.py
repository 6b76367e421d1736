"""What the items of a step with `each` are called, as people read it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runner.core.step_tags import item_of, undone_step
from runner.core.wording import in_one_line, listed
from runner.store.log import record_data

_LONGEST = 120


class ItemNames:
    """Knows the items of the steps of one run, once it was told which there are."""

    def __init__(self) -> None:
        self._items: dict[str, dict[str, list[Any]]] = {}

    def add(self, step: str, host: str, data: Mapping[str, Any]) -> None:
        """Take note of the `data` of an event `step.expanded`."""
        self._items.setdefault(step, {})[host] = list(record_data.items(data, "items"))

    def of(self, name: str, host: str = "", *, known_as: str = "") -> str:
        """The number of the item that is recorded as `name`, and what it is, on `host` or on each one.

        `known_as` is the name under which its step was added, where that is another. Empty where it is a whole step.
        """
        item = item_of(name)
        if item is None:
            return ""
        step, number = item
        items = self._items.get(known_as or undone_step(step) or step, {})
        every = [items.get(host, [])] if host else items.values()
        found = list(dict.fromkeys(in_one_line(items[number - 1]) for items in every if len(items) >= number))
        label = listed(found, 2)
        short = label if len(label) <= _LONGEST else f"{label[:_LONGEST]}..."
        return f" [{number}]: {short}" if short else f" [{number}]"
