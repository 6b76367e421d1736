"""Which runbooks are proven, which are due for a test, and which the last drill has shown to be red."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum

from runner.core.deferred import dataclass
from runner.library.index.summary import Summary
from runner.library.last_tested import LastTest, Proof, last_tests
from runner.render.drills.drill_result import DrillVerdict
from runner.store.log.envelope import Record


class RunbookState(StrEnum):
    """How much a team can rely on a runbook, as the record has it."""

    RED = "red"
    UNTESTED = "untested"
    EDITED = "untested since edit"
    DUE = "due"
    PROVEN = "proven"


@dataclass(frozen=True)
class TestedRunbook:
    """A runbook: its last test, when the next one is `due`, and why it is in this state, in a sentence."""

    id: str
    title: str
    severity: str
    state: RunbookState
    last: LastTest | None
    due: datetime | None
    why: str


def runbook_states(
    used: Collection[Summary], proofs: Iterable[Proof], drills: Sequence[Record], *, now: datetime
) -> tuple[TestedRunbook, ...]:
    """The state of each runbook that is `used`; `proofs` are the runs that passed, `drills` the records of drills."""
    tests = last_tests(used, proofs)
    return tuple(_tested(runbook, tests[runbook.id], _failures(runbook, drills), now) for runbook in used)


def _failures(runbook: Summary, drills: Sequence[Record]) -> Mapping[str, str]:
    """Why each test of the text as it is now failed last, by the names of drill and test; a void one is none."""
    latest: dict[str, str] = {}
    for data in (record.data for record in drills):
        if (data["runbook"], data["runbook_sha256"]) == (runbook.id, runbook.sha256) and not data.get("void"):
            failed = data["verdict"] == DrillVerdict.FAILED
            latest[f"{data['name']}, {data['test']}"] = "; ".join(map(str, data["reasons"])) if failed else ""
    return {name: why for name, why in latest.items() if why}


def _tested(runbook: Summary, last: LastTest | None, failures: Mapping[str, str], now: datetime) -> TestedRunbook:
    due = last.due(runbook.severity) if last and last.current else None
    state, why = _state(last, due, failures, now)
    return TestedRunbook(runbook.id, runbook.title, runbook.severity, state, last, due, why)


def _state(
    last: LastTest | None, due: datetime | None, failures: Mapping[str, str], now: datetime
) -> tuple[RunbookState, str]:
    if failures:
        return RunbookState.RED, "; ".join(f"{name}: {why}" for name, why in failures.items())
    if last is None:
        return RunbookState.UNTESTED, "no drill of it has passed, and no run in staging"
    if due is None:
        return RunbookState.EDITED, f"it was tested on {last.time:%Y-%m-%d}, and has been edited since"
    if due <= now:
        return RunbookState.DUE, f"its test was due on {due:%Y-%m-%d}"
    return RunbookState.PROVEN, f"tested on {last.time:%Y-%m-%d}"
