"""The incident response matrix: what may happen, which runbook is for it, who answers how soon; the gaps come first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from runner.library.gates.coverage import Situation, absence, not_dedicated, page_absence, situations, written
from runner.library.last_tested import Proof, last_tested
from runner.library.registry.registry import prefix
from runner.library.snapshot import Collection
from runner.model.runbook import Runbook
from runner.model.severity import NEEDS, Urgency, response, urgency


@dataclass(frozen=True)
class Row:
    """One line of the matrix, in words; `last_tested` is None where nobody asked the record."""

    gaps: tuple[str, ...]
    id: str
    scenario: str
    runbook: str
    severity: str
    response: str
    owner: str
    last_tested: str | None
    escalation: str

    def cells(self) -> dict[str, str]:
        """The row by the titles of its columns."""
        cells = {
            "gap": "; ".join(self.gaps),
            "id": self.id,
            "scenario": self.scenario,
            "runbook": self.runbook,
            "severity": self.severity,
            "response": self.response,
            "owner": self.owner,
            "last tested": self.last_tested or "",
            "escalation": self.escalation,
        }
        return {key: cell for key, cell in cells.items() if key != "last tested" or self.last_tested is not None}


def matrix(collection: Collection, proofs: Iterable[Proof] | None) -> tuple[Row, ...]:
    """The rows of `collection`: those with gaps first, then by severity.

    Without `proofs` the matrix holds only what is written, so that it stays the same as long as nobody writes.

    Raises:
        InvalidFileError: a part of the library does not load, and would be missing.
    """
    collection.whole()
    proven = None if proofs is None else tuple(proofs)
    found = [(each, _row(collection, each, proven)) for each in situations(collection)]
    order = list(Urgency)
    found.sort(
        key=lambda pair: (not pair[1].gaps, order.index(urgency(pair[0].severity)), pair[0].severity, pair[1].id)
    )
    return tuple(row for _, row in found)


def _row(collection: Collection, situation: Situation, proofs: Sequence[Proof] | None) -> Row:
    there = written(collection, situation.runbooks)
    owner = collection.contacts.get(situation.owner)
    gaps = [*_missing(collection, situation), *([] if owner else [f"nobody is called {situation.owner!r}"])]
    gaps += [gap for runbook in there for gap in _gaps(collection, runbook, proofs)]
    titles = [f"{runbook.id} {runbook.title}" for runbook in there] or [*situation.runbooks, situation.page or ""]
    return Row(
        gaps=tuple(dict.fromkeys(gaps)),
        id=situation.id,
        scenario=situation.title,
        runbook=", ".join(filter(None, titles)),
        severity=situation.severity,
        response=response(situation.severity),
        owner=owner.name if owner else situation.owner,
        last_tested=None if proofs is None else ", ".join(_tested(collection, runbook, proofs) for runbook in there),
        escalation="; ".join(_escalation(collection, runbook) for runbook in there),
    )


def _missing(collection: Collection, situation: Situation) -> Iterator[str]:
    """Why nothing that it asks for is for `situation`."""
    wanted = urgency(situation.severity)
    reference = wanted is Urgency.INFO and situation.page
    if not situation.runbooks and not reference:
        yield f"no {'page' if wanted is Urgency.INFO else 'runbook'}: needs {NEEDS[wanted]}"
    if reference and (why := page_absence(collection, situation)):
        yield why
    if wanted is Urgency.CRITICAL and prefix(situation.id) == "MON" and (why := not_dedicated(collection, situation)):
        yield f"no runbook of its own: {why}"
    yield from (why for name in situation.runbooks if (why := absence(collection, name)))


def _gaps(collection: Collection, runbook: Runbook, proofs: Sequence[Proof] | None) -> Iterator[str]:
    """What is wrong with a runbook that is there."""
    if runbook.owner not in collection.contacts:
        yield f"{runbook.id} has no owner: nobody is called {runbook.owner!r}"
    if not any(name in collection.contacts and collection.contacts[name].channels for name in _called(runbook)):
        yield f"{runbook.id}: nobody can be called"
    if proofs is not None:
        tested = last_tested(collection.sources[runbook.id], proofs)
        if tested is None:
            yield f"{runbook.id} was never tested"
        elif not tested.current:
            yield f"{runbook.id} has changed since its last test"


def _called(runbook: Runbook) -> tuple[str, ...]:
    return runbook.escalation.contacts


def _tested(collection: Collection, runbook: Runbook, proofs: Sequence[Proof]) -> str:
    return str(last_tested(collection.sources[runbook.id], proofs) or "never")


def _escalation(collection: Collection, runbook: Runbook) -> str:
    """Who is called, in order, with the handles that people know."""
    names = []
    for name in _called(runbook):
        contact = collection.contacts.get(name)
        handle = f" {contact.handle}" if contact and contact.handle else ""
        names.append(f"{contact.level} {contact.name}{handle}" if contact else name)
    return ", then ".join(names)
