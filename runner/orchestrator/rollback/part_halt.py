"""The end of the part that goes on, and of nothing more: never while something is being changed."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from runner.executor.host_ledger import Ledger
from runner.executor.job import Cancellation


class PartHalt(Cancellation):
    """A request to stop for the part that is executed just now, beside those to stop the whole run.

    A part is halted only where nothing is in the middle of a change: at the next thing that Ansible reports, or at once
    where nothing but a verification is going on. What Ansible reports is recorded under one lock with whoever halts, so
    that no action is begun that would be ended.
    """

    def __init__(self, whole: Cancellation, ledger: Ledger) -> None:
        super().__init__()
        self._whole, self._ledger = whole, ledger
        self._lock, self._wanted, self._between_steps = threading.Lock(), False, False
        self.halted = self._may = False

    def asked(self) -> int:
        """How often the whole run was asked to stop, and once more where this part is halted."""
        return self._whole.asked() + self.halted

    def begin(self, *, may: bool) -> None:
        """A part begins, which `may` be halted."""
        with self._lock:
            self.answered, self.halted, self._may = self._whole.answered, False, may

    def want(self, *, between_steps: bool) -> None:
        """Halt the part as soon as that is harmless; `between_steps`, not before the step that is begun has ended."""
        with self._lock:
            self._wanted, self._between_steps = True, between_steps
            self.halted = self.halted or self._harmless()

    def forget(self) -> None:
        """It is not to be halted any more."""
        with self._lock:
            self._wanted = False

    @contextmanager
    def passing(self) -> Iterator[bool]:
        """Whether what Ansible reports may be recorded, and go on; else the part ends before it."""
        with self._lock:
            self.halted = self.halted or self._harmless()
            yield not self.halted

    def _harmless(self) -> bool:
        """Whether nothing is lost when the part ends now."""
        if not (self._wanted and self._may):
            return False
        entries = list(self._ledger.entries.values())
        begun = [entry for entry in entries if entry.outcome is None and entry.intended]
        return not any(self._between_steps or entry.acted is None for entry in begun)
