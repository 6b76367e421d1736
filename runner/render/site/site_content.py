"""What the pages of the site tell of, gathered once: the library, its links, its matrix, its gates and its record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from runner.library.gates.matrix import Row, matrix
from runner.library.gates.quality_gates import Gate, ask
from runner.library.library import Library, Source
from runner.library.links.link_checks import findings
from runner.library.links.links import Link, links
from runner.library.snapshot import LibrarySnapshot
from runner.model.yaml.finding import Finding, Level
from runner.render.history.proofs import Proof, proofs
from runner.render.history.run_history import RunHistory
from runner.render.site.freshness import Freshness, freshness


@dataclass(frozen=True)
class Material:
    """Everything that is told; `runs` is None where there is no record at hand.

    `reports` says where the report of a run is found from the site; `inventories` are those of the library.
    """

    snapshot: LibrarySnapshot
    sources: Mapping[str, Source]
    links: tuple[Link, ...]
    rows: tuple[Row, ...]
    gates: tuple[Gate, ...]
    findings: tuple[Finding, ...]
    fresh: Mapping[str, Freshness]
    runs: tuple[RunHistory, ...] | None
    now: datetime
    reports: Mapping[str, str]
    inventories: tuple[str, ...]

    @property
    def gaps(self) -> tuple[Row, ...]:
        """The rows of the matrix that have a gap."""
        return tuple(row for row in self.rows if row.gaps)

    @property
    def untested(self) -> tuple[str, ...]:
        """The runbooks in use behind which no fresh test stands."""
        return tuple(name for name in self.snapshot.used if not self.fresh[name].good)

    @property
    def faults(self) -> tuple[Finding, ...]:
        """The findings that somebody should do something about."""
        return tuple(finding for finding in self.findings if finding.level is not Level.INFO)

    def href(self, name: str) -> str:
        """Where the runbook, the entry or the contact `name` is told of; empty where it is not."""
        if name in self.sources:
            return f"{name}.html"
        return f"registry.html#{name}" if name in self.snapshot.references else ""

    def title(self, name: str) -> str:
        """What `name` is called."""
        if name in self.sources:
            return self.snapshot.runbooks[name].title
        reference = self.snapshot.references.get(name)
        return reference.entry.title if reference else ""


def gather(
    snapshot: LibrarySnapshot,
    runs: Sequence[RunHistory] | None,
    *,
    now: datetime,
    stale_after: timedelta,
    reports: Mapping[str, str] | None = None,
    inventories: Sequence[str] = (),
) -> Material:
    """What there is to tell of `snapshot`, and of its `runs` where there is a record of them.

    Raises:
        InvalidFileError: a part of the library does not load; a catalogue without it would mislead.
    """
    proven: list[Proof] = list(proofs(runs or ()))
    library = Library(snapshot.whole().root)
    every = links(snapshot)
    return Material(
        snapshot=snapshot,
        sources={name: library.source(name) for name in snapshot.runbooks},
        links=every,
        rows=matrix(snapshot, proven),
        gates=ask(snapshot, proven),
        findings=tuple(findings(snapshot, every)),
        fresh={
            name: freshness(runbook, proven, now=now, stale_after=stale_after)
            for name, runbook in snapshot.runbooks.items()
        },
        runs=None if runs is None else tuple(sorted(runs, key=lambda run: (run.started, run.run), reverse=True)),
        now=now,
        reports=reports or {},
        inventories=tuple(inventories),
    )
