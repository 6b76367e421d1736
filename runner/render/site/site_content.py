"""What the pages of the site tell of, gathered once: the library, its links, its matrix, its gates and its record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from datetime import datetime, timedelta
from typing import Any, Literal

from runner.core.deferred import dataclass
from runner.library.gates.matrix import Row, matrix
from runner.library.gates.quality_gates import QualityGate, ask
from runner.library.last_tested import Proof, Tested, last_tested
from runner.library.library import Library
from runner.library.links.link_checks import findings
from runner.library.links.links import Link, links
from runner.library.runbook_source import Source
from runner.library.search.subjects import leading, passages_by_subject, subjects
from runner.library.snapshot import LibrarySnapshot
from runner.model.yaml.finding import Finding, Level, leaves
from runner.render.history.recorded_runs import proofs
from runner.render.history.run_history import RunHistory
from runner.render.site.month_view import PlannedWork


@dataclass(frozen=True)
class Material:
    """Everything that is told; `runs` is None where there is no record at hand.

    `reports` says where the report of a run is found from the site; `inventories` are those of the library. `planned`
    is None where the library plans nothing. `people` are rows of who has done which runbook in a training, `nights`
    say which runbooks nobody who is on call tonight has ever done.
    """

    snapshot: LibrarySnapshot
    sources: Mapping[str, Source]
    links: tuple[Link, ...]
    rows: tuple[Row, ...]
    gates: tuple[QualityGate, ...]
    findings: tuple[Finding, ...]
    fresh: Mapping[str, Freshness]
    runs: tuple[RunHistory, ...] | None
    now: datetime
    reports: Mapping[str, str] = field(default_factory=dict)
    inventories: tuple[str, ...] = ()
    planned: PlannedWork | None = None
    drills: tuple[Mapping[str, Any], ...] = ()
    people: tuple[Mapping[str, str], ...] = ()
    nights: tuple[str, ...] = ()

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
        return reference.title if reference else ""


def gather(
    snapshot: LibrarySnapshot, runs: Sequence[RunHistory] | None, *, now: datetime, stale_after: timedelta
) -> Material:
    """What `snapshot` says, and its `runs` where there is a record of them; what else is told is nothing.

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
    )


@dataclass(frozen=True, slots=True)
class Freshness:
    """In one word whether a test stands behind the runbook as it is now, and in a sentence why, or why not."""

    word: Literal["tested", "stale", "changed", "never tested"]
    why: str

    @property
    def good(self) -> bool:
        """Whether nobody needs to do anything about it."""
        return self.word == "tested"


def freshness(runbook: Tested, proofs: Iterable[Proof], *, now: datetime, stale_after: timedelta) -> Freshness:
    """How fresh the last test of `runbook` is; one is stale when it is older than `stale_after`."""
    last = last_tested(runbook, proofs)
    if last is None:
        return Freshness("never tested", "No run of it that passed is on record")
    when = f"passed on {last.time:%Y-%m-%d}" + (f" in {last.environment}" if last.environment else "")
    if not last.current:
        return Freshness("changed", f"An earlier text of it {when}; it has changed since")
    days = (now - last.time).days
    if now - last.time > stale_after:
        return Freshness("stale", f"It {when}, which is {days} days ago")
    return Freshness("tested", f"It {when}")


_LEAST = 1.0
"""The weight below which a passage is left out."""
_LONGEST = 200


def search_index(material: Material) -> list[dict[str, Any]]:
    """Each runbook and entry with its address, its passages as `[where, text, weight]`, and what means it alone.

    What is deprecated is found by what it says, and by its id, but an alert does not lead to it.
    """
    found = []
    known = subjects(material.snapshot)
    spoken = passages_by_subject(leading(known), material.snapshot.index.passages())
    for subject in known.values():
        if where := material.href(subject.id):
            passages = {(each.where, each.text[:_LONGEST], each.weight) for each in spoken.get(subject.id, ())}
            texts = [list(each) for each in sorted(passages, key=lambda each: (-each[2], each)) if each[2] >= _LEAST]
            found.append(
                {
                    "id": subject.id,
                    "title": f"{subject.title} (deprecated)" if subject.deprecated else subject.title,
                    "url": where,
                    "names": [] if subject.deprecated else sorted(subject.names),
                    "texts": texts,
                }
            )
    seen = {item["id"] for item in found}
    for name, reference in material.snapshot.references.items():
        if name not in seen:
            leaf = leaves(reference.written)
            texts = [
                [" ".join(map(str, place[:1])), text[:_LONGEST], _LEAST]
                for place, text in leaf
                if isinstance(text, str)
            ]
            found.append(
                {"id": name, "title": reference.title, "url": material.href(name), "names": [], "texts": texts}
            )
    return found
