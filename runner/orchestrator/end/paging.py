"""Calls people for a run, records what came of it, and tells them when the incident is over."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from runner.channels.base import Page
from runner.core.errors import AuditError, RunbookError, explain
from runner.core.events import Event, EventType, Outcome
from runner.escalation import policy as escalation
from runner.escalation.call_rules import Cause, FailedStep, SoFar, Stop, decide, has_clock
from runner.escalation.delivery import BRIEF, LIMIT
from runner.escalation.dispatch import Dispatcher, SentPage
from runner.escalation.incidents import Incident
from runner.escalation.ladder import levels
from runner.escalation.outbox import Notification
from runner.executor.target import Target
from runner.model.runbook import FollowUp
from runner.model.step import Step
from runner.orchestrator.end.call_clock import CallClock
from runner.orchestrator.end.run_ladder import RunLadder, incident_states
from runner.orchestrator.recorder import Recorder
from runner.orchestrator.request import Call, RunRequest
from runner.orchestrator.run_environment import Installation
from runner.render.handoff.hand_off import hand_off

_LOST = frozenset({Outcome.UNREACHABLE})
_CALLS_NOBODY = frozenset({"progress", "announce", "change"})
DIED = "its command died, and nobody knows how it ended"
"""Why people are called for a run that did not come to its end."""


class Pager:
    """The escalation of one run. `calls` is who was told what, and what came of it, in order.

    That something of it cannot be recorded keeps nobody from being called: it stands in `unrecorded`, and in the page.
    """

    def __init__(self, request: RunRequest, env: Installation, recorder: Recorder) -> None:
        self.calls: list[Call] = []
        self.unrecorded: list[RunbookError] = []
        self.target: Target | None = None
        self._request, self._env, self._recorder = request, env, recorder
        self._runbook = request.source.runbook
        self._clock: CallClock | None = None
        self._ladder = RunLadder(request, env, recorder)
        self._dispatcher = Dispatcher(env.state.path, env.secrets, env.clock, self._note, self._noting)

    @contextlib.contextmanager
    def patience(self) -> Iterator[None]:
        """While the block lasts, calls somebody as soon as a rule of the runbook says so.

        Raises:
            AuditError: that could not be recorded; it is raised when the block has ended without an error of its own.
        """
        policy, recorder = self._runbook.escalation, self._recorder
        if self._request.looks or not has_clock(policy):
            yield
            return
        captured = lambda: recorder.captured  # noqa: E731
        self._clock = CallClock(policy, self._env.clock, captured=captured, call=self._call, climb=self.climb)
        recorder.listeners = (*recorder.listeners, self._clock.hear)
        with self._clock.running():
            yield
        for error in self.unrecorded:
            if isinstance(error, AuditError):
                raise error

    def stopped(
        self, failed: Sequence[Step], declared: str | None, otherwise: Stop | None = None, *, end: Event | None = None
    ) -> None:
        """The run has stopped short, and is about to end by `end`: call somebody if the policy says so.

        `otherwise` is how it stopped where none of its steps failed. Who was called because it took too long is called
        once more: it is another cause, of the same incident.
        """
        entries = self._recorder.ledger.entries
        saw = {step: entry.reason for (step, _), entry in entries.items() if entry.reason}
        so_far = replace(
            self._clock.so_far if self._clock else SoFar(captured=self._recorder.captured),
            started=None,
            question=None,
            failed=tuple(FailedStep(step.id, step.name, saw.get(step.id, "")) for step in failed),
            unreachable=tuple({host: 0 for (_, host), entry in entries.items() if entry.outcome in _LOST}),
            stop=otherwise,
            declared=declared or "",
            unattended=self._request.mode == "auto",
        )
        if causes := decide(self._runbook.escalation, so_far, self._env.clock()).causes:
            self._call(causes, end)

    def declare(self, because: str) -> None:
        """A person wants somebody to be called, for a reason that is recorded, though the run has not asked them."""
        with self._noting():
            self._recorder.note(EventType.ESCALATION_DECLARED, declared=because, by=self._env.actor.person)
        self.stopped([], because)

    def glass_broken(self, names: Sequence[str] = ()) -> None:
        """Somebody goes past the guards: the runbook's contacts, and `names`, hear of it, whatever becomes of the run.

        That nobody could be reached is recorded and shown; it does not change how the run ends.
        """
        if not self._request.break_glass or self._request.looks:
            return
        page = self._page("trigger", f"{self._env.actor.user} broke the glass: {self._request.break_glass}")
        page = replace(page, severity="warning", dedup_key=page.dedup_key + escalation.GLASS)
        before = len(self.calls)
        self._send([(page, tuple(dict.fromkeys([*names, *self._runbook.escalation.contacts])))])
        del self.calls[before:]

    def passed(self, end: Event | None = None) -> None:
        """The run has passed, and is about to end by `end`: whoever was called for the same incident hears of it.

        What this run itself has called for is so, whatever it was called, and what one of the same aim has called for
        before it knew its hosts. What still waits to be told about it is not sent any more.
        """
        page = self._page("resolve", "resolved", end)
        incidents = self._dispatcher.incidents
        keys = {page.dedup_key, self._key(None), *incidents.opened_by(self._request.run_id)}
        pages: list[tuple[Page, Sequence[str]]] = []
        for key in sorted(keys.union(*map(incidents.below, keys))):
            with self._noting():
                self._dispatcher.withdraw(key, "the incident is over")
                if incident := incidents.find(key):
                    self._note_resolved(incident)
                    pages.append((replace(page, dedup_key=key), incident.contacts))
        self._send(pages)

    def _note_resolved(self, incident: Incident) -> None:
        """Record that somebody else has resolved `incident` meanwhile, where a channel says so."""
        asked = [(name, incident.dedup_key) for name in incident.contacts]
        for where, state in incident_states(asked, self._request.contacts, self._env.secrets):
            if state.status == "resolved":
                data = {"dedup_key": incident.dedup_key, "by": state.by or "somebody", "note": f"in {where}"}
                self._recorder.note(EventType.INCIDENT_RESOLVED, **data)
                return

    def died(self) -> None:
        """The command of this run is dead: call somebody if the policy says so, and for a critical run in any case."""
        self.stopped([], None, Stop("abandoned", DIED))
        if not self.calls and escalation.is_critical(self._runbook):
            self._call([Cause("abandoned", DIED)])

    def calls_if_dead(self) -> list[Notification]:
        """The notifications by which somebody else would call for this run were it dead now."""
        run, contacts = self._request.run_id, self._request.contacts
        end = Event(EventType.RUN_ABANDONED, run, data={"outcome": Outcome.UNKNOWN})
        pages = self._by_level(self._page("trigger", DIED, end), self._whom())
        composed = [item for page, names in pages for item in self._dispatcher.compose(page, run, names, contacts)]
        return [item.notification for item in composed]

    @property
    def incident(self) -> str:
        """The name of the incident that this run calls for."""
        return self._key(self.target)

    @property
    def has_record(self) -> bool:
        """Whether there is anything to tell yet."""
        return bool(self._recorder.records)

    def open_tickets(self, follow_ups: Sequence[FollowUp], end: Event | None = None) -> None:
        """Open a ticket for each of `follow_ups` that names a contact for it: once, however often the run ends."""
        if self._request.looks or not any(each.ticket for each in follow_ups):
            return
        whole = self._page("ticket", "follow-up", end)
        texts = {each.do: each.ticket for each in follow_ups if each.ticket}
        pages = [
            (replace(whole, summary=f"{self._runbook.id}: {do}", dedup_key=self._ticket_key(do)), (contact,))
            for do, contact in texts.items()
        ]
        self._send(pages)

    def tell(self, page: Page, names: Sequence[str]) -> list[str]:
        """Send `page`, which calls nobody, to the contacts `names`; what the channels call what they made of it."""
        return [each.receipt.reference for each in self._send([(page, names)], limit=BRIEF) if each.receipt.reference]

    def _ticket_key(self, do: str) -> str:
        return f"{self._request.run_id}/ticket/{do}"

    def _call(self, causes: Sequence[Cause], end: Event | None = None) -> None:
        """Call for the first of `causes`; the others are added to the incident, and wake nobody once more."""
        names = self._whom()
        also = f" (and {len(causes) - 1} more)" if len(causes) > 1 else ""
        page = self._page("trigger", causes[0].reason + also, end)
        self._send(self._by_level(page, names))
        plain = replace(page, action="progress", details={}, links=())
        texts = [escalation.summary(self._runbook, page.group, self._redacted(cause.reason)) for cause in causes[1:]]
        news = [replace(plain, summary=text) for text in texts]
        self._send([item for each in news for item in self._by_level(each, names)], limit=BRIEF)
        self.climb()

    def _whom(self) -> Sequence[str]:
        """Whom a cause calls: everybody where that cannot be recorded, as nobody could say later whose turn it is."""
        names: Sequence[str] = self._runbook.escalation.contacts
        if not self.unrecorded:
            with self._noting():
                names = self._ladder.whom_a_cause_calls()
        return names

    def climb(self) -> float | None:
        """Call the levels of the ladder whose turn it is; the seconds until it must be looked at again, if ever."""
        later = None
        with self._noting():
            names, why, later = self._ladder.next_calls()
            while names and not self.unrecorded:  # what is not recorded would be called again and again
                self._send(self._by_level(self._page("trigger", why), names))
                names, why, later = self._ladder.next_calls()
        return max(0.0, (later - self._env.clock().wall).total_seconds()) if later else None

    def _by_level(self, page: Page, names: Sequence[str]) -> list[tuple[Page, Sequence[str]]]:
        """`page` for those of each level of the ladder among `names`: one incident for each level."""
        key = page.dedup_key
        return [
            (replace(page, dedup_key=escalation.level_key(key, level.name)), level.contacts)
            for level in levels(names, self._request.contacts)
        ]

    def _redacted(self, text: str) -> str:
        return self._recorder.redaction.text(text)

    def _page(self, action: Literal["trigger", "resolve", "ticket"], reason: str, end: Event | None = None) -> Page:
        run, provide = self._request.run_id, self._runbook.escalation.provide
        packet = hand_off(run, None, provide)
        with self._noting():
            packet = hand_off(run, self._recorder.history(end), provide)
        head, who = str(self._recorder.log.head), self._ladder.authorities()
        details = {**packet.details, **who, "audit_head": head, **self._besides()}
        page = escalation.make_page(
            self._runbook,
            action=action,
            reason=self._redacted(reason),
            environment=self.target.environment if self.target else "unknown",
            hosts=self.target.names if self.target else (),
            details=self._recorder.redaction.data(details, ours=1),
            timestamp=self._env.clock().wall,
        )
        return replace(page, dedup_key=self._key(self.target))

    def _key(self, target: Target | None) -> str:
        """The incident's name, by the hosts of `target`, or by what was aimed at while nobody knows them."""
        if target:
            return escalation.dedup_key(self._runbook.id, target.environment, target.names)
        aim = [*map(str, self._request.inventories), self._request.limit or ""]
        return escalation.dedup_key(self._runbook.id, "unknown", aim)

    def _besides(self) -> dict[str, str]:
        """What whoever is called must know first: that guards were gone past, and that there is no record."""
        reason = self._request.break_glass if self._recorder.knows_inventory else ""  # else it may hold a secret of it
        glass = {"break_glass": reason} if reason else {}
        unrecorded = {"not_recorded": self.unrecorded[0].message} if self.unrecorded else {}
        return glass | unrecorded

    def _send(self, pages: Sequence[tuple[Page, Sequence[str]]], *, limit: float = LIMIT) -> list[SentPage]:
        """What came of telling each page to its contacts, all at once."""
        run, contacts = self._request.run_id, self._request.contacts
        requested = [item for page, names in pages for item in self._dispatcher.request(page, run, names, contacts)]
        sent = self._dispatcher.send(requested, limit=limit)
        for each in sent:
            receipt, action = each.receipt, each.notification.page.action
            if action not in _CALLS_NOBODY:
                self.calls.append(Call(each.contact, receipt.channel, action, receipt.ok, receipt.reason))
        return sent

    def _note(self, run: str, kind: EventType, data: Mapping[str, Any]) -> None:
        del run  # the recorder's own
        self._recorder.note(kind, **data)

    @contextlib.contextmanager
    def _noting(self) -> Iterator[None]:
        """What cannot be remembered or recorded in the block is noted, and nobody is called the less for it."""
        try:
            yield
        except BaseException as error:  # noqa: BLE001 - whatever it is, people are called
            self.unrecorded.append(self._recorder.redaction.error(explain(error)))

    def problems(self) -> list[str]:
        """A sentence for each page that did not arrive."""
        return [_problem(call) for call in self.calls if not call.arrived]

    @property
    def reached(self) -> bool | None:
        """Whether somebody who was called has the page for sure; None where nobody was to be called."""
        arrived = [call.arrived for call in self.calls if call.action == "trigger"]
        return any(arrived) if arrived else None


def _problem(call: Call) -> str:
    by = f" by {call.channel}" if call.channel != "none" else ""
    return f"{call.contact} was not reached{by}: {call.reason}"
