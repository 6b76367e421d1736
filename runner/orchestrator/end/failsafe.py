"""Does what must be done whatever is raised: each act on its own, with its failure in words for a person."""

import traceback
from collections.abc import Callable
from typing import TypeVar

from runner.core.errors import DefectError, RunbookError, StoppedError, explain
from runner.core.redaction import Redaction
from runner.orchestrator.run_environment import RunEnvironment
from runner.store.run_state import RunDirectory

_TRACEBACK = "defect.txt"

Value = TypeVar("Value")


class Failsafe:
    """Lets acts raise what they will.

    `error` is the first thing that was raised by what was done, in words for a person; `problems` are sentences about
    what went wrong besides, which changes nothing of the outcome.
    """

    def __init__(self, env: RunEnvironment, directory: RunDirectory, redaction: Redaction) -> None:
        self.error: RunbookError | None = None
        self.problems: list[str] = []
        self._env, self._directory, self._redaction = env, directory, redaction
        self._made: set[str] = set()

    def attempt(self, *acts: Callable[[], object]) -> None:
        """Do `acts` up to the first that raises; an interrupt is a request to stop."""
        raised = self._raised_by(*acts)
        if isinstance(raised, StoppedError) and not self._env.cancellation.asked():
            self._env.cancellation.request("an interrupt")
        self.error = self.error or raised

    def _raised_by(self, *acts: Callable[[], object]) -> RunbookError | None:
        try:
            for act in acts:
                act()
        except BaseException as error:  # noqa: BLE001 - nothing gets past this place
            return self._in_words(error)
        return None

    def _in_words(self, error: BaseException) -> RunbookError:
        words = self._redaction.error(explain(error))
        if isinstance(words, DefectError):
            path = self._directory.path / _TRACEBACK
            text = self._redaction.text("".join(traceback.format_exception(error)))
            try:
                path.write_text(text, encoding="utf-8", errors="replace")
                words.hint = f"report it to the maintainers of runbookctl, with {path}"
            except OSError as full:
                words.hint += f"; where it happened is lost ({full.strerror})"
        return words

    def _make(self, what: str, act: Callable[[], object], *, otherwise: str) -> bool:
        """Whether the part `what` of the end was made, now or before; a problem begins with `otherwise` if not."""
        if what in self._made:
            return True
        raised = self._raised_by(act) and self._raised_by(act)
        if raised is None:
            self._made.add(what)
        else:
            self.problems.append(f"{otherwise}: {raised.message}")
        return raised is None

    def _value(self, act: Callable[[], Value], otherwise: Value) -> Value:
        """What `act` gives, or `otherwise` where it raises; that is a defect of what is told, not of the run."""
        values: list[Value] = []
        raised = self._raised_by(lambda: values.append(act())) and self._raised_by(lambda: values.append(act()))
        if raised:
            self.problems.append(raised.message)
        return values[-1] if values else otherwise
