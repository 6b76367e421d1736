"""Sends the pages of one run and keeps what came of them; says that its incident is over, and opens its tickets."""

from collections.abc import Sequence
from dataclasses import replace
from math import inf

from runner.channels.base import Action, Page
from runner.core.events import Event, EventType
from runner.core.wording import addressee
from runner.escalation.delivery import BRIEF, LIMIT
from runner.escalation.dispatch import Addressed, Dispatcher, SentPage
from runner.escalation.incidents import GLASS, Incident
from runner.escalation.outbox import Notification
from runner.model.runbook import FollowUp
from runner.orchestrator.end.run_ladder import incident_states
from runner.orchestrator.end.run_pages import RunPages
from runner.orchestrator.recorder import Recorder
from runner.orchestrator.request import Call, RunRequest
from runner.orchestrator.run_environment import Installation


class PageSender(RunPages):
    """Sends the pages of one run. `calls` is who was told what, and what came of it, in order.

    `remarks` is what else there is to know of incidents, in sentences: a page that is not needed any more, one that
    stays open.
    """

    def __init__(self, request: RunRequest, env: Installation, recorder: Recorder) -> None:
        super().__init__(request, env, recorder)
        self.calls: list[Call] = []
        self.remarks: list[str] = []
        self._called: dict[str, dict[str, None]] = {}
        self._dispatcher = Dispatcher(env.state.path, env.secrets, env.clock, recorder.note_of, self._noting)

    @property
    def tells_of_a_good_end(self) -> bool:
        """Whether somebody hears of it when the run has passed: while they are told its command may die."""
        if self._request.tells_nobody or self._request.called:
            return False
        tickets = any(isinstance(each, FollowUp) and each.ticket for each in self._runbook.follow_up)
        with self._noting():
            return (
                tickets or bool(self._runbook.announce) or any(map(self._dispatcher.incidents.find, self._ended_keys()))
            )
        return True

    def passed(self, end: Event | None = None) -> None:
        """The run has passed, and is about to end by `end`: whoever was called for the same incident hears of it.

        So do those of incidents about fewer of its hosts, of what this run itself has called for, and of what one of
        the same aim has called for before it knew its hosts. What still waits to be told about it is not sent any more.
        """
        incidents, hosts = self._dispatcher.incidents, self.target.names if self.target else ()
        found: list[Incident] = []
        runs: dict[str, None] = {}
        for key in self._ended_keys():
            with self._noting():
                withdrawn = self._dispatcher.withdraw(key, "the incident is over")
                self.remarks += dict.fromkeys(map(_not_needed, withdrawn))
                runs |= dict.fromkeys(each.run for each in withdrawn)
                if incident := incidents.find(key):
                    found.append(incident)
                    runs |= dict.fromkeys(() if key.endswith(GLASS) else incident.runs)
        for run in runs.keys() - {self._request.run_id}:
            with self._noting():
                self._recorder.note_of(run, EventType.INCIDENT_OVER, {"as_run": self._request.run_id})
        self.remarks += [each.stays_open for each in incidents.beyond(self.incident, hosts)]
        if not found:
            return
        page = self._page("resolve", "resolved", end)
        with self._noting():
            self._note_resolved(found)
        self._send([(replace(page, dedup_key=each.dedup_key), each.contacts) for each in found])

    def _ended_keys(self) -> list[str]:
        """The incidents that are over once this run has passed, whether anybody was called for them or not."""
        incidents, hosts = self._dispatcher.incidents, self.target.names if self.target else ()
        keys = {self.incident, self._key(None), *incidents.opened_by(self._request.run_id)}
        keys.update(incidents.within(self.incident, hosts))
        return sorted(keys.union(*map(incidents.below, keys)))

    def _note_resolved(self, incidents: Sequence[Incident]) -> None:
        """Record that somebody else has resolved one of `incidents` meanwhile, where a channel says so in time."""
        asked = [(name, each.dedup_key) for each in incidents for name in each.contacts]
        states = incident_states(asked, self._request.contacts, self._env.secrets)
        resolved = {key: (where, state.by) for key, where, state in reversed(states) if state.status == "resolved"}
        for key, (where, by) in resolved.items():
            data = {"dedup_key": key, "by": by or "somebody", "note": f"in {where}"}
            self._recorder.note(EventType.INCIDENT_RESOLVED, **data)

    def open_tickets(self, follow_ups: Sequence[FollowUp], end: Event | None = None) -> None:
        """Open a ticket for each of `follow_ups` that names a contact for it: once, however often the run ends.

        One of which the key is in the record is not asked for again, nor one that waits in the outbox.
        """
        if self._request.looks or not any(each.ticket for each in follow_ups):
            return
        whole = self._page("ticket", "follow-up", end)
        texts = {each.do: each.ticket for each in follow_ups if each.ticket}
        pages = [
            (replace(whole, summary=f"{self._runbook.id}: {do}", dedup_key=self._ticket_key(do)), (contact,))
            for do, contact in texts.items()
        ]
        waiting = {each.page.dedup_key for each in self._dispatcher.outbox.all()}
        self._send([each for each in pages if not self._references(key := each[0].dedup_key) and key not in waiting])

    def tell(self, page: Page, names: Sequence[str], *, counts: bool = False) -> list[SentPage]:
        """Send `page`, which calls nobody, to the contacts `names`, below what was told under its name before."""
        page = replace(page, references=self._references(page.dedup_key))
        return self._send([(page, names)], limit=BRIEF, counts=counts)

    def _ticket_key(self, do: str) -> str:
        return f"{self._request.run_id}/ticket/{do}"

    def _can(self, name: str, action: Action) -> bool:
        """Whether a channel of the contact `name` has a way to do `action`."""
        contact = self._request.contacts.get(name)
        return any(channel.does(action) for channel in (contact.channels if contact else ()))

    def _send(
        self,
        pages: Sequence[Addressed],
        *,
        news: Sequence[Addressed] = (),
        limit: float = LIMIT,
        untold: float = inf,
        counts: bool = True,
    ) -> list[SentPage]:
        """Tell each of `pages` to its contacts, all at once, and then the `news` that follow; what came of the pages.

        `counts` says that they are of the `calls`.
        """
        run, contacts = self._request.run_id, self._request.contacts
        requested, following = (self._dispatcher.request(each, run, contacts) for each in (pages, news))
        sent = self._dispatcher.send([*requested, *following], limit=limit, untold=untold)
        for each in sent[: len(requested)]:
            receipt, page = each.receipt, each.notification.page
            if counts:
                lost = "" if receipt.settled else self._dispatcher.outbox.is_lost(each.notification.id)
                self.calls.append(Call(each.contact, receipt.channel, page.action, receipt.ok, receipt.reason, lost))
            if page.action == "trigger" and not page.dedup_key.endswith(GLASS):
                self._called.setdefault(page.dedup_key, {})[each.contact] = None
        return sent[: len(requested)]

    def problems(self) -> list[str]:
        """A sentence for each page that did not arrive."""
        lost = [call for call in self.calls if not call.arrived]
        return [
            f"{call.contact} was not reached{addressee('', call.channel)}: "
            + "; ".join(filter(None, (call.reason, call.lost)))
            for call in lost
        ]

    @property
    def reached(self) -> bool | None:
        """Whether somebody who was called has the page for sure; None where nobody was to be called."""
        arrived = [call.arrived for call in self.calls if call.calls]
        return any(arrived) if arrived else None


def _not_needed(notification: Notification) -> str:
    """That the page is not sent any more, in a sentence."""
    who = f"{addressee(notification.contact, notification.by)} for the run {notification.run}"
    return f"the page to {who} had not arrived, and is not sent any more: the incident is over"
