"""The host ledger: what was intended and what was proven, for each step on each host. It alone decides the outcome."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from runner.definition.step import Step, Undo
from runner.events import Event, EventType, Outcome

_WORST_FIRST = (
    Outcome.ABORTED,
    Outcome.UNKNOWN,
    Outcome.FAILED,
    Outcome.UNREACHABLE,
    Outcome.SKIPPED,
    Outcome.NEVER_REACHED,
)


@dataclass
class Entry:
    """One step on one host: the parts that must still be proven, and the outcome once there is one."""

    missing: set[str]
    intended: bool = False
    outcome: Outcome | None = None
    reason: str = ""


@dataclass
class Ledger:
    """Entries by (step id, host); every intended host is there from the start, so that none can be forgotten."""

    run: str
    entries: dict[tuple[str, str], Entry] = field(default_factory=dict)

    def expect(self, step_id: str, hosts: Iterable[str], parts: Iterable[str]) -> None:
        """Intend `step_id` on `hosts`; it has passed on one when all of `parts` are proven there."""
        for host in hosts:
            self.entries[step_id, host] = Entry(set(parts))

    def apply(self, event: Event) -> list[Event]:
        """Take note of `event`; the `step.finished` events that follow from it."""
        if event.step is None:
            return []
        hosts = [event.host] if event.host else [host for step, host in self.entries if step == event.step]
        return [done for host in hosts if (done := self._apply(event, event.step, host))]

    def _apply(self, event: Event, step: str, host: str) -> Event | None:
        entry = self.entries.get((step, host))
        if entry is None or entry.outcome:
            return None
        if event.type is EventType.STEP_INTENDED:
            entry.intended = True
            return None
        if event.type not in _PROOFS:
            return None
        entry.outcome = _judge(entry, event)
        if entry.outcome is None:
            return None
        entry.reason = str(event.data.get("reason", ""))
        data = {"outcome": entry.outcome} | ({"reason": entry.reason} if entry.reason else {})
        return Event(EventType.STEP_FINISHED, self.run, step, host, data)

    def close(self) -> list[Event]:
        """Give every entry that is still open its outcome, once nothing more will happen; the events that follow."""
        finished = []
        for (step, host), entry in self.entries.items():
            if entry.outcome is None:
                entry.outcome = Outcome.UNKNOWN if entry.intended else Outcome.NEVER_REACHED
                finished.append(Event(EventType.STEP_FINISHED, self.run, step, host, {"outcome": entry.outcome}))
        return finished

    def not_passed(self, steps: Iterable[Step]) -> list[Step]:
        """Those of `steps` that have not passed on each of their hosts."""
        bad = {step for (step, _), entry in self.entries.items() if entry.outcome is not Outcome.PASSED}
        return [step for step in steps if step.id in bad]

    def broken(self, steps: Iterable[Step]) -> list[Step]:
        """Those of `steps` on which a run can not build: one that only waits for a person's word is not broken."""
        return [step for step in steps if any(self._is_broken(step, host) for host in self._hosts_of(step.id))]

    def _hosts_of(self, step_id: str) -> list[str]:
        return [host for step, host in self.entries if step == step_id]

    def _is_broken(self, step: Step, host: str) -> bool:
        entry = self.entries[step.id, host]
        waiting = {f"verify/{number}" for number, _ in step.confirmations}
        return bool(entry.missing - waiting) if entry.outcome is None else entry.outcome is not Outcome.PASSED

    def failed(self, step_id: str) -> bool:
        """Whether `step_id` was come to and has not passed on some host."""
        fine = {Outcome.PASSED, Outcome.NEVER_REACHED, Outcome.ABORTED}
        return any(entry.outcome not in fine for (step, _), entry in self.entries.items() if step == step_id)

    def hosts(self, step_id: str, *, intended: bool) -> list[str]:
        """The hosts on which `step_id` was, or was not, begun."""
        return [host for (step, host), entry in self.entries.items() if step == step_id and entry.intended is intended]

    @property
    def outcome(self) -> Outcome:
        """The outcome of the run so far: passed only when every step has passed on every intended host."""
        found = {entry.outcome or Outcome.NEVER_REACHED for entry in self.entries.values()}
        if not found:
            return Outcome.NEVER_REACHED
        return next((outcome for outcome in _WORST_FIRST if outcome in found), Outcome.PASSED)

    def table(self) -> Mapping[str, Mapping[str, Outcome]]:
        """The outcome of each step on each host."""
        table: dict[str, dict[str, Outcome]] = {}
        for (step, host), entry in self.entries.items():
            table.setdefault(step, {})[host] = entry.outcome or Outcome.NEVER_REACHED
        return table


_PROOFS = frozenset({EventType.ACTION_FINISHED, EventType.VERIFICATION_FINISHED, EventType.GATE_ANSWERED})


def parts(step: Step) -> set[str]:
    """What must be proven before `step` has passed."""
    found = {f"verify/{number}" for number, _ in enumerate(step.verify, 1)}
    return found | ({"action"} if step.action else set())


def undo_parts(undo: Undo) -> set[str]:
    """What must be proven before `undo` has passed."""
    return {"action", *(f"verify/{number}" for number, _ in enumerate(undo.verify, 1))}


def _judge(entry: Entry, event: Event) -> Outcome | None:
    """The entry's outcome after `event`, None while something is still missing."""
    outcome = Outcome(event.data["outcome"])
    if outcome is not Outcome.PASSED:
        return outcome
    entry.missing.discard(event.data["part"])
    return None if entry.missing else Outcome.PASSED
