"""Who is called next when nobody has acknowledged an incident: level by level, L1 first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from runner.core.deferred import dataclass

if TYPE_CHECKING:  # whoever reads of a level that was called does not wait for what reads contacts
    from runner.model.contacts import Contact

ALL = "all"
"""The level of a policy without `next_after`: everybody is called at once."""


@dataclass(frozen=True, slots=True)
class ContactLevel:
    """A step of the ladder: its name, L1 to L3, and the contacts who are called together."""

    name: str
    contacts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CalledLevel:
    """A level that was called: when, and whether a page to it may have arrived."""

    name: str
    at: datetime
    reached: bool


@dataclass(frozen=True, slots=True)
class DueCalls:
    """The levels that are to be called now, and the instant at which the next one is; None when none is left.

    `passed_over` are contacts who would be called by now, were it not outside of their hours.
    """

    levels: tuple[ContactLevel, ...] = ()
    next: datetime | None = None
    passed_over: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The contacts who are to be called now."""
        return tuple(name for level in self.levels for name in level.contacts)


@dataclass(frozen=True, slots=True)
class NextLevel:
    """The contacts who are called `at` that time, unless somebody acknowledges before."""

    contacts: tuple[str, ...]
    at: datetime


def levels(names: Sequence[str], contacts: Mapping[str, Contact]) -> tuple[ContactLevel, ...]:
    """The contacts in `names` by their level, in the order of the levels; one whom `contacts` does not have is L1."""
    by_level: dict[str, list[str]] = {}
    for name in names:
        by_level.setdefault(contacts[name].level if name in contacts else "L1", []).append(name)
    return tuple(ContactLevel(level, tuple(by_level[level])) for level in sorted(by_level))


def newest(so_far: Sequence[CalledLevel]) -> CalledLevel:
    """The level that was called last, the higher one of two at the same moment."""
    return max(so_far, key=lambda each: (each.at, each.name))


def due(
    ladder: Sequence[ContactLevel],
    contacts: Mapping[str, Contact],
    next_after: timedelta | None,
    so_far: Sequence[CalledLevel],
    now: datetime,
) -> DueCalls:
    """Whom to call `now` for an incident that nobody has acknowledged.

    The next level is due `next_after` the one before, and at once where no page to that one can have arrived. A contact
    outside of its hours is passed over, as long as somebody within theirs is left: at last everybody is called. Without
    `next_after` everybody is called at once, and once.
    """
    left = [level for level in ladder if level.name not in {each.name for each in so_far}]
    if next_after is None:
        everybody = tuple(name for level in left for name in level.contacts)
        return DueCalls() if so_far or not everybody else DueCalls((ContactLevel(ALL, everybody),))
    if so_far:
        last = newest(so_far)
        left = [level for level in left if level.name > last.name]
        if left and last.reached and now < last.at + next_after:
            return DueCalls((), last.at + next_after)
    for position, level in enumerate(left):
        if awake := tuple(name for name in level.contacts if _is_called(contacts.get(name), now)):
            more, reached = position + 1 < len(left), left[: position + 1]
            asleep = tuple(name for each in reached for name in each.contacts if name not in awake)
            return DueCalls((ContactLevel(level.name, awake),), now + next_after if more else None, asleep)
    return DueCalls(tuple(left))


def following(
    ladder: Sequence[ContactLevel],
    contacts: Mapping[str, Contact],
    next_after: timedelta | None,
    so_far: Sequence[CalledLevel],
    now: datetime,
) -> NextLevel | None:
    """Who is called next while nobody acknowledges what `so_far` was called for; None where nobody follows."""
    calls = due(ladder, contacts, next_after, so_far, now)
    at = now if calls.levels else calls.next
    names = due(ladder, contacts, next_after, so_far, at).names if at else ()
    return NextLevel(names, at) if at and names and so_far else None


def _is_called(contact: Contact | None, now: datetime) -> bool:
    """Whether somebody is called at this hour; one without hours, or without an entry, always is."""
    from runner.model.call_hours import within  # noqa: PLC0415 - as above

    hours = contact.hours if contact else ()
    return not hours or any(within(each, now) for each in hours)
