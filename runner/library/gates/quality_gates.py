"""The six quality gates before monitoring is set up: each is a question to the whole library, with its evidence."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType

from runner.core.deferred import dataclass, regex
from runner.core.identifiers import REFERENCE_ID
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


_ID = regex(REFERENCE_ID.strip("^$"))


@dataclass(frozen=True)
class Comparison:
    """A gate beside what was expected of it: who offends as expected, who does not, and who is expected in vain."""

    gate: QualityGate
    expected: tuple[Finding, ...]
    unexpected: tuple[Finding, ...]
    vain: tuple[str, ...]

    @property
    def surprises(self) -> bool:
        """Whether it is not as it was expected to be."""
        return bool(self.unexpected or self.vain)


def compare(gate: QualityGate, names: Collection[str]) -> Comparison:
    """`gate` beside those of the expected `names` that are of it."""
    offending = {finding: name(gate.name, finding) for finding in gate.offenders}
    return Comparison(
        gate,
        tuple(finding for finding, label in offending.items() if label in names),
        tuple(finding for finding, label in offending.items() if label not in names),
        tuple(label for label in names if label.partition(":")[0] == gate.name and label not in offending.values()),
    )


def name(gate: str, offender: Finding) -> str:
    """What one expects `offender` by: `alerts:MON-001`; the gate alone where there was nothing to judge."""
    found = _ID.search(offender.path) or _ID.search(offender.file)
    return f"{gate}:{found[0]}" if found else gate


def check(text: str) -> str:
    """`text`, which may be such a name.

    Raises:
        ValueError: it is none.
    """
    gate, colon, offender = text.partition(":")
    if gate not in GATES:
        raise ValueError(f"{gate!r} is no gate; they are {', '.join(GATES)}")
    if colon and not _ID.fullmatch(offender):
        raise ValueError(f"{offender!r} is no id, like MON-001")
    return text
