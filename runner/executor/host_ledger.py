"""The host ledger: what was intended and what was proven, for each step on each host. It alone decides the outcome."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import field, replace
from typing import Any

from runner.core.deferred import dataclass
from runner.core.events import DONE, Event, EventType, Outcome
from runner.core.step_tags import item_id, item_of, undo_id, undone_step
from runner.executor.item_entries import ItemEntries
from runner.executor.ledger_entry import (
    CAPTURE,
    EACH,
    ITEMS,
    ONLY_IF,
    LedgerEntry,
    item_parts,
    parts,
    undo_parts,
    worst_of,
)
from runner.model.step import Step, Undo


@dataclass
class Ledger:
    """Entries by (step id, host); every intended host is there from the start, so that none can be forgotten.

    A step with `each` has an entry for each item as well, once its items are known, from which its own follows.
    It is a function of the events it was told: the same ones, read back from the audit log, give the same ledger.
    """

    run: str
    entries: dict[tuple[str, str], LedgerEntry] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)
    """What each step is by the text that the run is done by, where that is known."""
    _of_each: dict[str, set[str]] = field(default_factory=dict)
    _items: ItemEntries = field(init=False)

    def __post_init__(self) -> None:
        self._items = ItemEntries(self.entries)

    def expect(self, step_id: str, hosts: Iterable[str], parts: Iterable[str]) -> None:
        """Intend `step_id` on `hosts`; it has passed on one when all of `parts` are proven there."""
        for host in hosts:
            self.entries[step_id, host] = LedgerEntry(set(parts))

    def expect_step(self, step: Step, hosts: Iterable[str]) -> None:
        """Intend `step` on `hosts`, with `each` also every item that it turns out to have there."""
        self._of_each[step.id] = item_parts(step)
        self.expect(step.id, hosts, parts(step))

    def expect_undo(self, step: Step, undo: Undo | None, hosts: Iterable[str]) -> None:
        """Intend the `undo` of `step` on `hosts`, with `each` that of every item that was begun there."""
        name, proofs = undo_id(step.id), undo_parts(undo)
        for host in hosts:
            begun = {number: entry.item for number, entry in self.items(step.id, host).items() if entry.begun}
            self.entries[name, host] = LedgerEntry({EACH} if begun else set(proofs))
            self._items.expect(name, host, begun, proofs)

    def items(self, name: str, host: str) -> Mapping[int, LedgerEntry]:
        """The items of the step or undo `name`, by their numbers; none where they are not known."""
        return self._items.of(name, host)

    def units(self, step_id: str, host: str) -> dict[str, LedgerEntry]:
        """What of a step is done by itself on a host, by the names under which it is recorded: its items, or it."""
        items = {item_id(step_id, number): entry for number, entry in self.items(step_id, host).items()}
        return items or {step_id: self.entries[step_id, host]}

    def apply(self, event: Event) -> list[Event]:
        """Take note of `event`; the `step.finished` events that follow from it."""
        if event.step is None:
            self._read(event)
            return []
        concerned = event.data.get("hosts")
        hosts = [event.host] if event.host else [host for step, host in self.entries if step == event.step]
        hosts = [host for host in hosts if event.host or concerned is None or host in concerned]
        return [done for host in hosts for done in self._apply_on(event, event.step, host)]

    def _apply_on(self, event: Event, step: str, host: str) -> Iterator[Event]:
        if done := self._apply(event, step, host):
            yield done
        for name, entry in self._items.follow(event, host):
            yield self._finished(name, host, entry)

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
                self._items.forget(step, host)
            return None
        if entry is None or entry.outcome:
            return None
        if event.type is EventType.STEP_INTENDED:
            entry.intended = entry.begun = True
            entry.earlier, entry.outdated = None, False
            entry.digest = self._digest(step)
            return None
        if event.type is EventType.STEP_EXPANDED:
            return self._expand(event, step, host, entry)
        if event.data.get("part") == CAPTURE and event.type is EventType.VALUES_CAPTURED:
            event = replace(event, data={**event.data, "outcome": Outcome.PASSED})
            return self._prove(event, step, host, entry)
        return self._prove(event, step, host, entry) if event.type in _PROOFS else None

    def _digest(self, step: str) -> str:
        item = item_of(step)
        return self.digests.get(item[0] if item else step, "")

    def _expand(self, event: Event, step: str, host: str, entry: LedgerEntry) -> Event | None:
        """Take note of the items of a step, which stay those that it has begun with."""
        if self.items(step, host):
            return None
        self._items.expand(event, host, self._of_each.get(step, ()))
        entry.digest = self._digest(step)
        entry.missing.discard(ITEMS)
        if self.items(step, host):
            return None
        entry.outcome, entry.reason = Outcome.NOT_NEEDED, "there is no item"
        return self._finished(step, host, entry)

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
            item=entry.item,
        )

    def _prove(self, event: Event, step: str, host: str, entry: LedgerEntry) -> Event | None:
        if _leaves_open(event):
            return None
        entry.digest = entry.digest or self._digest(step)
        if event.data["part"] == "action":
            entry.outdated = False
            entry.acted = Outcome(event.data["outcome"])
            entry.begun = entry.begun or entry.acted is Outcome.PASSED  # a person has done it
            entry.begun = entry.begun and not event.data.get("untouched")  # another runbook has begun nothing
        entry.outcome = _judge(entry, event)
        if entry.outcome is None:
            return None
        undone = self.entries.get((undone_step(step) or "", host))
        if undone and entry.outcome is Outcome.PASSED:
            undone.begun = False
        entry.reason = str(event.data.get("reason", ""))
        entry.looked = bool(event.data.keys() & {"result", "evidence"})
        return self._finished(step, host, entry)

    def _finished(self, step: str, host: str, entry: LedgerEntry) -> Event:
        data = {"outcome": entry.outcome} | ({"reason": entry.reason} if entry.reason else {})
        return Event(EventType.STEP_FINISHED, self.run, step, host, data)

    def close(self) -> list[Event]:
        """Give every entry that is still open its outcome, once nothing more will happen; the events that follow."""
        finished = []
        items_first = sorted(self.entries, key=lambda name: item_of(name[0]) is None)
        for step, host in items_first:
            entry = self.entries[step, host]
            if entry.outcome is None:
                entry.outcome = worst_of(item.outcome for item in self.items(step, host).values()) or entry.stands
                finished.append(Event(EventType.STEP_FINISHED, self.run, step, host, {"outcome": entry.outcome}))
        return finished

    def broken(
        self,
        steps: Iterable[Step],
        hosts: Collection[str] | None = None,
        *,
        decides: Step | None = None,
        what: str = "",
    ) -> list[tuple[Step, str]]:
        """The steps on which a run cannot build, each with a host (one of `hosts`, if they are given).

        One that only waits for a person's word is not broken. Of `decides` only the part `what` was to be proven.
        """
        return [
            (step, host)
            for step in steps
            for host in self.hosts_of(step.id)
            if (hosts is None or host in hosts) and self._is_broken(step, host, only=what if step is decides else "")
        ]

    def hosts_of(self, step_id: str) -> list[str]:
        """The hosts on which `step_id` is to be done."""
        return [host for step, host in self.entries if step == step_id]

    def _is_broken(self, step: Step, host: str, *, only: str) -> bool:
        entry = self.entries[step.id, host]
        waiting = {f"verify/{number}" for number, _ in step.confirmations}
        if entry.outcome is None:
            return only in entry.missing if only else bool(entry.missing - waiting)
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
        return worst_of(outcomes) or Outcome.PASSED

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
