"""Calls people for a run, records what came of it, and tells them when the incident is over."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Literal

from runner.channels.base import Page
from runner.core import duration
from runner.core.errors import AuditError, RunbookError, explain
from runner.core.events import Event, EventType
from runner.escalation import policy as escalation
from runner.escalation.dispatch import Dispatcher, SentPage
from runner.executor.target import Target
from runner.model.step import Step
from runner.orchestrator.recorder import Recorder
from runner.orchestrator.request import Call, RunRequest
from runner.orchestrator.run_environment import Installation
from runner.render.handoff.hand_off import hand_off

_GLASS = "/break-glass"
"""The end of the dedup key of what is told of a broken glass: it is no incident of the hosts."""


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
        self._dispatcher = Dispatcher(env.state.path, env.secrets, env.clock, self._note, self._noting)

    @contextlib.contextmanager
    def patience(self) -> Iterator[None]:
        """Calls somebody when the block takes longer than the runbook's policy allows.

        Raises:
            AuditError: that could not be recorded; it is raised when the block has ended without an error of its own.
        """
        wait = escalation.patience(self._runbook.escalation)
        if wait is None or self._request.looks:
            yield
            return
        reason = f"not resolved after {duration.show(timedelta(seconds=wait))}"
        timer = threading.Timer(wait, self._call, (reason,))
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()
        for error in self.unrecorded:
            if isinstance(error, AuditError):
                raise error

    def stopped(
        self, failed: Sequence[Step], declared: str | None, otherwise: str | None = None, *, end: Event | None = None
    ) -> None:
        """The run has stopped short, and is about to end by `end`: call somebody if the policy says so.

        Who was called because it took too long is called once more: it is another cause, of the same incident.
        """
        why = {step: entry.reason for (step, _), entry in self._recorder.ledger.entries.items() if entry.reason}
        policy = self._runbook.escalation
        if reason := escalation.reason_to_call(policy, failed, declared, otherwise, why=why):
            self._call(reason, end)

    def glass_broken(self) -> None:
        """Somebody goes past the guards: the policy's contacts hear of it at once, whatever becomes of the run.

        That nobody could be reached is recorded and shown; it does not change how the run ends.
        """
        if not self._request.break_glass or self._request.looks:
            return
        page = self._page("trigger", f"{self._env.actor.user} broke the glass: {self._request.break_glass}")
        page = replace(page, severity="warning", dedup_key=page.dedup_key + _GLASS)
        before = len(self.calls)
        self._send([(page, self._runbook.escalation.contacts)])
        del self.calls[before:]

    def passed(self, end: Event | None = None) -> None:
        """The run has passed, and is about to end by `end`: whoever was called for the same incident hears of it.

        What this run itself has called for is so, whatever it was called, and what one of the same aim has called for
        before it knew its hosts. What still waits to be told about it is not sent any more.
        """
        page = self._page("resolve", "resolved", end)
        incidents = self._dispatcher.incidents
        own = incidents.opened_by(self._request.run_id)
        pages: list[tuple[Page, Sequence[str]]] = []
        for key in sorted({page.dedup_key, page.dedup_key + _GLASS, self._key(None), *own}):
            with self._noting():
                self._dispatcher.withdraw(key, "the incident is over")
                if incident := incidents.find(key):
                    pages.append((replace(page, dedup_key=key), incident.contacts))
        self._send(pages)

    def _call(self, reason: str, end: Event | None = None) -> None:
        self._send([(self._page("trigger", reason, end), self._runbook.escalation.contacts)])

    def _page(self, action: Literal["trigger", "resolve"], reason: str, end: Event | None = None) -> Page:
        run, provide = self._request.run_id, self._runbook.escalation.provide
        packet = hand_off(run, None, provide)
        with self._noting():
            packet = hand_off(run, self._recorder.history(end), provide)
        details = {**packet.details, "audit_head": str(self._recorder.log.head), **self._besides()}
        page = escalation.make_page(
            self._runbook,
            action=action,
            reason=self._recorder.redaction.text(reason),
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

    def _send(self, pages: Sequence[tuple[Page, Sequence[str]]]) -> list[SentPage]:
        """What came of telling each page to its contacts, all at once."""
        run, contacts = self._request.run_id, self._request.contacts
        requested = [item for page, names in pages for item in self._dispatcher.request(page, run, names, contacts)]
        sent = self._dispatcher.send(requested)
        for each in sent:
            receipt, action = each.receipt, each.notification.page.action
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
    def unreached(self) -> list[str]:
        """The contacts who were to be called, and whom no call of this run has reached for sure."""
        triggers = [call for call in self.calls if call.action == "trigger"]
        reached = {call.contact for call in triggers if call.arrived}
        return list(dict.fromkeys(call.contact for call in triggers if call.contact not in reached))


def _problem(call: Call) -> str:
    by = f" by {call.channel}" if call.channel != "none" else ""
    return f"{call.contact} was not reached{by}: {call.reason}"
