"""The host ledger: what was intended and what was proven, for each step on each host. It alone decides the outcome."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from runner.core.events import DONE, Event, EventType, Outcome
from runner.core.step_tags import undo_id, undone_step
from runner.model.step import Step, Undo

ONLY_IF = "only_if"
"""The part of a step that says whether it is needed."""

_WORST_FIRST = (
    Outcome.ABORTED,
    Outcome.UNKNOWN,
    Outcome.FAILED,
    Outcome.UNREACHABLE,
    Outcome.SKIPPED,
    Outcome.NEVER_REACHED,
    Outcome.PLANNED,
    Outcome.UNKNOWABLE,
)


@dataclass
class LedgerEntry:
    """One step on one host: the parts that must still be proven, and the outcome once there is one.

    `acted` is the outcome of the action alone; None while nobody knows whether it was done. `begun` says that the
    action was begun at some time and has not been taken back since. `earlier` is what a step that is to be done or
    verified again had come to: it still stands when that does not happen. `digest` is of the text by which it was done
    and verified, empty where nothing was or that is not known; `outdated` says that the action was begun by an older
    text than the one it must be proven by now, and `looked` that what failed has looked for itself.
    """

    missing: set[str]
    intended: bool = False
    acted: Outcome | None = None
    outcome: Outcome | None = None
    reason: str = ""
    begun: bool = False
    earlier: Outcome | None = None
    digest: str = ""
    outdated: bool = False
    looked: bool = False

    @property
    def stands(self) -> Outcome:
        """The outcome if nothing more happens."""
        return self.outcome or self.earlier or (Outcome.UNKNOWN if self.intended else Outcome.NEVER_REACHED)


@dataclass
class Ledger:
    """Entries by (step id, host); every intended host is there from the start, so that none can be forgotten.

    It is a function of the events it was told: the same ones, read back from the audit log, give the same ledger.
    """

    run: str
    entries: dict[tuple[str, str], LedgerEntry] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)
    """What each step is by the text that the run is done by, where that is known."""

    def expect(self, step_id: str, hosts: Iterable[str], parts: Iterable[str]) -> None:
        """Intend `step_id` on `hosts`; it has passed on one when all of `parts` are proven there."""
        for host in hosts:
            self.entries[step_id, host] = LedgerEntry(set(parts))

    def apply(self, event: Event) -> list[Event]:
        """Take note of `event`; the `step.finished` events that follow from it."""
        if event.step is None:
            self._read(event)
            return []
        concerned = event.data.get("hosts")
        hosts = [event.host] if event.host else [host for step, host in self.entries if step == event.step]
        hosts = [host for host in hosts if event.host or concerned is None or host in concerned]
        return [done for host in hosts if (done := self._apply(event, event.step, host))]

    def _read(self, event: Event) -> None:
        """Take note of the text by which the run is done from now on."""
        if event.type in {EventType.RUN_STARTED, EventType.RUN_RESUMED}:
            steps = [item for item in event.data.get("steps") or () if isinstance(item, Mapping)]
            self.digests = {str(item.get("id")): str(item.get("digest") or "") for item in steps}
        elif event.type is EventType.CHANGES_ACCEPTED:
            for entry in self.entries.values():
                entry.digest = entry.digest or _NOT_KNOWN

    def _apply(self, event: Event, step: str, host: str) -> Event | None:
        entry = self.entries.get((step, host))
        if entry is not None and event.type is EventType.STEP_REOPENED:
            self.entries[step, host] = self._reopened(entry, event.data, undone=self.is_undone(step, host))
            if event.data["redo"]:
                self.entries.pop((undo_id(step), host), None)
            return None
        if entry is None or entry.outcome:
            return None
        if event.type is EventType.STEP_INTENDED:
            entry.intended = entry.begun = True
            entry.earlier, entry.outdated = None, False
            entry.digest = self.digests.get(step, "")
            return None
        return self._prove(event, step, host, entry) if event.type in _PROOFS else None

    def _reopened(self, entry: LedgerEntry, data: Mapping[str, Any], *, undone: bool) -> LedgerEntry:
        """The entry of a step that is to be done again, or only to be verified again."""
        again, missing = bool(data["redo"]), set(data["parts"])
        changed = data.get("digest")
        return LedgerEntry(
            missing,
            intended=entry.intended and not again,
            acted=None if "action" in missing else entry.acted,
            begun=entry.begun,
            earlier=None if undone or changed else entry.outcome or entry.earlier,
            digest="" if again else changed or entry.digest,
            outdated=not again and (entry.outdated or bool(changed and "action" in missing)),
        )

    def _prove(self, event: Event, step: str, host: str, entry: LedgerEntry) -> Event | None:
        if _leaves_open(event):
            return None
        entry.digest = entry.digest or self.digests.get(step, "")
        if event.data["part"] == "action":
            entry.outdated = False
            entry.acted = Outcome(event.data["outcome"])
            entry.begun = entry.begun or entry.acted is Outcome.PASSED  # a person has done it
        entry.outcome = _judge(entry, event)
        if entry.outcome is None:
            return None
        undone = self.entries.get((undone_step(step) or "", host))
        if undone and entry.outcome is Outcome.PASSED:
            undone.begun = False
        entry.reason = str(event.data.get("reason", ""))
        entry.looked = bool(event.data.keys() & {"result", "evidence"})
        data = {"outcome": entry.outcome} | ({"reason": entry.reason} if entry.reason else {})
        return Event(EventType.STEP_FINISHED, self.run, step, host, data)

    def close(self) -> list[Event]:
        """Give every entry that is still open its outcome, once nothing more will happen; the events that follow."""
        finished = []
        for (step, host), entry in self.entries.items():
            if entry.outcome is None:
                entry.outcome = entry.stands
                finished.append(Event(EventType.STEP_FINISHED, self.run, step, host, {"outcome": entry.outcome}))
        return finished

    def broken(
        self, steps: Iterable[Step], hosts: Collection[str] | None = None, *, decides: Step | None = None
    ) -> list[tuple[Step, str]]:
        """The steps on which a run cannot build, each with a host (one of `hosts`, if they are given).

        One that only waits for a person's word is not broken. Of `decides` was only to be found whether it is needed.
        """
        return [
            (step, host)
            for step in steps
            for host in self.hosts_of(step.id)
            if (hosts is None or host in hosts) and self._is_broken(step, host, decided=step is decides)
        ]

    def hosts_of(self, step_id: str) -> list[str]:
        """The hosts on which `step_id` is to be done."""
        return [host for step, host in self.entries if step == step_id]

    def _is_broken(self, step: Step, host: str, *, decided: bool) -> bool:
        entry = self.entries[step.id, host]
        waiting = {f"verify/{number}" for number, _ in step.confirmations}
        if entry.outcome is None:
            return bool(entry.missing & {ONLY_IF} if decided else entry.missing - waiting)
        return entry.outcome not in {*DONE, Outcome.PLANNED, Outcome.UNKNOWABLE}

    def waits_for(self, step_id: str, parts: Collection[str]) -> list[str]:
        """The hosts on which one of `parts` of `step_id` is still to be proven."""
        open_entries = ((host, self.entries[step_id, host]) for host in self.hosts_of(step_id))
        return [host for host, entry in open_entries if entry.outcome is None and entry.missing & set(parts)]

    def lost(self, steps: Iterable[Step]) -> list[str]:
        """The hosts on which one of `steps` has ended and not passed, unless a person has skipped it."""
        hosts = (host for step in steps for host in self.hosts_of(step.id) if _is_lost(self.entries[step.id, host]))
        return list(dict.fromkeys(hosts))

    def failed_on(self, step_id: str) -> list[str]:
        """The hosts on which `step_id` was come to and has not passed, though nobody has said that it shall not be."""
        fine = {*DONE, Outcome.NEVER_REACHED, Outcome.ABORTED, Outcome.PLANNED, Outcome.UNKNOWABLE}
        mine = ((host, self.entries[step_id, host]) for host in self.hosts_of(step_id))
        return [host for host, entry in mine if entry.outcome not in fine and not _is_skipped_by_choice(entry)]

    def decided_on(self, step_id: str) -> list[str]:
        """The hosts for which it is known whether `step_id` is needed there."""
        return [host for host in self.hosts_of(step_id) if ONLY_IF not in self.entries[step_id, host].missing]

    def begun_on(self, step_id: str) -> list[str]:
        """The hosts on which the action of `step_id` was begun and has not been taken back since."""
        return [host for host in self.hosts_of(step_id) if self.entries[step_id, host].begun]

    def is_undone(self, step_id: str, host: str) -> bool:
        """Whether `step_id` was taken back on `host`, and proven to be."""
        undone = self.entries.get((undo_id(step_id), host))
        return undone is not None and undone.outcome is Outcome.PASSED

    @property
    def outcome(self) -> Outcome:
        """The outcome of the run so far: passed only when every step has, or is not needed, on every intended host."""
        outcomes = {entry.outcome or Outcome.NEVER_REACHED for entry in self.entries.values()}
        if not outcomes:
            return Outcome.NEVER_REACHED
        return next((outcome for outcome in _WORST_FIRST if outcome in outcomes), Outcome.PASSED)

    def table(self) -> Mapping[str, Mapping[str, Outcome]]:
        """The outcome of each step on each host."""
        table: dict[str, dict[str, Outcome]] = {}
        for (step, host), entry in self.entries.items():
            table.setdefault(step, {})[host] = entry.stands
        return table


_NOT_KNOWN = "?"
"""The digest of a text of which is only known that it may have been another one."""


def _is_skipped_by_choice(entry: LedgerEntry) -> bool:
    """Whether a person has skipped it; a task that answered that it was skipped had been begun."""
    return entry.outcome is Outcome.SKIPPED and not entry.intended


def _is_lost(entry: LedgerEntry) -> bool:
    bad = {Outcome.FAILED, Outcome.UNREACHABLE, Outcome.UNKNOWN, Outcome.ABORTED}
    return entry.outcome in bad or (entry.outcome is Outcome.SKIPPED and entry.intended)


def _leaves_open(event: Event) -> bool:
    """Whether it is the answer of somebody who does not say what became of an interrupted step."""
    return event.data.get("kind") == "unknown" and event.data["outcome"] != Outcome.PASSED


_PROOFS = frozenset(
    {
        EventType.STEP_DECIDED,
        EventType.ACTION_FINISHED,
        EventType.VERIFICATION_FINISHED,
        EventType.GATE_ANSWERED,
        EventType.STEP_SETTLED,
    }
)


def parts(step: Step) -> set[str]:
    """What must be proven before `step` has passed."""
    checks = {f"verify/{number}" for number, _ in enumerate(step.verify, 1)}
    return _decision(step) | checks | ({"action"} if step.action else set())


def machine_parts(step: Step) -> set[str]:
    """What of it a machine proves."""
    acts = step.action is not None and not step.manual
    return _decision(step) | {f"verify/{number}" for number, _ in step.automated} | ({"action"} if acts else set())


def _decision(step: Step) -> set[str]:
    return {ONLY_IF} if step.only_if else set()


def undo_parts(undo: Undo) -> set[str]:
    """What must be proven before `undo` has passed."""
    return {"action", *(f"verify/{number}" for number, _ in enumerate(undo.verify, 1))}


def _judge(entry: LedgerEntry, event: Event) -> Outcome | None:
    """The entry's outcome after `event`, None while something is still missing."""
    outcome = Outcome(event.data["outcome"])
    if outcome is Outcome.NOT_NEEDED and event.type is not EventType.STEP_DECIDED:
        return Outcome.UNKNOWN  # only a decision says that, never what a module answers
    if outcome in DONE:
        entry.missing.discard(event.data["part"])
    if outcome is not Outcome.PASSED:
        return outcome
    return None if entry.missing else Outcome.PASSED
