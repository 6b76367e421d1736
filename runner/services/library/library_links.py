"""Follow the links of a library: from and to a name, what a change would affect, and what the registry holds."""

from collections.abc import Iterable, Sequence

from runner.core.deferred import dataclass
from runner.core.wording import grouped
from runner.executor.inventory.inventory_hosts import holding
from runner.library.library import Library
from runner.library.links.link_checks import findings
from runner.library.links.links import Link, impact, links, meant, of, sort, title, to
from runner.library.snapshot import LibrarySnapshot, read
from runner.model.yaml.finding import Finding


@dataclass(frozen=True)
class Neighbour:
    """What a name links to, or what links to it: its kind, its title, and each `file:line` with such a link."""

    name: str
    kind: str
    title: str
    written_in: Sequence[str]


@dataclass(frozen=True)
class LinkedName:
    """A name with both directions of its links."""

    name: str
    targets: Sequence[Neighbour]
    sources: Sequence[Neighbour]


@dataclass(frozen=True)
class Affected:
    """What a change would affect: a runbook or an entry, through which name, and the place and line of the link."""

    reaches: str
    title: str
    through: str
    at: str
    written_in: str


@dataclass(frozen=True)
class RegistryEntry:
    """An entry of the registry, the runbooks that it leads to, what links to it, and the line that defines it."""

    id: str
    title: str
    owner: str
    leads_to: Sequence[str]
    linked_from: Sequence[str]
    written_in: str


@dataclass(frozen=True)
class Registry:
    """The entries of a library, and whatever is wrong with them or with a link."""

    entries: Sequence[RegistryEntry]
    findings: Sequence[Finding]


def linked_names(word: str, library: Library) -> tuple[LinkedName, ...]:
    """Whatever `word` may mean in `library`, each with its links.

    Raises:
        InvalidInputError: nothing has that name; or a part of the library does not load.
    """
    snapshot = read(library).whole()
    every = links(snapshot)
    return tuple(
        LinkedName(
            name,
            targets=_neighbours(((link.target, link.sort, link) for link in of(name, every)), snapshot),
            sources=_neighbours(((link.source, sort(link.source), link) for link in to([name], every)), snapshot),
        )
        for name in meant(word, snapshot, every, holding)
    )


def _neighbours(ends: Iterable[tuple[str, str, Link]], snapshot: LibrarySnapshot) -> tuple[Neighbour, ...]:
    written_in = grouped(((name, kind), f"{link.file}:{link.line}") for name, kind, link in ends)
    return tuple(
        Neighbour(name, kind, title(name, snapshot), tuple(dict.fromkeys(places)))
        for (name, kind), places in written_in.items()
    )


def affected_by(word: str, library: Library) -> tuple[Affected, ...]:
    """What a change to whatever `word` means would affect.

    Raises:
        InvalidInputError: nothing has that name; or a part of the library does not load.
    """
    snapshot = read(library).whole()
    every = links(snapshot)
    return tuple(
        Affected(
            reaches=each.link.source,
            title=title(each.link.source, snapshot),
            through=each.through or each.link.target,
            at=each.link.where,
            written_in=f"{each.link.file}:{each.link.line}",
        )
        for each in impact(meant(word, snapshot, every, holding), every)
    )


def registry(library: Library) -> Registry:
    """The registry of `library`, and every finding about links."""
    snapshot = read(library)
    every = links(snapshot)
    outward, inward = grouped((each.source, each) for each in every), grouped((each.target, each) for each in every)
    entries = tuple(
        RegistryEntry(
            id=name,
            title=reference.title,
            owner=reference.owner,
            leads_to=sorted({link.target for link in outward.get(name, ()) if link.sort == "runbook"}),
            linked_from=sorted({link.source for link in inward.get(name, ())}),
            written_in=reference.where,
        )
        for name, reference in snapshot.references.items()
    )
    return Registry(entries, findings(snapshot, every))
