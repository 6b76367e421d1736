"""How good a runbook is by the seven criteria of the team's checklist, and why not better."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta

from runner.core.deferred import dataclass
from runner.lint.engine import rules
from runner.lint.rules.base import Criterion
from runner.model.runbook import Runbook
from runner.model.yaml.finding import Finding, Level

QUESTIONS: Mapping[Criterion, str] = {
    Criterion.ACTIONABLE: "Can someone follow this without asking questions?",
    Criterion.COMPLETE: "Are all steps documented with commands?",
    Criterion.VERIFIABLE: "Does each step have a verification check?",
    Criterion.SCOPED: "Is it clear what this does and doesn't cover?",
    Criterion.ESCALATABLE: "Is the escalation path defined?",
    Criterion.TESTED: "Has this runbook been tested in a drill?",
    Criterion.MAINTAINED: "Is there an owner who updates it?",
}
TEST_AGE = timedelta(days=180)
"""A test proves something for as long."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Whether a criterion is met; what speaks against it when it is not."""

    criterion: Criterion
    reasons: tuple[str, ...]

    @property
    def met(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.reasons


def score(runbook: Runbook, findings: Iterable[Finding], *, tested: date | None, today: date) -> tuple[Mark, ...]:
    """A mark for each criterion; `tested` is the day on which the record has this very text passing, if it has one."""
    against: dict[Criterion, list[str]] = {criterion: [] for criterion in Criterion}
    for finding in findings:
        rule = rules().get(finding.rule)
        if rule and finding.level is not Level.INFO:
            against[rule.criterion].append(f"{finding.rule} in line {finding.line}")
    if not runbook.scope.excludes:
        against[Criterion.SCOPED].append("names nothing that it does not handle")
    if tested is None:
        against[Criterion.TESTED].append("the record has no run of this text that passed")
    elif today - tested > TEST_AGE:
        against[Criterion.TESTED].append(f"last passed on {tested}, {(today - tested).days} days ago")
    return tuple(Mark(criterion, tuple(reasons)) for criterion, reasons in against.items())
