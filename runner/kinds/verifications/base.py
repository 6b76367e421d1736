"""What every kind of verification is: a probe, a tolerance on what it shows, or a way of sampling it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import ClassVar

from runner.core.fields import Model
from runner.kinds.invocation import Invocation


class VerificationKind(Model):
    """One key of a verification, and what stands beside it.

    A verification combines at most one kind that probes with any number that set a tolerance; each subclass says with
    the methods below which of the two it is. A new kind is one file with one subclass whose field is named like its
    `key`.
    """

    key: ClassVar[str]
    text: ClassVar[str | None] = None
    """For a kind that probes: the name of the result's text, which `matches` looks at."""
    human: ClassVar[bool] = False
    """Whether a person answers, and no machine can."""

    def probe(self, timeout: timedelta) -> Invocation | None:
        """The call whose result is judged, bounded by `timeout`; None looks at the step's own result."""
        del timeout
        return None

    def conditions(self, text: str | None) -> Sequence[str]:
        """Jinja conditions that must all hold; `text` names what `matches` looks at, where the result has text.

        Raises:
            ValueError: this tolerance makes no sense for such a result.
        """
        del text
        return ()

    def default_conditions(self) -> Sequence[str]:
        """For a kind that probes: what must hold when the verification sets no tolerance.

        Raises:
            ValueError: such a probe needs a tolerance.
        """
        raise ValueError(f"{self.key} alone says nothing about what is good; add `that`")

    def judges_exit(self) -> bool:
        """Whether this kind decides which exit codes are good, instead of 0 alone."""
        return False

    @property
    def holds_by_a_line(self) -> bool:
        """Whether one whole line of a text that holds this is enough, so that it may have been cut elsewhere."""
        return False

    def held(self) -> timedelta | str | None:
        """For how long every sample must be good, or the input that says so; None takes one sample."""
        return None

    def describe(self) -> str:
        """The verification in words, used where the runbook does not give `says`."""
        return f"{self.key}: {getattr(self, self.key)}"
