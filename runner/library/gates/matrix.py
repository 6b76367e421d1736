"""The incident response matrix: what may happen, which runbook is for it, who answers how soon; the gaps come first."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace

from runner.core.deferred import dataclass
from runner.library.gates.coverage import (
    Situation,
    absence,
    alerts,
    by_runbook,
    not_dedicated,
    page_absence,
    situations,
    written,
)
from runner.library.index.summary import Summary
from runner.library.last_tested import LastTest, Proof, last_tests
from runner.library.registry.registry import MUST_HAVES, MustHave, of_prefix, prefix
from runner.library.snapshot import LibrarySnapshot
from runner.model.severity import NEEDS, Urgency, response, urgency

_Tests = Mapping[str, LastTest | None]
"""The last test of each runbook, by its id."""
_Served = Mapping[str, Sequence[str]]
"""The alerts that each runbook is for."""


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
        cells = {field.name.replace("_", " "): getattr(self, field.name) for field in fields(self)[1:]}
        if self.last_tested is None:
            del cells["last tested"]
        return {"gap": "; ".join(self.gaps), **cells}


def matrix(snapshot: LibrarySnapshot, proofs: Iterable[Proof] | None) -> tuple[Row, ...]:
    """The rows of `snapshot`: those with gaps first, then by severity.

    Without `proofs` the matrix holds only what is written, so that it stays the same as long as nobody writes.

    Raises:
        InvalidFileError: a part of the library does not load, and would be missing.
    """
    snapshot.whole()
    tests = None if proofs is None else last_tests(snapshot.runbooks.values(), proofs)
    served = by_runbook(alerts(snapshot))
    found = [(each, _row(snapshot, each, tests, served)) for each in situations(snapshot)]
    order = list(Urgency)
    found.sort(
        key=lambda pair: (not pair[1].gaps, order.index(urgency(pair[0].severity)), pair[0].severity, pair[1].id)
    )
    return tuple(row for _, row in found)


def _row(snapshot: LibrarySnapshot, situation: Situation, tests: _Tests | None, served: _Served) -> Row:
    there = written(snapshot, situation.runbooks)
    owner = snapshot.contacts.get(situation.owner)
    gaps = [*_missing(snapshot, situation, served), *([] if owner else [f"nobody is called {situation.owner!r}"])]
    gaps += [gap for runbook in there for gap in _gaps(snapshot, runbook, tests)]
    titles = [f"{runbook.id} {runbook.title}" for runbook in there] or [*situation.runbooks, situation.page or ""]
    return Row(
        gaps=tuple(dict.fromkeys(gaps)),
        id=situation.id,
        scenario=situation.title,
        runbook=", ".join(filter(None, titles)),
        severity=situation.severity,
        response=response(situation.severity),
        owner=owner.name if owner else situation.owner,
        last_tested=None if tests is None else ", ".join(str(tests[each.id] or "never") for each in there),
        escalation="; ".join(_escalation(snapshot, runbook) for runbook in there),
    )


def _missing(snapshot: LibrarySnapshot, situation: Situation, served: _Served) -> Iterator[str]:
    """Why nothing that it asks for is for `situation`."""
    wanted = urgency(situation.severity)
    reference = wanted is Urgency.INFO and situation.page
    if not situation.runbooks and not reference:
        yield f"no {'page' if wanted is Urgency.INFO else 'runbook'}: needs {NEEDS[wanted]}"
    if reference and (why := page_absence(snapshot, situation)):
        yield why
    if wanted is Urgency.CRITICAL and prefix(situation.id) == "MON":
        yield from (f"no runbook of its own: {why}" for why in [not_dedicated(snapshot, situation, served)] if why)
    yield from (why for name in situation.runbooks if (why := absence(snapshot, name)))


def _gaps(snapshot: LibrarySnapshot, runbook: Summary, tests: _Tests | None) -> Iterator[str]:
    """What is wrong with a runbook that is there."""
    if runbook.owner not in snapshot.contacts:
        yield f"{runbook.id} has no owner: nobody is called {runbook.owner!r}"
    if not any(name in snapshot.contacts and snapshot.contacts[name].is_callable for name in runbook.contacts):
        yield f"{runbook.id}: nobody can be called"
    if tests is not None:
        tested = tests[runbook.id]
        if tested is None:
            yield f"{runbook.id} was never tested"
        elif not tested.current:
            yield f"{runbook.id} has changed since its last test"


def _escalation(snapshot: LibrarySnapshot, runbook: Summary) -> str:
    """Who is called, in order, with the handles that people know."""
    names = []
    for name in runbook.contacts:
        contact = snapshot.contacts.get(name)
        handle = f" {contact.handle}" if contact and contact.handle else ""
        names.append(f"{contact.level} {contact.name}{handle}" if contact else name)
    return ", then ".join(names)


def common_procedures(snapshot: LibrarySnapshot, proofs: Iterable[Proof] | None) -> tuple[Row, ...]:
    """A row for each common procedure: of each scenario that says `must_have`, or one that says that none does.

    Raises:
        InvalidFileError: a part of the library does not load, and would be missing.
    """
    rows = {row.id: row for row in matrix(snapshot, proofs)}
    found: list[tuple[Row, MustHave]] = []
    for procedure in MUST_HAVES:
        scenarios = of_prefix(snapshot.references.values(), "SCN")
        names = [each.id for each in scenarios if each.must_have == procedure]
        found += [(rows[name], procedure) for name in names]
        if not names:
            found.append((_missing_row(procedure, asked=proofs is not None), procedure))
    return tuple(_called(row, procedure) for row, procedure in sorted(found, key=lambda pair: not pair[0].gaps))


def _called(row: Row, procedure: MustHave) -> Row:
    title = f"{MUST_HAVES[procedure]}, {procedure.words}" + (f": {row.scenario}" if row.scenario else "")
    return replace(row, scenario=title)


def _missing_row(procedure: MustHave, *, asked: bool) -> Row:
    gap = f"no SCN- entry says `must_have: {procedure}`"
    return Row((gap,), "", "", "", "", "", "", last_tested="" if asked else None, escalation="")
