"""What is known to speak against a quality gate by now: each offender by name, so that no other hides behind it."""

from __future__ import annotations

from collections.abc import Collection

from runner.core.deferred import dataclass, regex
from runner.core.identifiers import REFERENCE_ID
from runner.library.gates.quality_gates import GATES, QualityGate
from runner.model.yaml.finding import Finding

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
