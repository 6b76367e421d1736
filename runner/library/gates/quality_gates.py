"""The six quality gates before monitoring is set up: each is a question to the whole library, with its evidence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from runner.core.deferred import dataclass
from runner.library.gates import gate_checks
from runner.library.gates.gate_checks import Question
from runner.library.last_tested import Proof
from runner.library.snapshot import LibrarySnapshot
from runner.model.yaml.finding import Finding

_QUESTIONS: Mapping[str, tuple[str, Question]] = MappingProxyType(
    {
        "critical-scenarios": ("All critical scenarios have runbooks (RUN-)", gate_checks.critical_scenarios),
        "alerts": ("Each MON- alert maps to a RUN- procedure", gate_checks.alerts),
        "rollbacks": ("DEP- rollback triggers link to RUN- procedures", gate_checks.rollbacks),
        "risks": ("RISK- high/medium entries have response runbooks", gate_checks.risks),
        "owners-and-tests": ("All runbooks have owners and last-tested dates", gate_checks.owners_and_tests),
        "escalation": ("Escalation paths defined for all runbooks", gate_checks.escalation),
    }
)

GATES: tuple[str, ...] = tuple(_QUESTIONS)
"""The names of the gates, in their order."""


@dataclass(frozen=True)
class QualityGate:
    """A gate after it was asked: what speaks for it, and what against it."""

    name: str
    title: str
    evidence: tuple[str, ...]
    offenders: tuple[Finding, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.offenders


def ask(snapshot: LibrarySnapshot, proofs: Iterable[Proof]) -> tuple[QualityGate, ...]:
    """Every gate, asked of `snapshot` and of the `proofs` that its runbooks work.

    A gate that finds nothing to judge does not pass: nothing shows that it holds.

    Raises:
        InvalidFileError: a part of the library does not load, so that nobody can tell.
    """
    snapshot.whole()
    proven = tuple(proofs)
    gates = []
    for name, (title, question) in _QUESTIONS.items():
        answers = list(question(snapshot, proven))
        evidence = tuple(item for item in answers if isinstance(item, str))
        gates.append(QualityGate(name, title, evidence, tuple(item for item in answers if isinstance(item, Finding))))
    return tuple(gates)
