"""What came of a drill: how it was done, whether that is as it must be, and what was measured."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from runner.core.deferred import dataclass
from runner.core.events import Outcome


class DrillTest(StrEnum):
    """The three tests of each drill: what it is for, and two that show that it can fail."""

    AS_WRITTEN = "as written"
    NO_REMEDIATION = "no remediation"
    NO_FAULT = "no fault"

    @property
    def promise(self) -> str:
        """What must come of it."""
        return _PROMISES[self]


_PROMISES: Mapping[DrillTest, str] = {
    DrillTest.AS_WRITTEN: "the runbook does what it is for",
    DrillTest.NO_REMEDIATION: "without the runbook all stays as it was",
    DrillTest.NO_FAULT: "the runbook refuses a healthy system",
}


class DrillVerdict(StrEnum):
    """What a test came to; one that is excepted has nothing to show, and says why."""

    PASSED = "passed"
    FAILED = "failed"
    EXCEPTED = "excepted"


@dataclass(frozen=True, slots=True)
class DrillMoment:
    """What happened `at` so many seconds after the beginning: a word, and what is to be said of it."""

    at: float
    word: str
    text: str


@dataclass(frozen=True, slots=True)
class WouldBeCall:
    """What would have been sent: to whom, by which channels, what it does and says, and why it would be refused."""

    contact: str
    channels: tuple[str, ...]
    action: str
    summary: str
    problems: tuple[str, ...] = ()


TOLD = 2
"""The hint that tells what to type; those before it only tell what is wanted, and why."""

ENOUGH = 0.5
"""The share of steps that somebody must have been seen to do without being told what to type, for it to count."""


@dataclass(frozen=True, slots=True)
class TrainedStep:
    """One step as somebody did it: after how many `hints`, and how often they said `wrong`ly that it was done.

    One that is not `verified` could not be looked at: they have only said so.
    """

    step: str
    name: str
    hints: int
    wrong: int
    verified: bool
    seconds: float

    @property
    def own(self) -> bool:
        """Whether they did it without being told what to type."""
        return self.hints < TOLD


@dataclass(frozen=True, slots=True)
class Training:
    """How `person` followed the runbook, in `seconds`; `astray` are the runbooks that they took for it, or None.

    With `gave_up` they did not come to its end. `alert_only` says that they had to find the runbook first.
    """

    person: str
    runbook: str
    sha256: str
    began: datetime
    seconds: float
    steps: tuple[TrainedStep, ...]
    alert_only: bool = False
    astray: tuple[str, ...] = ()
    gave_up: bool = False

    @property
    def seen(self) -> tuple[TrainedStep, ...]:
        """The steps that could be looked at: of the others anybody can say that they have done them."""
        return tuple(each for each in self.steps if each.verified)

    @property
    def own(self) -> int:
        """How many of these they did themselves."""
        return sum(each.own for each in self.seen)

    @property
    def share(self) -> float:
        """The same as a share of these."""
        return self.own / len(self.seen) if self.seen else 0.0

    @property
    def wrong_turns(self) -> int:
        """How often they were wrong: about a step, or about the runbook."""
        return sum(each.wrong for each in self.steps) + len(self.astray)

    @property
    def counts(self) -> bool:
        """Whether it says that they can do it: they came to the end, and were seen to do most of it."""
        return not self.gave_up and self.share >= ENOUGH


@dataclass(frozen=True, slots=True)
class DrillResult:
    """One test of one drill of a runbook.

    `name` is the id of the runbook, with that of the drill where it has several; `id` that of its run, also where
    the runbook was not done. `reasons` say why it has not passed, or is excepted; `stopped` why it was ended before its
    time. `detect` are the seconds from the beginning of the fault until the probe has seen it, `alert` those until its
    alert fired, `recover` those from the beginning of the run until the probe has seen the system well, `outage` those
    between the two answers. `asked` is how often the probe was asked, and `bad` how many answers were bad. `red` are
    the verifications of the runbook, as `step/number`, that were seen to fail, `verifications` all that a machine
    makes. In a `training` somebody did the runbook by hand.
    """

    runbook: str
    name: str
    title: str
    severity: str
    sha256: str
    test: DrillTest
    verdict: DrillVerdict
    reasons: tuple[str, ...]
    backend: str
    began: datetime
    seconds: float
    id: str = ""
    run: str = ""
    report: str = ""
    outcome: str = ""
    detect: float | None = None
    alert: float | None = None
    recover: float | None = None
    outage: float | None = None
    asked: int = 0
    bad: int = 0
    proofs: tuple[str, ...] = ()
    calls: tuple[WouldBeCall, ...] = ()
    red: tuple[str, ...] = ()
    verifications: tuple[str, ...] = ()
    moments: tuple[DrillMoment, ...] = ()
    training: Training | None = None
    stopped: str = ""
    not_begun: bool = False

    @property
    def ok(self) -> bool:
        """Whether it is as it must be."""
        return self.verdict is not DrillVerdict.FAILED

    @property
    def is_interrupted(self) -> bool:
        """Whether somebody has stopped its run, and not the drill itself."""
        return self.outcome == Outcome.ABORTED and not self.stopped

    @property
    def is_void(self) -> bool:
        """Whether it says nothing of the runbook: somebody ended it, or the system was not well before it."""
        return bool(self.stopped) or self.not_begun or self.is_interrupted


@dataclass(frozen=True, slots=True)
class DrillSeries:
    """The tests of several drills; `earlier` has the last times to recover by the name of a drill, oldest first.

    `left_out` names what was not drilled, each with the reason.
    """

    results: tuple[DrillResult, ...]
    earlier: Mapping[str, Sequence[float]]
    left_out: Mapping[str, str]
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether every test is as it must be, and there was one."""
        return bool(self.results) and all(result.ok for result in self.results)

    @property
    def names(self) -> tuple[str, ...]:
        """The drills, in their order."""
        return tuple(dict.fromkeys(result.name for result in self.results))

    def of(self, name: str) -> Mapping[DrillTest, DrillResult]:
        """The tests of the drill `name`."""
        return {result.test: result for result in self.results if result.name == name}

    @property
    def never_red(self) -> Mapping[str, Sequence[str]]:
        """The verifications of each runbook that no test has seen to fail."""
        every: dict[str, dict[str, None]] = {}
        seen: dict[str, set[str]] = {}
        for result in self.results:
            if result.verdict is DrillVerdict.EXCEPTED:  # in which nothing was looked at
                continue
            every.setdefault(result.runbook, {}).update(dict.fromkeys(result.verifications))
            seen.setdefault(result.runbook, set()).update(result.red)
        return {name: [each for each in checks if each not in seen[name]] for name, checks in every.items()}


def as_data(result: DrillResult) -> dict[str, Any]:
    """What the audit log keeps of `result`; how it came about stands in the records of its run."""
    measured = ("detect", "alert", "recover", "outage", "asked", "bad")
    kept = ("name", "test", "verdict", "reasons", "backend", *measured, "proofs", "red")
    data = {key: getattr(result, key) for key in kept}
    lists = {key: list(value) for key, value in data.items() if isinstance(value, tuple)}
    about = {"runbook": result.runbook, "runbook_sha256": result.sha256, "tested_run": result.run}
    return {**data, **lists, **about, "void": result.is_void}
