"""What every kind of step is: one action key, what stands beside it, and the call it makes."""

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any, ClassVar, Literal, NamedTuple

from runner.kinds.base import Kind, ReadFile
from runner.kinds.invocation import Invocation
from runner.kinds.values import Notice, OtherRunbook

_KEYS = """
approve auto become become_user capture choose each effect hosts id idempotent name on on_failure only_if retry
reversible timeout undo verify why
"""
KEYS_OF_STEPS = frozenset(_KEYS.split())
"""The keys that every step may have, and no kind of its own."""


class Fence(NamedTuple):
    """How a kind of step stands in the Markdown of a runbook: a fence that begins with the word `info`.

    A fence with one of the `languages` is imported as such a step. What a fence `holds` says how a placeholder in it is
    bound: in shell code as a variable of `env`, in SQL as one of `params`; other text is taken as it is.
    """

    info: str
    languages: frozenset[str] = frozenset()
    holds: Literal["shell", "sql", "text"] = "text"


class StepKind(Kind):
    """One kind of step: a subclass whose field is named like its `key`."""

    touches_nothing: ClassVar[bool] = False
    """Whether it cannot change anything, so that the `effect` is `read` unless the step says otherwise."""
    gives_result: ClassVar[bool] = True
    """Whether there is one result to judge, and to capture from; what a person does has none anyway."""
    repeatable: ClassVar[bool] = False
    """Whether doing it twice is by itself as good as once: it finds what it has made before."""
    verifies_itself: ClassVar[bool] = False
    """Whether its outcome is a proof already, so that its step may do without `verify`."""
    declares_effect: ClassVar[bool] = False
    """Whether the step must say what its `effect` is, as nobody sees that from what is written."""
    fence: ClassVar[Fence | None] = None
    """How it is written in Markdown; a step without a fence is carried along as YAML."""

    @property
    def runs(self) -> OtherRunbook | None:
        """The runbook that does the step in a run of its own; None where it is no runbook that does it."""
        return None

    @property
    def announces(self) -> Notice | None:
        """What the product tells people by it; None where it tells nobody."""
        return None

    @property
    def resumable(self) -> bool:
        """Whether an action that was interrupted is found by doing it again, and is not begun a second time."""
        return False

    @property
    def undone_by(self) -> "StepKind | None":
        """What takes exactly this action back, where the step has no `undo` of its own; None where nothing does."""
        return None

    @property
    def becomes(self) -> tuple[str, ...]:
        """Whom it becomes by itself, besides the user of the step."""
        return ()

    @property
    def sets(self) -> tuple[str, ...]:
        """The variables that it has values of its own for."""
        return ()

    @property
    def gathers_facts(self) -> bool:
        """Whether Ansible knows facts of the host by it, for as long as nothing stops the run."""
        return False

    @property
    def good(self) -> Mapping[str, Collection[int]]:
        """By the name it has in a condition, the numbers with which the action itself has not failed.

        For a command that is success, where no `exit` says otherwise.
        """
        return {"rc": (0,)} if self.text == "stdout" else {}

    def invocation(self, timeout: timedelta, read_file: ReadFile) -> Invocation:
        """The call that does the step, ended after `timeout`.

        Raises:
            ValueError: a file that the step names cannot be used.
        """
        raise NotImplementedError

    def call(self, timeout: timedelta, read_file: ReadFile) -> Invocation | None:
        """The call that does the step; None where a person does it."""
        return None if self.human else self.invocation(timeout, read_file)

    @classmethod
    def fenced(cls, written: Mapping[str, Any]) -> str:
        """What stands in the fence for a step that is `written` so; empty where it cannot be said there."""
        text = written.get(cls.key)
        return text if isinstance(text, str) else ""


class StandInStep(StepKind):
    """What stands for an action that has faults of its own, so that the rest of its step is still checked."""

    key = "-"
    text = "stdout"
