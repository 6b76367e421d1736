"""The deadline of a run, by a clock that nobody can set."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from runner.core.errors import TimedOutError
from runner.core.events import Clock


class Deadline:
    """When a run has to be over; a runbook may have none."""

    def __init__(self, after: timedelta | None, clock: Clock, *, run: str, within: float | None = None) -> None:
        """`after` is what the runbook says, `within` how many seconds the run has that it works for."""
        self._clock, self._run = clock, run
        seconds = [*([after.total_seconds()] if after else []), *([within] if within is not None else [])]
        self._ends = clock().monotonic + min(seconds) if seconds else None

    @property
    def is_late(self) -> bool:
        """Whether it has passed."""
        return self._ends is not None and self._ends <= self._clock().monotonic

    def left(self) -> float | None:
        """Seconds until then; None without a deadline.

        Raises:
            TimedOutError: it has passed.
        """
        if self.is_late:
            raise self.error()
        return None if self._ends is None else self._ends - self._clock().monotonic

    def error(self) -> TimedOutError:
        """That it has passed, and what can be done."""
        return TimedOutError(
            "the deadline of the run has passed; the current action was stopped",
            hint=f"runbook resume {self._run} continues from there, with the same time limit again",
        )

    @contextmanager
    def standstill(self) -> Iterator[None]:
        """While it lasts the deadline does not come nearer: another run is at work, by its own deadline."""
        began = self._clock().monotonic
        try:
            yield
        finally:
            if self._ends is not None:
                self._ends += self._clock().monotonic - began
