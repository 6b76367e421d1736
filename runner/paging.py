"""Calls people for a run, records what came of it, and tells them when the incident is over."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Literal

from runner import duration, escalation
from runner.channels.base import Page, Receipt
from runner.definition.step import Step
from runner.errors import RunbookError
from runner.events import EventType
from runner.execution.target import Target
from runner.journal import Journal
from runner.record.incidents import Incident, Incidents
from runner.request import Request, Surroundings


class Pager:
    """The escalation of one run. `told` is what was sent and what came back, in order."""

    def __init__(self, request: Request, around: Surroundings, journal: Journal) -> None:
        self.told: list[escalation.Told] = []
        self.target: Target | None = None
        self._request, self._around, self._journal = request, around, journal
        self._runbook = request.source.runbook
        self._incidents = Incidents(around.state.path / "incidents")
        self._called = False

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
        errors: list[RunbookError] = []
        timer = threading.Timer(wait, self._call_late, (reason, errors))
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()
        if errors:
            raise errors[0]

    def _call_late(self, reason: str, errors: list[RunbookError]) -> None:
        try:
            self._call(reason)
        except RunbookError as error:  # on a thread of its own nobody would hear of it
            errors.append(error)

    def stopped(self, not_passed: Iterable[Step], declared: str | None) -> None:
        """The run has stopped short: call somebody if the policy says so and nobody has been called yet."""
        why = {step: entry.reason for (step, _), entry in self._journal.ledger.entries.items() if entry.reason}
        reason = escalation.reason_to_call(self._runbook.escalation, not_passed, declared, why=why)
        if reason and not self._called:
            self._call(reason)

    def passed(self) -> None:
        """The run has passed: whoever was called for the same incident is told that it is over.

        What this run itself has called for is so, whatever it was called: its hosts may not have been known by then.
        """
        page = self._page("resolve", "resolved")
        keys = {page.dedup_key, *self._incidents.opened_by(self._request.run_id)}
        for incident in filter(None, map(self._incidents.find, sorted(keys))):
            if self._send(replace(page, dedup_key=incident.dedup_key), incident.contacts):
                self._incidents.close(incident.dedup_key)

    def _call(self, reason: str) -> None:
        self._called = True
        page = self._page("trigger", reason)
        names = self._runbook.escalation.contacts
        self._incidents.open(Incident(page.dedup_key, self._request.run_id, names))
        self._send(page, names)

    def _page(self, action: Literal["trigger", "resolve"], reason: str) -> Page:
        known = escalation.packet(self._runbook, self._journal.history, self._journal.captured)
        return escalation.make_page(
            self._runbook,
            action=action,
            reason=reason,
            environment=self.target.environment if self.target else "unknown",
            hosts=self.target.names if self.target else (),
            details={**known, "run": self._request.run_id, "audit_head": str(self._journal.log.head), **self._glass()},
            timestamp=self._around.clock().wall,
        )

    def _glass(self) -> dict[str, str]:
        """That guards were gone past is the first thing that whoever is called must know."""
        return {"break_glass": self._request.break_glass} if self._request.break_glass else {}

    def _send(self, page: Page, names: Sequence[str]) -> bool:
        """Whether everybody in `names` has it for sure; every receipt is recorded, whatever it says."""
        told = escalation.tell(page, self._request.contacts, names, self._around.secrets)
        self.told.extend(told)
        for item in told:
            receipt = item.receipt
            said = {"status": receipt.status, "attempts": receipt.attempts, "reason": receipt.reason}
            where = {"contact": item.contact, "channel": receipt.channel, "dedup_key": page.dedup_key}
            self._journal.note(EventType.PAGE_FINISHED, action=page.action, **where, **said)
        return all(item.receipt.ok for item in told)

    def problems(self) -> list[str]:
        """A sentence for each page that did not arrive."""
        return [_problem(item.contact, item.receipt) for item in self.told if not item.receipt.ok]


def _problem(contact: str, receipt: Receipt) -> str:
    by = f" by {receipt.channel}" if receipt.channel != "none" else ""
    return f"{contact} was not reached{by}: {receipt.reason}"
