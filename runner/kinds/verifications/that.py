"""`that`: a condition, or a list of them, in Ansible's own expression language."""

from collections.abc import Sequence

from runner.core.fields import OneOrSeveral
from runner.kinds.values import Condition
from runner.kinds.verifications.base import VerificationKind


class That(VerificationKind):
    """A Jinja condition over the result's names, the inputs and what earlier steps captured."""

    key = "that"
    example = "- {says: At least one file was written, that: stdout | int > 0}"

    that: OneOrSeveral[Condition]

    def conditions(self, text: str | None) -> Sequence[str]:
        """The conditions as they are written."""
        return self.that

    @property
    def expressions(self) -> tuple[str, ...]:
        """The same."""
        return self.that

    def describe(self) -> str:
        """The conditions, joined."""
        return " and ".join(self.that)
