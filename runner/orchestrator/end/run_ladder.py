"""The ladder of one run: whom a cause calls, and whose turn it is while nobody has acknowledged."""

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

from runner.channels.base import Secrets
from runner.channels.inquiry import IncidentState
from runner.core import duration
from runner.core.deferred import dataclass
from runner.core.errors import RunbookError
from runner.core.events import EventType
from runner.core.wording import listed
from runner.escalation.delivery import BRIEF, answers_of
from runner.escalation.ladder import CalledLevel, ContactLevel, DueCalls, NextLevel, due, following, levels, newest
from runner.model.contacts import Contact
from runner.orchestrator.recorder import Recorder
from runner.orchestrator.request import RunRequest
from runner.orchestrator.run_environment import Installation
from runner.render.history.page_history import PageHistory, called_levels
from runner.render.history.run_history import RunHistory, history
from runner.store.log.log_reader import read

_CALLED = frozenset({EventType.NOTIFY_REQUESTED, EventType.PAGE_FINISHED})


@dataclass(frozen=True, slots=True)
class Whom:
    """The contacts whom a cause calls; whether somebody of them `has` the incident, who is not called once more.

    `asked` says whether they are asked to say that they have it.
    """

    names: Sequence[str]
    has: bool = False
    asked: bool = True


class RunLadder:
    """Who of a runbook's contacts is called when: level by level, where its policy says how long a level has.

    What was called, and who has acknowledged, is in the log, to which other commands add as well.
    """

    def __init__(self, request: RunRequest, env: Installation, recorder: Recorder) -> None:
        self._request, self._env, self._recorder = request, env, recorder
        self._policy = request.source.runbook.escalation

    @property
    def _levels(self) -> tuple[ContactLevel, ...]:
        return levels(self._policy.contacts, self._request.contacts)

    def authorities(self) -> dict[str, list[str]]:
        """Who may decide what, where contacts.yml says so, for whoever asks whom to call."""
        people = [self._request.contacts[name] for name in self._policy.contacts if name in self._request.contacts]
        lines = [f"{each.level} {each.name}: {', '.join(each.authority)}" for each in people if each.authority]
        return {"who decides": lines} if lines else {}

    def who_follows(self, names: Sequence[str]) -> str:
        """Who is called after the contacts in `names`, and when, for whoever reads a page to them; empty for nobody."""
        after, called = self._policy.next_after, [level.name for level in levels(names, self._request.contacts)]
        if after is None or not called:
            return ""
        now = self._env.clock().wall
        following = self._due([CalledLevel(called[-1], now, reached=True)], now + after).levels
        people = [
            f"{level.name} {self._request.contacts[name].name if name in self._request.contacts else name}"
            for level in following
            for name in level.contacts
        ]
        are = "is" if len(people) == 1 else "are"
        return f"{listed(people)} {are} called {duration.show(after)} after this" if people else "nobody else is called"

    def levels_after(self, names: Sequence[str]) -> int:
        """How many levels are called one after the other where no page to the contacts in `names` arrives."""
        called = max((level.name for level in levels(names, self._request.contacts)), default="")
        return sum(level.name > called for level in self._levels) if self._policy.next_after else 0

    def whom_a_cause_calls(self) -> Whom:
        """The contacts who were called before, who hear of every cause; else those of the first level.

        Everybody is called where nothing is known of the run: nobody could say later whose turn it is.
        """
        run = self.history()
        if run is None or self._policy.next_after is None:
            return Whom(self._policy.contacts)
        before = {page.contact for page in run.pages if page.calls}
        again = [name for name in self._policy.contacts if name in before]
        has = bool(again and run.acknowledged)
        return Whom(again or self._due((), self._env.clock().wall).names, has, asked=not has or run.asks_again)

    def note_passed_over(self, names: Sequence[str]) -> None:
        """Record who is not called, as it is outside of their hours, when `names` are called in their place."""
        run = self.history()
        calls = self._due(called_levels(run.pages, run.news_since) if run else (), self._env.clock().wall)
        for name in calls.passed_over if calls.names == tuple(names) else ():
            hours = " and ".join(self._request.contacts[name].hours)
            self._recorder.note(EventType.CONTACT_PASSED_OVER, contact=name, hours=hours, instead=listed(names))

    def next_calls(self) -> tuple[Sequence[str], str, datetime | None]:
        """Whom to call now, why, and when it is to be looked at again: nobody, where somebody has the incident."""
        nobody: tuple[Sequence[str], str, None] = ((), "", None)
        if self._policy.next_after is None or all(each.type not in _CALLED for each in self._recorder.records):
            return nobody
        run = self.history()
        if run is None or run.acknowledged or not (called := called_levels(run.pages, run.news_since)):
            return nobody
        calls, last = self._due(called, self._env.clock().wall), newest(called)
        if calls.levels and last.reached and self._is_acknowledged(run):
            return nobody
        waited = duration.show(timedelta(seconds=int((self._env.clock().wall - last.at).total_seconds())))
        why = f"for {waited}" if last.reached else "as no page has arrived"
        return calls.names, f"{last.name} was called and nobody has acknowledged {why}", calls.next

    @property
    def follows(self) -> NextLevel | None:
        """Who is called next while nobody acknowledges, and when; None where nobody is, or where that is not known."""
        run = self.history()
        if run is None or run.acknowledged or run.ended_by or self._policy.next_after is None:
            return None
        so_far, now = called_levels(run.pages, run.news_since), self._env.clock().wall
        return following(self._levels, self._request.contacts, self._policy.next_after, so_far, now)

    def _due(self, so_far: Sequence[CalledLevel], now: datetime) -> DueCalls:
        return due(self._levels, self._request.contacts, self._policy.next_after, so_far, now)

    def history(self) -> RunHistory | None:
        """The run with all that is recorded of it; what this process knows of it, where the log cannot be read."""
        with contextlib.suppress(RunbookError, OSError, ValueError):
            return history(read(self._recorder.log.path, run=self._request.run_id), now=self._env.clock())
        return self._recorder.history()

    def _is_acknowledged(self, run: RunHistory) -> bool:
        """Whether a channel says that somebody has the incident, or that it is over; that is recorded.

        What was so before the latest attempt came to nothing is not said of that.
        """
        since = run.news_since
        for _, where, state in self._states(run.pages):
            if state.status != "triggered" and (since is None or (state.at is not None and state.at >= since)):
                note = f"{state.status} in {where}"
                self._recorder.note(EventType.INCIDENT_ACKNOWLEDGED, by=state.by or "somebody", note=note)
                return True
        return False

    def _states(self, pages: Sequence[PageHistory]) -> list[tuple[str, str, IncidentState]]:
        """How the incidents that were called for stand, by the channels that can be asked and answer."""
        called = dict.fromkeys((page.contact, page.incident) for page in pages if page.calls)
        return incident_states(called, self._request.contacts, self._env.secrets)


def incident_states(
    incidents: Iterable[tuple[str, str]], contacts: Mapping[str, Contact], secrets: Secrets
) -> list[tuple[str, str, IncidentState]]:
    """How each of `incidents`, pairs of a contact and a dedup key, stands by the channels that can be asked.

    The key, the name of the channel, and what it says; all are asked at once. One that cannot be asked just now, or
    does not answer soon, is left out.
    """
    asked = [
        (key, channel) for name, key in incidents for channel in (contacts[name].channels if name in contacts else ())
    ]
    answers = answers_of([partial(channel.incident, key, secrets=secrets) for key, channel in asked], limit=BRIEF)
    return [(key, channel.key, state) for (key, channel), state in zip(asked, answers, strict=True) if state]
