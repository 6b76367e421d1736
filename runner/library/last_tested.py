"""When a runbook was last tested: what its record proves, never what somebody typed."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from runner.core.deferred import dataclass
from runner.core.wording import grouped
from runner.model.severity import Severity, Urgency, urgency

STAGING = "staging"
_QUARTER = timedelta(days=91)
_YEAR = timedelta(days=365)


class Tested(Protocol):
    """A runbook as far as a proof is about it: its source or its summary."""

    @property
    def id(self) -> str:
        """Its id."""

    @property
    def sha256(self) -> str:
        """The SHA-256 of its text."""


@dataclass(frozen=True, slots=True)
class Proof:
    """One run that passed: of which text of the runbook and the playbook, in which environment, and when it ended.

    With `drilled` it was that of a drill, which passed as well.
    """

    runbook: str
    runbook_sha256: str
    playbook_sha256: str
    environment: str
    run: str
    time: datetime
    drilled: bool = False

    @property
    def is_test(self) -> bool:
        """Whether it tests its runbook: in a drill, or in staging, where people have done what people must do."""
        return self.drilled or self.environment == STAGING


def interval(severity: Severity) -> timedelta:
    """How often a runbook is to be tested, and done by whoever is called for it."""
    return _QUARTER if urgency(severity) is Urgency.CRITICAL else _YEAR


@dataclass(frozen=True, slots=True)
class LastTest:
    """The newest test that a runbook has passed; not `current` when the runbook's text has changed since."""

    time: datetime
    environment: str
    current: bool
    drilled: bool = False

    def __str__(self) -> str:
        where = f"drill in {self.environment}" if self.drilled else self.environment
        return f"{self.time:%Y-%m-%d} ({where})" + ("" if self.current else ", untested since edit")

    def due(self, severity: Severity) -> datetime:
        """When the next test is due: a runbook for what cannot wait is tested each quarter, any other each year."""
        return self.time + interval(severity)


def last_tested(runbook: Tested, proofs: Iterable[Proof]) -> LastTest | None:
    """When `runbook` last passed: its text as it is now, else an earlier one; None when none did."""
    own = [proof for proof in proofs if proof.runbook == runbook.id and proof.is_test]
    if not own:
        return None
    newest = max(own, key=lambda proof: (proof.runbook_sha256 == runbook.sha256, proof.time))
    return LastTest(newest.time, newest.environment, newest.runbook_sha256 == runbook.sha256, newest.drilled)


def last_tests(runbooks: Iterable[Tested], proofs: Iterable[Proof]) -> Mapping[str, LastTest | None]:
    """The same for each of `runbooks`, by its id."""
    by_runbook = grouped((proof.runbook, proof) for proof in proofs)
    return {runbook.id: last_tested(runbook, by_runbook.get(runbook.id, ())) for runbook in runbooks}
