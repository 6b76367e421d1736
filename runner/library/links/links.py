"""What links to what: runbooks and entries to each other, and to hosts, contacts and programs; both directions."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Collection as Group
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple, cast

from runner.core.deferred import dataclass
from runner.core.errors import InvalidInputError
from runner.library.registry.registry import PREFIXES, of_prefix, prefix
from runner.library.snapshot import LibrarySnapshot
from runner.model.yaml.finding import Finding, Level, Place, Position, did_you_mean, leaves, show

Sort = Literal["entry", "runbook", "hosts", "contact", "program", "shared"]


class Link(NamedTuple):
    """`source` (a runbook or an entry) names `target` at `place` of the file that it is written in."""

    source: str
    target: str
    sort: Sort
    place: Place
    file: str
    position: Position

    @property
    def where(self) -> str:
        """The place as people write it, without the entry's own id before it."""
        return show(self.place[1:] if self.place[:1] == (self.source,) else self.place)

    @property
    def line(self) -> int:
        """The line of the file, from 1."""
        return self.position[0]

    def finding(self, rule: str, message: str, *, hint: str = "", level: Level = Level.ERROR) -> Finding:
        """The finding that something is wrong with this link."""
        return Finding(self.file, *self.position, show(self.place), level, rule, message, hint)


def links(snapshot: LibrarySnapshot) -> tuple[Link, ...]:
    """Every link of `snapshot`, in the order of its files."""
    prefixes = {*PREFIXES, *map(prefix, snapshot.references)}
    owners = technologies(snapshot)

    @cache
    def targets(kind: str, word: str, *, of_runbook: bool) -> Sequence[tuple[str, Sort]]:
        """What a mention links to in this library: an unknown contact, or SHA-256, is no link."""
        return [*_targets(kind, word, snapshot.contacts, prefixes, owners if of_runbook else {})]

    return tuple(
        Link(source, target, kind, tuple(place), file, Position(*position))
        for source, file, mentions in _mentions(snapshot)
        for mentioned, word, place, position in mentions
        for target, kind in targets(mentioned, word, of_runbook=sort(source) == "runbook")
        if source != target
    )


def _mentions(snapshot: LibrarySnapshot) -> Iterator[tuple[str, str, Sequence[Any]]]:
    """What each runbook and each entry mentions, as it is kept, and the file that it is written in."""
    for name, text in snapshot.index.columns("mentions"):
        if runbook := snapshot.runbooks.get(name.removesuffix(".yml")):
            yield runbook.id, runbook.file, json.loads(text)
    for name, reference in snapshot.references.items():
        yield name, reference.file, reference.mentions


def _targets(
    kind: str, word: str, contacts: Group[str], prefixes: Group[str], owners: Mapping[str, str]
) -> Iterator[tuple[str, Sort]]:
    if kind in {"hosts", "program", "shared"} or (kind == "contact" and word in contacts):
        yield word, cast("Sort", kind)
    if kind == "id" or (kind == "id in text" and prefix(word) in prefixes):
        yield word, sort(word)
    if kind == "program" and word in owners:
        yield owners[word], "entry"


def of(source: str, among: Iterable[Link]) -> list[Link]:
    """What `source` links to."""
    return [link for link in among if link.source == source]


def to(targets: Iterable[str], among: Iterable[Link]) -> list[Link]:
    """What links to one of `targets`."""
    wanted = set(targets)
    return [link for link in among if link.target in wanted]


def sort(name: str) -> Sort:
    """What the id `name` is that of."""
    return "runbook" if prefix(name) == "RUN" else "entry"


def host_names(pattern: str) -> list[str]:
    """The hosts and groups that the host pattern matches or asks for; not those that it leaves out."""
    asked = (part.lstrip("&") for part in re.split(r"[:,]", pattern) if not part.startswith("!"))
    parts = (re.sub(r"\[[^\]]*\]$", "", part) for part in asked)
    return list(dict.fromkeys(part for part in parts if part))


def technologies(snapshot: LibrarySnapshot) -> Mapping[str, str]:
    """The id of the TECH- entry that each program belongs to."""
    known = of_prefix(snapshot.references.values(), "TECH")
    return {program: entry.id for entry in known for program in entry.commands}


Holding = Callable[[str, Sequence[str], Path], Sequence[str] | None]
"""Those of some host patterns that hold a host or a group, in one of the inventories in a folder; None: in none."""


def resolve(word: str, snapshot: LibrarySnapshot, among: Iterable[Link], holding: Holding) -> list[str]:
    """What `word` may mean as a target: an id, a host or group, a program, a contact, its member or its handle.

    A handle like @db-team means every contact in whose entry it is written, and a login name every one that it is a
    member of. A host or group of the library's inventories means the patterns that hold it, as `holding` knows.
    """
    among = tuple(among)
    bare = word.removeprefix("@")
    known = {link.target for link in among} | {*snapshot.contacts, *snapshot.references, *snapshot.runbooks}
    exact = [name for name in (word, bare, word.upper()) if name in known]
    is_id = any(name in snapshot.references or name in snapshot.runbooks for name in exact)
    found = [*exact[:1], *([] if is_id else _holding(bare, snapshot, among, holding))]
    groups = [name for name, contact in snapshot.contacts.items() if bare in contact.members]
    return list(dict.fromkeys(found)) or [*groups, *_mentioned(bare, snapshot)]


def _holding(name: str, snapshot: LibrarySnapshot, among: Iterable[Link], holding: Holding) -> list[str]:
    """The host or group of the library's inventories, and the patterns of runbooks that hold it or speak of it."""
    patterns = sorted({link.target for link in among if link.sort == "hosts"})
    found = holding(name, patterns, snapshot.root / "inventories")
    spoken = [pattern for pattern in patterns if name in host_names(pattern)]
    return [*([] if found is None else [name, *found]), *spoken]


def _mentioned(handle: str, snapshot: LibrarySnapshot) -> list[str]:
    if not handle:
        return []
    written = re.compile(rf"(?<![\w@-])@{re.escape(handle)}(?![\w-])", re.IGNORECASE)
    value = snapshot.handles
    return [name for name in value if any(written.search(str(text)) for _, text in leaves(value[name]))]


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


def meant(word: str, snapshot: LibrarySnapshot, among: Iterable[Link], holding: Holding) -> list[str]:
    """What `word` means: an id, a host or group, a program, a contact, its member or a handle like @db-team.

    Raises:
        InvalidInputError: nothing here is called so.
    """
    among = tuple(among)
    found = resolve(word, snapshot, among, holding)
    if not found:
        known = {link.target for link in among} | {*snapshot.runbooks, *snapshot.references, *snapshot.contacts}
        hint = did_you_mean(word, sorted(known)) or "an id, a host or group, a contact or its member, or a program"
        raise InvalidInputError(f"nothing here is called {word!r}, and nothing links to it", hint=hint)
    return found


def title(name: str, snapshot: LibrarySnapshot) -> str:
    """What `name` is, in words; empty for hosts and programs, which have none."""
    if name in snapshot.runbooks:
        return snapshot.runbooks[name].title
    if name in snapshot.references:
        planned = " (planned)" if prefix(name) == "RUN" else ""
        return snapshot.references[name].title + planned
    return snapshot.contacts[name].name if name in snapshot.contacts else ""
