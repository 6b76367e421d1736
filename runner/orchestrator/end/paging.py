"""Calls people for a run, records what came of it, and tells them when the incident is over."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import inf

from runner.channels.base import Page
from runner.core.errors import AuditError
from runner.core.events import Event, EventType, Outcome
from runner.core.wording import listed
from runner.escalation import policy as escalation
from runner.escalation.call_rules import Cause, FailedStep, SoFar, Stop, decide, has_clock
from runner.escalation.delivery import BRIEF, LIMIT
from runner.escalation.incidents import GLASS
from runner.escalation.ladder import NextLevel, levels
from runner.escalation.outbox import Notification
from runner.model.step import Step
from runner.orchestrator.end.call_clock import CallClock
from runner.orchestrator.end.page_sender import PageSender
from runner.orchestrator.end.run_ladder import Whom
from runner.orchestrator.recorder import Recorder
from runner.orchestrator.request import RunRequest
from runner.orchestrator.run_environment import Installation

_LOST = frozenset({Outcome.UNREACHABLE})
MOST_ENTRIES = 50
"""How many entries one look at the rules makes in an incident: of more causes the last entry has all that are left.

PagerDuty, and Slack, refuse what comes too fast; what they have refused waits in the outbox.
"""
_SHORTEST = 1.0
"""Seconds that a level of the ladder has in any case."""
DIED = "its command died, and nobody knows how it ended"
"""Why people are called for a run that did not come to its end."""


class Pager(PageSender):
    """The escalation of one run.

    `unrecorded` is what of it could not be recorded, which keeps nobody from being called. `declared` says whether a
    person has had somebody called.
    """

    def __init__(self, request: RunRequest, env: Installation, recorder: Recorder) -> None:
        super().__init__(request, env, recorder)
        self.declared = False
        self._clock: CallClock | None = None

    @contextlib.contextmanager
    def patience(self) -> Iterator[None]:
        """While the block lasts, calls somebody as soon as a rule of the runbook says so.

        Raises:
            AuditError: that could not be recorded; it is raised when the block has ended without an error of its own.
        """
        policy, recorder = self._runbook.escalation, self._recorder
        if self._request.tells_nobody or not has_clock(policy):
            yield
            return
        captured = lambda: recorder.captured  # noqa: E731
        names = {step.id: step.name for step in self._runbook.procedure}
        clock, call, climb = self._env.clock, self._call, self.climb
        self._clock = CallClock(policy, clock, captured=captured, call=call, climb=climb, names=names)
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
        if self._request.silent:
            return
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
        self._attach_hand_off(end)

    def taken_back(self, end: Event | None) -> None:
        """What was done is undone, and the run is about to end by `end`: the incident that it has called for stays.

        Where notes are kept, whoever looks there must not take it back once more.
        """
        run = self._ladder.history()
        names = list(dict.fromkeys(page.contact for page in run.pages if page.calls)) if run else []
        if run is None or run.ended_by or not names:
            return
        with self._noting():
            if page := self._hand_off_note(end):
                kept = self._by_level(page, [name for name in names if self._can(name, "note")])
                self._send(kept, limit=BRIEF, counts=False)
        were = "were" if len(names) > 1 else "was"
        self.remarks.append(
            f"the incident for which {listed(names)} {were} called stays open: taking back resolves none"
        )

    def declare(self, because: str, step: str | None = None) -> None:
        """A person wants somebody to be called, for a reason that is recorded; at a question, that is about `step`."""
        self.declared = True
        with self._noting():
            self._recorder.note(EventType.ESCALATION_DECLARED, step, declared=because, by=self._env.actor.person)
        with self._clock.calling if self._clock else contextlib.nullcontext():
            self.stopped([], because)

    def glass_broken(self, names: Sequence[str] = ()) -> None:
        """Somebody goes past the guards: the runbook's contacts, and `names`, hear of it, whatever becomes of the run.

        That nobody could be reached is recorded and shown; it does not change how the run ends.
        """
        if not self._request.break_glass or self._request.tells_nobody:
            return
        page = self._page("progress", f"{self._env.actor.user} broke the glass: {self._request.break_glass}")
        page = replace(page, action="trigger", severity="warning", dedup_key=page.dedup_key + GLASS)
        before = len(self.calls)
        self._send([(page, tuple(dict.fromkeys([*names, *self._runbook.escalation.contacts])))])
        del self.calls[before:]

    def died(self, end: Event | None = None) -> None:
        """The command of this run is dead: call somebody if the policy says so, and for a critical run in any case.

        `end` is how it has ended, where that is not recorded.
        """
        self.stopped([], None, Stop("abandoned", DIED), end=end)
        if not self.calls and escalation.is_critical(self._runbook):
            self._call([Cause("abandoned", DIED)], end)
            self._attach_hand_off(end)

    def calls_if_dead(self) -> list[Notification]:
        """The notifications by which somebody else would call for this run were it dead now."""
        end = Event(EventType.RUN_ABANDONED, self._request.run_id, data={"outcome": Outcome.UNKNOWN})
        return self.calls_saying(DIED, end)

    def calls_saying(self, what: str, end: Event | None = None) -> list[Notification]:
        """The notifications that call for this run, which has ended by `end`, if it has, and say `what`."""
        run, contacts, names = self._request.run_id, self._request.contacts, self._whom().names
        pages = self._by_level(self._page("trigger", what, end, to=names), names)
        return [item.notification for item in self._dispatcher.compose(pages, run, contacts)]

    @property
    def has_record(self) -> bool:
        """Whether there is anything to tell yet."""
        return bool(self._recorder.records)

    def _call(self, causes: Sequence[Cause], end: Event | None = None) -> None:
        """Call for the first of `causes`; the others are added to the incident, and wake nobody once more.

        Whoever has acknowledged the incident is not called for it again: all of them are news to them.
        """
        whom, until = self._whom(), self._env.clock().monotonic + LIMIT
        names = whom.names
        with self._noting():
            self._ladder.note_passed_over(names)
        also = f" (and {len(causes) - 1} more)" if len(causes) > 1 else ""
        page = self._page("trigger", causes[0].reason + also, end, to=names if whom.asked else ())
        hear = [name for name in names if whom.has and self._can(name, "progress")]
        others = [name for name in names if name not in hear]
        pages = [*self._by_level(replace(page, action="progress"), hear), *self._by_level(page, others)]
        plain = replace(page, action="progress", details={}, links=())
        news = [replace(plain, summary=text) for text in self._entries(causes[1:], page.group)]
        following = [item for each in news for item in self._by_level(each, names)]
        limit, untold = self._time_for(names, until)
        self._send(pages, news=following, limit=limit, untold=untold)
        self.climb(end, until)

    def _entries(self, causes: Sequence[Cause], environment: str) -> list[str]:
        """What is added to the incident for `causes`, an entry for each, and not more than `MOST_ENTRIES` with it."""
        reasons = [self._redacted(cause.reason) for cause in causes]
        if len(reasons) >= MOST_ENTRIES:
            last = reasons[MOST_ENTRIES - 2 :]
            reasons = [*reasons[: MOST_ENTRIES - 2], f"{len(last)} more: {'; '.join(last)}"]
        return [escalation.summary(self._runbook, environment, reason) for reason in reasons]

    def _attach_hand_off(self, end: Event | None = None) -> None:
        """Attach the hand-off of an attempt that is over to the incidents it has called for, where notes are kept."""
        waiting = {key: [name for name in names if self._can(name, "note")] for key, names in self._called.items()}
        if not any(waiting.values()):
            return
        with self._noting():
            if page := self._hand_off_note(end):
                self._called.clear()
                notes = [(replace(page, dedup_key=key), names) for key, names in waiting.items()]
                self._send(notes, limit=BRIEF, counts=False)

    def _whom(self) -> Whom:
        """Whom a cause calls: everybody where that cannot be recorded, as nobody could say later whose turn it is."""
        if not self.unrecorded:
            with self._noting():
                whom = self._ladder.whom_a_cause_calls()
                is_open = self._dispatcher.incidents.find(self.incident) is not None
                return whom if is_open or not whom.has else Whom(whom.names)
        return Whom(self._runbook.escalation.contacts)

    @property
    def acknowledged(self) -> str:
        """Who has the incident that this run has called for, in words; empty where nobody says so."""
        run = self._ladder.history() if any(call.calls for call in self.calls) else None
        return run.acknowledged.words if run and run.acknowledged else ""

    @property
    def follows(self) -> NextLevel | None:
        """Who is called next for the incident that this run has called for, also before, while nobody acknowledges."""
        return self._ladder.follows

    def _time_for(self, names: Sequence[str], until: float) -> tuple[float, float]:
        """How many seconds there are to call `names` until then, and how many as long as no page can have arrived.

        Others are called after that: each level that follows has its share.
        """
        left = max(_SHORTEST, until - self._env.clock().monotonic)
        follow = self._ladder.levels_after(names)
        return left, left / (1 + follow) if follow else inf

    def climb(self, end: Event | None = None, until: float | None = None) -> float | None:
        """Call the levels of the ladder whose turn it is; the seconds until it must be looked at again, if ever.

        `end` is how the run is about to end, if it is. All levels together have the time of one, `until` an instant of
        the monotonic clock.
        """
        until = self._env.clock().monotonic + LIMIT if until is None else until
        later = None
        with self._noting():
            names, why, later = self._ladder.next_calls()
            called = bool(names)
            while names and not self.unrecorded:  # what is not recorded would be called again and again
                self._ladder.note_passed_over(names)
                pages = self._by_level(self._page("trigger", why, end, to=names), names)
                limit, untold = self._time_for(names, until)
                self._send(pages, limit=limit, untold=untold)
                names, why, later = self._ladder.next_calls()
            if called:
                self._attach_hand_off(end)
        return max(0.0, (later - self._env.clock().wall).total_seconds()) if later else None

    def _by_level(self, page: Page, names: Sequence[str]) -> list[tuple[Page, Sequence[str]]]:
        """`page` for those of each level of the ladder among `names`: one incident for each level."""
        key = page.dedup_key
        return [
            (replace(page, dedup_key=escalation.level_key(key, level.name)), level.contacts)
            for level in levels(names, self._request.contacts)
        ]
