"""What every kind of step is: one action key, what stands beside it, and the call it makes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from typing import ClassVar

from runner.core.fields import Model
from runner.kinds.invocation import Invocation

ReadFile = Callable[[str], str]
"""The text of a file named in a runbook, relative to the runbook's own directory."""


class StepKind(Model):
    """One kind of step.

    A new kind is one file with one subclass whose field is named like its `key`; the other fields are the keys that may
    stand beside it in the step.
    """

    key: ClassVar[str]
    text: ClassVar[str | None] = None
    """The name of the result's text, which `matches` looks at; None where there is none."""
    human: ClassVar[bool] = False
    """Whether a person does the step, and no machine."""
    touches_nothing: ClassVar[bool] = False
    """Whether the kind cannot change anything, so that its `effect` is `read` unless the step says otherwise."""

    @property
    def good(self) -> Mapping[str, Collection[int]]:
        """By the name it has in a condition, the numbers with which the action itself has not failed."""
        return {}

    def invocation(self, timeout: timedelta, read_file: ReadFile) -> Invocation:
        """The call that does the step, ended after `timeout`.

        Raises:
            ValueError: a file that the step names cannot be used.
        """
        raise NotImplementedError

    def describe(self) -> str:
        """What is done, in one line, for a person who decides."""
        return str(getattr(self, self.key)).strip()
