"""What every kind of verification is: a probe, a tolerance on what it shows, or a way of sampling it."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import cached_property
from typing import ClassVar

from runner.kinds.base import Kind, ReadFile
from runner.kinds.invocation import Invocation

KEYS_OF_VERIFICATIONS = frozenset({"says", "within", "every", "become", "become_user"})
"""The keys that every verification may have, and no kind of its own."""


class VerificationKind(Kind):
    """One kind of verification: a subclass whose field is named like its `key`.

    A verification combines at most one kind that probes with any number that set a tolerance; each subclass says with
    the methods below which of the two it is.
    """

    judges_text: ClassVar[bool] = False
    """Whether it judges what the result says, and not only its exit code or status."""

    def probe(self, timeout: timedelta) -> Invocation | None:
        """The call whose result is judged, bounded by `timeout`; None looks at the step's own result."""
        return None

    @cached_property
    def probes(self) -> bool:
        """Whether it has a call of its own."""
        return self.probe(timedelta(seconds=1)) is not None

    def call(self, timeout: timedelta, read_file: ReadFile) -> Invocation | None:
        """The probe."""
        return self.probe(timeout)

    def conditions(self, text: str | None) -> Sequence[str]:
        """Jinja conditions that must all hold; `text` names what `matches` looks at, where the result has text.

        Raises:
            ValueError: this tolerance makes no sense for such a result.
        """
        return ()

    def default_conditions(self) -> Sequence[str]:
        """For a kind that probes: what must hold when the verification sets no tolerance.

        Raises:
            ValueError: such a probe needs a tolerance.
        """
        raise ValueError(f"{self.key} alone says nothing about what is good; add `that`")

    @property
    def complaint(self) -> str:
        """A Jinja expression for what is said to people where the default conditions do not hold; empty for these."""
        return ""

    @property
    def expressions(self) -> tuple[str, ...]:
        """The conditions that the author wrote, which lint judges."""
        return ()

    @property
    def known(self) -> tuple[str, ...]:
        """Conditions that hold where it is known how things stand, also where they are not as they should be."""
        return ()

    @property
    def good_exits(self) -> tuple[int, ...]:
        """The exit codes that are good, where this kind decides that; else empty, and 0 alone is good."""
        return ()

    @property
    def holds_by_a_line(self) -> bool:
        """Whether one whole line of a text that holds this is enough, so that it may have been cut elsewhere."""
        return False

    @property
    def names(self) -> Mapping[str, str]:
        """More names for conditions, each with an expression over those of the result."""
        return {}

    @property
    def keeps_first(self) -> Mapping[str, str]:
        """What the first look finds and conditions compare with: names, each with an expression, which is a number."""
        return {}

    @property
    def asks_again(self) -> timedelta | None:
        """How long it is asked again, where this kind says so in the place of `within`."""
        return None

    def held(self) -> timedelta | str | None:
        """For how long every sample must be good, or the input that says so; None takes one sample."""
        return None

    @property
    def lag(self) -> timedelta | None:
        """For how long what it asks may still say what was before; None where it says what is now."""
        return None

    def describe(self) -> str:
        """The verification in words, used where the runbook does not give `says`."""
        return f"{self.key}: {getattr(self, self.key)}"


class StandInVerification(VerificationKind):
    """What stands for a verification that has faults of its own, so that the rest of the file is still checked."""

    key = "-"
    human = True

    def describe(self) -> str:
        """Nothing."""
        return "-"
