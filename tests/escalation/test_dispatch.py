"""Outbox, incidents and record are in step with what became of each page, also where one of them cannot be written."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import replace

import pytest
from harness import PATIENCE
from harness.fake_run import FakeChannel, FakeContact
from harness.fakes import Clock
from harness.notifications import PAGE

from runner.core.errors import AuditError
from runner.core.events import EventType
from runner.escalation.delivery import Outgoing
from runner.escalation.dispatch import Dispatcher
from runner.escalation.incidents import Incident

RUN, KEY = "20260101T000000Z-0123abcd", PAGE.dedup_key


class Desk:
    """A dispatcher, what it has recorded, and what went wrong."""

    def __init__(self, directory, fails=()):
        self.events, self.errors, self.fails, self.channel = [], [], fails, FakeChannel()
        self.directory = directory
        self.contacts = {"on-call": FakeContact((self.channel,)), "nobody": FakeContact(())}
        self.dispatcher = Dispatcher(directory, str, Clock(), self.note, self.failsafe)
        self.recorded = threading.Event()

    def note(self, run, kind, data):
        if kind in self.fails:
            raise AuditError(f"{kind} cannot be recorded")
        self.events.append((kind, data.get("status", "")))
        if kind is EventType.PAGE_FINISHED:
            self.recorded.set()

    @contextlib.contextmanager
    def failsafe(self):
        try:
            yield
        except Exception as error:  # noqa: BLE001
            self.errors.append(str(error))

    def call(self, action="trigger", names=("on-call",)):
        page = replace(PAGE, action=action)
        return self.dispatcher.send(self.dispatcher.request([(page, names)], RUN, self.contacts))

    def retry(self):
        waiting = self.dispatcher.outbox.all()
        return self.dispatcher.send([Outgoing(each, self.channel) for each in waiting])

    @property
    def incident(self):
        return self.dispatcher.incidents.find(KEY)

    @property
    def waiting(self):
        return [(each.contact, each.attempts) for each in self.dispatcher.outbox.all()]


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)


def test_a_page_is_in_the_outbox_and_in_the_record_before_it_is_sent(desk):
    requested = desk.dispatcher.request([(PAGE, ["on-call"])], RUN, desk.contacts)

    assert (desk.waiting, desk.events, desk.channel.sent) == (
        [("on-call", 0)],
        [(EventType.NOTIFY_REQUESTED, "")],
        [],
    )
    desk.dispatcher.send(requested)
    assert (desk.waiting, desk.events[1:]) == ([], [(EventType.PAGE_FINISHED, "accepted")])


def test_a_page_that_was_lost_is_sent_again_for_the_same_incident_until_it_arrives(desk):
    desk.channel.status = "deferred"
    desk.call()
    desk.retry()
    assert (desk.waiting, desk.incident) == ([("on-call", 2)], Incident(KEY, RUN, ("on-call",)))

    desk.channel.status = "accepted"
    desk.retry()

    assert (desk.waiting, {page.dedup_key for page in desk.channel.sent}) == ([], {KEY})
    assert [status for _, status in desk.events] == ["", "deferred", "deferred", "accepted"]


def test_a_receipt_is_kept_before_another_channel_has_answered(desk):
    class Late(FakeChannel):
        def send(self, page, *, secrets):
            assert desk.recorded.wait(PATIENCE)
            return super().send(page, secrets=secrets)

    desk.contacts["lead"] = FakeContact((Late(),))

    sent = desk.call(names=["lead", "on-call"])

    assert [each.receipt.ok for each in sent] == [True, True]


def test_what_adds_to_an_incident_is_not_tried_by_a_channel_that_has_just_not_answered(desk):
    desk.channel.status, desk.channel.does_too = "deferred", frozenset({"note"})
    desk.call()

    (note,) = desk.call("note")

    assert (desk.channel.actions, note.receipt.attempts) == (["trigger"], 0)
    desk.channel.status = "accepted"
    assert [each.receipt.ok for each in desk.retry()] == [True, True]
    assert (sorted(desk.channel.actions[1:]), desk.waiting) == (["note", "trigger"], [])


def test_an_incident_that_was_forgotten_is_remembered_once_a_later_attempt_arrives(desk):
    desk.channel.status = "refused"
    desk.call()
    assert (desk.incident, desk.events[-1]) == (None, (EventType.INCIDENT_FORGOTTEN, ""))

    desk.channel.status = "accepted"
    desk.retry()

    assert desk.incident == Incident(KEY, RUN, ("on-call",))


def test_an_incident_is_over_once_everybody_knows(desk):
    desk.contacts["lead"] = FakeContact((FakeChannel("deferred"),))
    desk.call(names=["on-call", "lead"])

    desk.call("resolve", names=["on-call", "lead"])
    assert desk.incident == Incident(KEY, RUN, ("lead",))
    desk.retry()

    assert (desk.incident, desk.waiting) == (None, [])


@pytest.mark.parametrize("withdrawn", [False, True])
def test_what_ends_a_call_is_not_sent_before_the_other_side_wants_it(desk, withdrawn):
    desk.channel.status, desk.channel.wait = "deferred", 3600.0
    desk.call()
    desk.channel.status = "accepted"
    if withdrawn:
        desk.dispatcher.withdraw(KEY, "the incident is over")

    (told,) = desk.call("resolve")

    assert (desk.channel.actions, told.receipt.status, told.receipt.attempts) == (["trigger"], "deferred", 0)
    (waiting,) = desk.dispatcher.outbox.all()
    assert waiting.page.action == "resolve"
    assert waiting.held_back(waiting.requested)
    assert desk.retry()[0].receipt.ok  # once that time is over
    assert (desk.channel.actions, desk.incident) == (["trigger", "resolve"], None)


def test_an_incident_knows_every_run_that_has_called_for_it(desk):
    for run in (RUN, "second", RUN, "third"):
        desk.dispatcher.send(desk.dispatcher.request([(PAGE, ["on-call"])], run, desk.contacts))

    assert (desk.incident.run, set(desk.incident.runs)) == ("third", {RUN, "second", "third"})


def test_a_contact_without_a_channel_waits_for_a_person(desk):
    (sent,) = desk.call(names=["nobody"])

    assert (sent.receipt.reason, desk.waiting) == (
        "this contact has no channel in contacts.yml",
        [("nobody", 1)],
    )


def test_what_a_channel_made_of_the_incident_is_given_back_to_it_in_every_later_page(desk):
    desk.channel.reference = "slack/C1/1700.1"
    desk.call()
    desk.call("resolve")

    assert [page.references for page in desk.channel.sent] == [(), ("slack/C1/1700.1",)]


def test_so_it_is_to_news_that_waited_while_the_incident_was_opened(desk):
    desk.channel.reference, desk.channel.does_too = "slack/#ops/1700.1", {"progress"}
    news = replace(PAGE, action="progress", details={})
    desk.dispatcher.request([(news, ["on-call"])], RUN, desk.contacts)
    desk.call()

    desk.retry()

    assert [(page.action, page.references) for page in desk.channel.sent] == [
        ("trigger", ()),
        ("progress", ("slack/#ops/1700.1",)),
    ]


def test_news_go_only_through_channels_that_have_a_way_for_them(desk):
    news = replace(PAGE, action="progress")

    assert desk.dispatcher.request([(news, ["on-call", "nobody"])], RUN, desk.contacts) == []


def test_news_that_come_at_once_are_one_page_for_a_channel_that_wants_it_so(desk):
    desk.channel.does_too, desk.channel.gathers_news = {"progress"}, True
    news = [replace(PAGE, action="progress", details={}, summary=f"RUN-001 T (lab): step failed: {n}") for n in "abc"]
    other = replace(news[0], dedup_key="another")
    desk.contacts["lead"] = FakeContact((FakeChannel(does_too={"progress"}),))

    requested = desk.dispatcher.request([(each, ["on-call", "lead"]) for each in [*news, other]], RUN, desk.contacts)

    pages = [(each.notification.contact, each.notification.page) for each in requested]
    assert [page.summary for contact, page in pages if contact == "lead"] == [each.summary for each in [*news, other]]
    assert [(page.summary, page.details) for contact, page in pages if contact == "on-call"] == [
        ("RUN-001 T (lab): step failed: 3 more", {"more": ["a", "b", "c"]}),
        (other.summary, {}),
    ]


def test_what_is_withdrawn_is_not_sent_any_more_and_that_is_recorded(desk):
    desk.channel.status = "refused"
    desk.call()

    desk.dispatcher.withdraw(KEY, "the incident is over")

    assert (desk.waiting, desk.events[-1]) == ([], (EventType.NOTIFY_DROPPED, ""))


@pytest.mark.parametrize("fails", [{EventType.NOTIFY_REQUESTED}, {EventType.PAGE_FINISHED}])
def test_what_cannot_be_recorded_is_told_all_the_same(tmp_path, fails):
    desk = Desk(tmp_path, fails)

    desk.call()

    assert (desk.channel.actions, desk.waiting) == (["trigger"], [])
    assert desk.errors == [f"{kind} cannot be recorded" for kind in fails]


def test_without_an_outbox_people_are_called_all_the_same(tmp_path):
    (tmp_path / "outbox").write_text("in the way")
    desk = Desk(tmp_path)

    desk.call()

    assert desk.channel.actions == ["trigger"]
    assert desk.errors[0].startswith(str(tmp_path / "outbox"))


def test_a_page_of_another_run_that_takes_the_place_of_one_that_waits_ends_that_one_in_its_record(desk):
    noted, other = [], "20260101T000000Z-89abcdef"
    desk.dispatcher = Dispatcher(desk.directory, str, Clock(), lambda *event: noted.append(event), desk.failsafe)
    desk.dispatcher.request([(PAGE, ["on-call"])], RUN, desk.contacts)
    desk.dispatcher.request([(PAGE, ["on-call"])], other, desk.contacts)
    desk.dispatcher.request([(PAGE, ["on-call"])], other, desk.contacts)

    assert [(run, kind) for run, kind, _ in noted] == [
        (RUN, EventType.NOTIFY_REQUESTED),
        (RUN, EventType.NOTIFY_DROPPED),
        (other, EventType.NOTIFY_REQUESTED),
        (other, EventType.NOTIFY_REQUESTED),
    ]
    reason = f"a later page about the same incident takes its place, that of the run {other}"
    assert noted[1][2]["reason"] == reason
    assert [each.run for each in desk.dispatcher.outbox.all()] == [other]
