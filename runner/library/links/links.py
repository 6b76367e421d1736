"""What links to what: runbooks and entries to each other, and to hosts, contacts and programs; both directions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel

from runner.core.identifiers import REFERENCE_ID
from runner.kinds.base import Kind, ReadFile
from runner.library.library import Source
from runner.library.registry.registry import KINDS, Reference, Technology, of_kind, prefix
from runner.library.snapshot import Collection
from runner.model.yaml.document import Document
from runner.model.yaml.finding import Finding, Level, Place, show

Sort = Literal["entry", "runbook", "hosts", "contact", "program"]

_ID = re.compile(REFERENCE_ID)
_MENTION = re.compile(r"(?<![A-Za-z0-9-])[A-Z]{2,8}-[0-9]{3,6}(?![0-9A-Za-z-])")
_APPROVERS = ("approve", "group")


@dataclass(frozen=True)
class Link:
    """`source` (a runbook or an entry) names `target` at `place` of the file that it is written in."""

    source: str
    target: str
    sort: Sort
    place: Place
    document: Document

    @property
    def where(self) -> str:
        """The place as people write it, without the entry's own id before it."""
        return show(self.place[1:] if self.place[:1] == (self.source,) else self.place)

    @property
    def line(self) -> int:
        """The line of the file, from 1."""
        return self.document.position(self.place).line

    def finding(self, rule: str, message: str, *, hint: str = "", level: Level = Level.ERROR) -> Finding:
        """The finding that something is wrong with this link."""
        return self.document.finding(self.place, rule, message, hint=hint, level=level)


def links(collection: Collection) -> tuple[Link, ...]:
    """Every link of `collection`, in the order of its files."""
    prefixes = {*KINDS, *map(prefix, collection.references)}
    owners = technologies(collection)
    found: list[Link] = []
    for name, document in collection.documents.items():
        found += _written(name, document, (), collection, prefixes)
        found += _programs(collection.sources[name], document, owners)
    for name, reference in collection.references.items():
        found += _written(name, reference.document, (name,), collection, prefixes)
        if isinstance(reference.entry, Technology):
            found += _commands(reference, reference.entry)
    return tuple(link for link in found if link.source != link.target)


def of(source: str, among: Iterable[Link]) -> list[Link]:
    """What `source` links to."""
    return [link for link in among if link.source == source]


def to(targets: Iterable[str], among: Iterable[Link]) -> list[Link]:
    """What links to one of `targets`."""
    wanted = set(targets)
    return [link for link in among if link.target in wanted]


def leaves(value: Any, place: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Each value in `value` that has no parts, and where it stands."""
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(item, (*place, key))
    else:
        yield place, value


def _written(
    source: str, document: Document, at: Place, collection: Collection, prefixes: Iterable[str]
) -> Iterator[Link]:
    """The links that stand below `at`, whatever the key: one that is new tomorrow is looked at as well."""
    for place, value in leaves(document.at(at), at):
        key = next((part for part in reversed(place) if isinstance(part, str)), "")
        if not isinstance(value, str) or place == ("id",):
            continue
        if key == "hosts":
            yield Link(source, value, "hosts", place, document)
        elif value in collection.contacts and (key.startswith(("owner", "contact")) or place[-2:] == _APPROVERS):
            yield Link(source, value, "contact", place, document)
        for name in dict.fromkeys(_ids(value, prefixes)):
            yield Link(source, name, sort(name), place, document)


def sort(name: str) -> Sort:
    """What the id `name` is that of."""
    return "runbook" if prefix(name) == "RUN" else "entry"


def _ids(text: str, prefixes: Iterable[str]) -> list[str]:
    """The ids in `text`: all of it, or a mention of one whose prefix is known (SHA-256 is no entry)."""
    if _ID.fullmatch(text):
        return [text]
    return [name for name in _MENTION.findall(text) if prefix(name) in prefixes]


def host_names(pattern: str) -> list[str]:
    """The hosts and groups that the host pattern matches or asks for; not those that it leaves out."""
    asked = (part.lstrip("&") for part in re.split(r"[:,]", pattern) if not part.startswith("!"))
    parts = (re.sub(r"\[[^\]]*\]$", "", part) for part in asked)
    return list(dict.fromkeys(part for part in parts if part))


def technologies(collection: Collection) -> Mapping[str, str]:
    """The id of the TECH- entry that each program belongs to."""
    known = of_kind(collection.references.values(), Technology)
    return {program: name for name, entry in known for program in entry.commands}


def _commands(reference: Reference, entry: Technology) -> Iterator[Link]:
    """The programs by which a technology is used."""
    for number, program in enumerate(entry.commands):
        yield Link(reference.id, program, "program", (reference.id, "commands", number), reference.document)


def _programs(source: Source, document: Document, owners: Mapping[str, str]) -> Iterator[Link]:
    for place, kind in kinds(source.runbook):
        for name in programs_of(kind, source.read_file):
            yield Link(source.runbook.id, name, "program", place, document)
            if name in owners:
                yield Link(source.runbook.id, owners[name], "entry", place, document)


def programs_of(kind: Kind, read_file: ReadFile) -> list[str]:
    """The programs that a step or a verification of this `kind` starts on a host."""
    try:
        return kind.programs(read_file)
    except ValueError:  # a file that is not there, which lint tells
        return []


def kinds(value: Any, place: Place = ()) -> Iterator[tuple[Place, Kind]]:
    """Each action and each part of a verification in the model `value`, wherever it is, and where it is written."""
    if isinstance(value, Kind):
        cut = 2 if isinstance(place[-1], int) else 1  # `kinds` and its number, or `action`
        yield (*place[:-cut], value.key), value
    elif isinstance(value, BaseModel):
        for name, field in type(value).model_fields.items():
            yield from kinds(getattr(value, name), (*place, field.alias or name))
    elif isinstance(value, Mapping | tuple | list):
        for key, item in value.items() if isinstance(value, Mapping) else enumerate(value):
            yield from kinds(item, (*place, key))


Holding = Callable[[str, Sequence[str], Path], Sequence[str] | None]
"""Those of some host patterns that hold a host or a group, in one of the inventories in a folder; None: in none."""


def resolve(word: str, collection: Collection, among: Iterable[Link], holding: Holding) -> list[str]:
    """What `word` may mean as a target: an id, a host or group, a program, a contact, its member or its handle.

    A handle like @db-team means every contact in whose entry it is written, and a login name every one that it is a
    member of. A host or group of the library's inventories means the patterns that hold it, as `holding` knows.
    """
    among = tuple(among)
    bare = word.removeprefix("@")
    known = {link.target for link in among} | {*collection.contacts, *collection.references, *collection.sources}
    exact = [name for name in (word, bare, word.upper()) if name in known]
    is_id = any(name in collection.references or name in collection.sources for name in exact)
    found = [*exact[:1], *([] if is_id else _holding(bare, collection, among, holding))]
    return list(dict.fromkeys(found)) or [*_groups_of_people(bare, collection), *_mentioned(bare, collection)]


def _holding(name: str, collection: Collection, among: Iterable[Link], holding: Holding) -> list[str]:
    """The host or group of the library's inventories, and the patterns of runbooks that hold it or speak of it."""
    patterns = sorted({link.target for link in among if link.sort == "hosts"})
    found = holding(name, patterns, collection.root / "inventories")
    spoken = [pattern for pattern in patterns if name in host_names(pattern)]
    return [*([] if found is None else [name, *found]), *spoken]


def _groups_of_people(login: str, collection: Collection) -> list[str]:
    return [name for name, contact in collection.contacts.items() if login in contact.members]


def _mentioned(handle: str, collection: Collection) -> list[str]:
    if collection.handles is None or not handle:
        return []
    written = re.compile(rf"(?<![\w@-])@{re.escape(handle)}(?![\w-])", re.IGNORECASE)
    value = collection.handles.value
    return [name for name in value if any(written.search(str(text)) for _, text in leaves(value[name]))]
