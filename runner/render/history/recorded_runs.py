"""The runs that an audit log tells of: a summary of each for lists, and the whole history of the one that is asked for.

The summary of a run that has ended is kept in the index of the log, as long as nothing was recorded of that run since.
"""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from runner import version
from runner.core.deferred import dataclass
from runner.core.events import EventType, Instant
from runner.library.last_tested import Proof
from runner.render.history.run_history import RunHistory, history
from runner.store.log.envelope import Record
from runner.store.log.log_index import LogIndex

_OF_STEPS = frozenset(
    {
        EventType.SPAN_STARTED,
        EventType.SPAN_FINISHED,
        EventType.STEP_INTENDED,
        EventType.STEP_FINISHED,
        EventType.STEP_SETTLED,
        EventType.TASK_INTENDED,
        EventType.TASK_FINISHED,
        EventType.ATTEMPT_FINISHED,
        EventType.ACTION_FINISHED,
        EventType.VERIFICATION_FINISHED,
        EventType.VALUES_CAPTURED,
        EventType.COMMANDS_RENDERED,
    }
)
"""Most records of a run: what became of each step on each host, of which a summary tells nothing."""
_ENDS = frozenset(
    {
        EventType.RUN_FINISHED,
        EventType.RUN_REFUSED,
        EventType.RUN_ABANDONED,
        EventType.RUN_FILED,
        EventType.DRILL_FINISHED,
    }
)


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One run in a list; `kind` tells a real one from one that `looks` only, `outcome` is empty until it has ended.

    `undelivered` are the contacts whom a page did not reach, `proof` is what it proves, if it is a proof.
    """

    run: str
    runbook: str
    kind: str
    status: str
    outcome: str
    environment: str
    user: str
    started: str
    parent: str = ""
    children: tuple[str, ...] = ()
    undelivered: tuple[str, ...] = ()
    looks: bool = False
    proof: Proof | None = None

    @property
    def live(self) -> bool:
        """Whether it is going on."""
        return self.status == "running"


def summary_of(run: RunHistory) -> RunSummary:
    """What lists tell of `run`."""
    return RunSummary(
        run=run.run,
        runbook=run.runbook,
        kind=run.kind,
        status=run.status,
        outcome="" if run.status == "running" else run.outcome,
        environment=run.environment,
        user=run.user,
        started=run.started.isoformat(timespec="seconds"),
        parent=run.parent,
        children=run.children,
        undelivered=run.unreached,
        looks=run.looks,
        proof=proof_of(run),
    )


class RecordedRuns:
    """The runs of one log; each is folded when it is asked for, and only where no summary of it is kept."""

    def __init__(self, index: LogIndex, now: Instant | None) -> None:
        self._index, self._now = index, now
        self._maker = f"summary {version()}"
        self._texts = dict(index.digests(self._maker))
        self._made: dict[str, RunSummary | None] = {}

    @classmethod
    @contextmanager
    def opened(
        cls,
        log: Path,
        *,
        now: Instant | None = None,
        index: Callable[[Path], AbstractContextManager[LogIndex]] = LogIndex.opened,
    ) -> Iterator[Self]:
        """The runs of the `log`, as it is `now`; `index` opens its index.

        Raises:
            AuditError: the log cannot be read, or is broken.
        """
        with index(log) as opened:
            runs = cls(opened, now)
            yield runs
            runs._keep()

    @property
    def names(self) -> Sequence[str]:
        """The runs, in the order in which they began."""
        return list(self._texts)

    @property
    def in_progress(self) -> Sequence[str]:
        """The runs of which the latest record is not one of their end."""
        return [run for run, latest in self._index.latest_types().items() if latest not in _ENDS]

    def history(self, run: str) -> RunHistory | None:
        """What happened in `run`; None where the log does not hold its start."""
        return self._folded(run)

    def _folded(self, run: str, *, but: Collection[str] = ()) -> RunHistory | None:
        try:
            return history(self._index.records(run, but=but), now=self._now)
        except ValueError:
            return None

    def summaries(self, runs: Collection[str] | None = None) -> list[RunSummary]:
        """A summary of each of `runs`, or of all, in the order in which they began."""
        found = (self._summary(run) for run in self._texts if runs is None or run in runs)
        return [each for each in found if each]

    def latest(self, runbook: str, number: int, *, but: str) -> list[RunHistory]:
        """The latest runs of `runbook` that did not only look, at most that `number`, oldest first, `but` one."""
        found: list[RunHistory] = []
        for run in reversed(self._texts):
            each = self._summary(run) if run != but else None
            if each and each.runbook == runbook and not each.looks and (folded := self.history(run)):
                found.insert(0, folded)
            if len(found) == number:
                break
        return found

    def proofs(self) -> list[Proof]:
        """A proof for each run that is one, in the order in which they began."""
        return [each.proof for each in self.summaries() if each.proof]

    def drills(self) -> list[Record]:
        """The record of each test of a drill, oldest first."""
        tested = [run for run, latest in self._index.latest_types().items() if latest == EventType.DRILL_FINISHED]
        records = (record for run in tested for record in self._index.records(run, but=_OF_STEPS))
        return sorted((each for each in records if each.type == EventType.DRILL_FINISHED), key=lambda each: each.seq)

    def newest_proof(self, playbook_sha256: str, environment: str) -> Proof | None:
        """The latest run that proves this text of a playbook there; its records are read, not the summary of it."""
        for proof in reversed(self.proofs()):
            if (proof.playbook_sha256, proof.environment) == (playbook_sha256, environment):
                folded = self.history(proof.run)
                if folded and (found := proof_of(folded)):
                    return found
        return None

    def _summary(self, run: str) -> RunSummary | None:
        if text := self._texts[run]:
            return _read(json.loads(text))
        if run not in self._made:
            folded = self._folded(run, but=_OF_STEPS)
            self._made[run] = summary_of(folded) if folded else None
        return self._made[run]

    def _keep(self) -> None:
        """Keep the summaries that were made of runs that have ended: only then do they stay as they are."""
        ended = {
            each.run: json.dumps(asdict(each), default=str) for each in self._made.values() if each and not each.live
        }
        if ended:
            self._index.keep(self._maker, ended)


def _read(data: Mapping[str, Any]) -> RunSummary:
    lists = {name: tuple(data[name]) for name in ("children", "undelivered")}
    proof = data["proof"] and Proof(**{**data["proof"], "time": datetime.fromisoformat(data["proof"]["time"])})
    return RunSummary(**{**data, **lists, "proof": proof})


def proof_of(run: RunHistory) -> Proof | None:
    """What `run` proves; None when it is no proof: also where it has passed, and the drill that it is of has not."""
    drilled = run.drill.get("verdict") == "passed"
    if run.unproven or not run.ended or ((run.in_drill or run.drill) and not drilled):
        return None
    last = run.attempts[-1]
    sums = (last.runbook_sha256, last.playbook_sha256)
    return Proof(run.runbook, *sums, run.environment, run.run, run.ended, drilled=drilled)


def proofs(runs: Iterable[RunHistory]) -> Iterator[Proof]:
    """A proof for each of `runs` that is one, in their order."""
    return filter(None, map(proof_of, runs))
