"""The items of a step with `each` in the ledger: each has an entry of its own, and from them follows the step's."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import field
from typing import Any

from runner.core.deferred import dataclass
from runner.core.events import Event, EventType
from runner.core.step_tags import item_id, item_of, undo_id, undone_step
from runner.executor.ledger_entry import LedgerEntry

Entries = dict[tuple[str, str], LedgerEntry]


@dataclass
class ItemEntries:
    """Which items each step with `each`, and each undo of one, has on each host: those that it has begun with."""

    entries: Entries
    _numbers: dict[tuple[str, str], list[int]] = field(default_factory=dict)

    def expect(self, name: str, host: str, items: Mapping[int, Any], parts: Collection[str]) -> None:
        """Intend each of `items`, by its number, of the step or undo `name`: `parts` are to be proven of each."""
        self._numbers[name, host] = list(items)
        for number, item in items.items():
            self.entries[item_id(name, number), host] = LedgerEntry(set(parts), item=item)

    def expand(self, event: Event, host: str, parts: Collection[str]) -> None:
        """Intend the items that `event` tells of; a record that was too long for the log has only their number."""
        items, count = event.data.get("items"), int(event.data["count"])
        known = items if isinstance(items, list) and len(items) == count else [None] * count
        self.expect(str(event.step), host, dict(enumerate(known, 1)), parts)

    def of(self, name: str, host: str) -> dict[int, LedgerEntry]:
        """The entries of the items of the step or undo `name`, by their numbers; none where they are not known."""
        return {number: self.entries[item_id(name, number), host] for number in self._numbers.get((name, host), ())}

    def forget(self, step: str, host: str) -> None:
        """What is done again has no undo any more, and a whole step finds its items anew."""
        item = item_of(step)
        undo = undo_id(item[0] if item else step)
        for name in (undo,) if item else (undo, step):
            for number in self._numbers.pop((name, host), ()):
                self.entries.pop((item_id(name, number), host))
        self.entries.pop((undo, host), None)

    def follow(self, event: Event, host: str) -> Iterator[tuple[str, LedgerEntry]]:
        """Let the steps follow to whose items `event` has happened; each that has come to its end by that."""
        item = item_of(event.step or "")
        again = event.type is EventType.STEP_REOPENED and bool(event.data["redo"])
        for name in filter(None, (item[0], undone_step(item[0])) if item else ()):
            entry, items = self.entries.get((name, host)), self.of(name, host)
            if entry and items and _follows(entry, items, again=again):
                yield name, entry


def _follows(entry: LedgerEntry, items: Mapping[int, LedgerEntry], *, again: bool) -> bool:
    """Whether `entry` has come to its end by what its `items` are now."""
    before = entry.outcome
    entry.follow(items)
    if entry.outcome is None:
        entry.earlier = None if again or entry.intended else before or entry.earlier
    return entry.outcome is not None and entry.outcome is not before
