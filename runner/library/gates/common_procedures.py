"""Which of the common procedures a library has a runbook for: the rows of the matrix for them, gaps first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from runner.library.gates.matrix import Row, matrix
from runner.library.last_tested import Proof
from runner.library.registry.must_haves import MUST_HAVES, MustHave
from runner.library.registry.registry import Scenario, of_kind
from runner.library.snapshot import LibrarySnapshot


def common_procedures(snapshot: LibrarySnapshot, proofs: Iterable[Proof] | None) -> tuple[Row, ...]:
    """A row for each common procedure: of each scenario that says `must_have`, or one that says that none does.

    Raises:
        InvalidFileError: a part of the library does not load, and would be missing.
    """
    rows = {row.id: row for row in matrix(snapshot, proofs)}
    found: list[tuple[Row, MustHave]] = []
    for procedure in MUST_HAVES:
        names = [
            name for name, entry in of_kind(snapshot.references.values(), Scenario) if entry.must_have is procedure
        ]
        found += [(rows[name], procedure) for name in names]
        if not names:
            found.append((_missing(procedure, asked=proofs is not None), procedure))
    return tuple(_called(row, procedure) for row, procedure in sorted(found, key=lambda pair: not pair[0].gaps))


def _called(row: Row, procedure: MustHave) -> Row:
    title = f"{MUST_HAVES[procedure]}, {procedure.words}" + (f": {row.scenario}" if row.scenario else "")
    return replace(row, scenario=title)


def _missing(procedure: MustHave, *, asked: bool) -> Row:
    gap = f"no SCN- entry says `must_have: {procedure}`"
    return Row((gap,), "", "", "", "", "", "", last_tested="" if asked else None, escalation="")
