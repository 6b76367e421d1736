"""Whom a change would reach: what links to a thing itself, and what leads to the runbooks among those."""

from __future__ import annotations

from collections.abc import Collection as Group
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from runner.core.errors import InvalidInputError
from runner.library.links.links import Holding, Link, resolve, to
from runner.library.registry.registry import prefix
from runner.library.snapshot import Collection
from runner.model.yaml.finding import did_you_mean


@dataclass(frozen=True)
class Impact:
    """A link that a change reaches: directly, or `through` the runbook that it leads to."""

    link: Link
    through: str = ""


def impact(targets: Group[str], among: Sequence[Link]) -> tuple[Impact, ...]:
    """What a change to one of `targets` reaches, the direct links first."""
    direct = to(targets, among)
    runbooks = list(dict.fromkeys(link.source for link in direct if prefix(link.source) == "RUN"))
    known = {*targets, *(link.source for link in direct)}
    leading = [link for link in to(runbooks, among) if link.sort == "runbook" and link.source not in known]
    return (*map(Impact, direct), *(Impact(link, link.target) for link in leading))


def meant(word: str, collection: Collection, among: Iterable[Link], holding: Holding) -> list[str]:
    """What `word` means: an id, a host or group, a program, a contact, its member or a handle like @db-team.

    Raises:
        InvalidInputError: nothing here is called so.
    """
    among = tuple(among)
    found = resolve(word, collection, among, holding)
    if not found:
        known = {link.target for link in among} | {*collection.runbooks, *collection.references, *collection.contacts}
        hint = did_you_mean(word, sorted(known)) or "an id, a host or group, a contact or its member, or a program"
        raise InvalidInputError(f"nothing here is called {word!r}, and nothing links to it", hint=hint)
    return found


def title(name: str, collection: Collection) -> str:
    """What `name` is, in words; empty for hosts and programs, which have none."""
    if name in collection.runbooks:
        return collection.runbooks[name].title
    if name in collection.references:
        planned = " (planned)" if prefix(name) == "RUN" else ""
        return collection.references[name].entry.title + planned
    return collection.contacts[name].name if name in collection.contacts else ""
