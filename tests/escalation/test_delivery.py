"""All pages go out at once: dead channels do not add up, and no channel keeps another from being heard."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from harness import PATIENCE
from harness.fake_run import FakeChannel, Sends
from harness.notifications import ONE, PAGE, WRITTEN

from runner.channels.base import Receipt
from runner.channels.pagerduty import PagerDuty
from runner.channels.webhook import Webhook
from runner.core.wording import addressee
from runner.escalation import delivery
from runner.escalation.delivery import NO_CHANNEL, Outgoing, answers_of, deliver_all, outgoing


class Together(Sends):
    """Answers only once as many as `parties` are sending at the same time."""

    key = "together"

    def __init__(self, parties):
        self.barrier = threading.Barrier(parties, timeout=PATIENCE)

    def does(self, action):
        return True

    def send(self, page, *, secrets):
        self.barrier.wait()
        return Receipt(self.key, "accepted", 1, secrets("env:KEY"))


class Dead(Sends):
    """Never comes back by itself."""

    key = "dead"

    def __init__(self):
        self.end, self.sent = threading.Event(), 0

    def does(self, action):
        return True

    def send(self, page, *, secrets):
        self.sent += 1
        self.end.wait(PATIENCE)
        return Receipt(self.key, "refused", 1, "too late")


def received(pages, secrets, **options):
    """The receipts in the order of `pages`."""
    return [receipt for _, receipt in sorted(deliver_all(pages, secrets, **options), key=lambda each: each[0])]


def to(contact, channel, **page):
    """A page to `contact` by `channel`."""
    return Outgoing(replace(ONE, contact=contact, page=replace(PAGE, **page)), channel)


def test_every_page_is_on_its_way_at_the_same_time_and_the_receipts_are_in_order():
    together = Together(50)

    receipts = received([to(f"{n}", together) for n in range(50)], lambda reference: f"value of {reference}")

    assert receipts == [Receipt("together", "accepted", 1, "value of env:KEY")] * 50


def test_channels_that_never_answer_cost_the_limit_once_and_the_others_arrive():
    dead, fine = Dead(), FakeChannel()

    receipts = received([to("a", dead), to("b", fine), to("c", dead)], str, limit=0.05)

    late = Receipt("dead", "deferred", 1, "no answer within 0 s")
    assert receipts == [late, Receipt("fake", "accepted", 1, ""), late]
    dead.end.set()


def test_a_receipt_is_there_as_soon_as_it_comes_though_another_channel_is_silent():
    dead = Dead()

    receipts = deliver_all([to("a", dead), to("b", FakeChannel())], str)

    assert next(receipts) == (1, Receipt("fake", "accepted", 1, ""))
    dead.end.set()
    assert [place for place, _ in receipts] == [0]


def test_what_follows_in_an_incident_is_sent_in_its_order_with_what_was_made_of_the_pages_before():
    fine = FakeChannel(reference="slack/C1/1700.1")
    pages = [to("a", fine, summary=f"{n}") for n in range(20)]

    receipts = received(pages, str)

    assert receipts == [Receipt("fake", "accepted", 1, "", reference="slack/C1/1700.1")] * 20
    assert [page.summary for page in fine.sent] == [f"{n}" for n in range(20)]
    assert [len(page.references) for page in fine.sent] == list(range(20))


def test_what_follows_a_page_that_has_not_arrived_is_not_sent_and_what_is_about_something_else_is():
    dead, wait = FakeChannel("deferred", doubt=True), "not sent, as the page before it has not arrived"
    pages = [to("a", dead), to("a", dead, summary="more"), to("a", dead, dedup_key="another")]

    receipts = received(pages, str)

    late = Receipt("fake", "deferred", 1, "nobody is there", doubt=True)
    assert receipts == [late, Receipt("fake", "deferred", 0, wait, sent=False), late]
    assert {page.dedup_key for page in dead.sent} == {PAGE.dedup_key, "another"}
    assert [receipt.may_have_arrived for receipt in receipts] == [True, False, True]


def test_what_follows_a_page_that_is_refused_is_sent_all_the_same():
    refuses = FakeChannel("refused")

    assert len(received([to("a", refuses), to("a", refuses, summary="more")], str)) == len(refuses.sent) == 2


def test_what_has_not_begun_when_the_time_is_over_is_not_sent_afterwards():
    dead = Dead()

    receipts = received([to("a", dead), to("a", dead, summary="more")], str, limit=0.05)
    dead.end.set()
    for thread in [thread for thread in threading.enumerate() if thread.name == "runbook-page"]:
        thread.join(PATIENCE)

    left = Receipt("dead", "deferred", 0, "not sent, as there was no time left", sent=False)
    assert (receipts, dead.sent) == ([Receipt("dead", "deferred", 1, "no answer within 0 s"), left], 1)


def test_a_defect_of_a_channel_is_a_receipt_that_quotes_nothing():
    class Defect(Sends):
        key = "defect"

        def does(self, action):
            return True

        def send(self, page, *, secrets):
            raise SystemExit(secrets("env:KEY"))

    receipts = received([Outgoing(ONE, Defect())], lambda _: "hunter2")

    assert receipts == [Receipt("defect", "deferred", 1, "a defect of this channel (SystemExit)")]


def test_where_the_system_has_no_thread_left_it_is_sent_all_the_same(monkeypatch):
    def full(_):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", full)

    assert received([Outgoing(ONE, FakeChannel())], str) == [Receipt("fake", "accepted", 1, "")]


@pytest.mark.parametrize(
    "channel",
    [
        PagerDuty(routing_key="env:KEY"),
        PagerDuty(routing_key="file:/run/key", url="https://events.eu.pagerduty.com/v2/enqueue"),
        Webhook(url="http://127.0.0.1:9/"),
        Webhook(url="https://example.com/x", headers={"X-Key": "env:KEY"}),
    ],
)
def test_a_channel_comes_back_as_it_was_written(channel):
    item = outgoing(replace(ONE, channel=channel.written()))

    assert item.channel == channel


def test_channels_are_asked_all_at_once_and_one_that_fails_or_does_not_answer_keeps_no_other_from_it():
    together, dead = threading.Barrier(20, timeout=PATIENCE), threading.Event()

    def fails():
        raise SystemExit

    met = answers_of([lambda: together.wait() >= 0] * 20)
    answers = answers_of([lambda: dead.wait(PATIENCE), lambda: "resolved", fails, lambda: None], limit=2.0)
    dead.set()

    assert (met, answers) == ([True] * 20, [None, "resolved", None, None])


def test_a_contact_without_a_channel_is_not_reached():
    assert received([outgoing(replace(ONE, channel={}))], str) == [NO_CHANNEL]


@pytest.mark.parametrize("written", [{"gone": {}}, {"pagerduty": {"routing": 3}}])
def test_a_channel_that_is_not_there_any_more_cannot_be_used(written):
    with pytest.raises((LookupError, ValueError)):
        outgoing(replace(ONE, channel=written))
    assert outgoing(replace(ONE, channel=WRITTEN)).channel == PagerDuty(routing_key="env:KEY")


def test_the_limit_leaves_a_channel_time_to_say_more_than_that_it_is_late():
    assert delivery.LIMIT > delivery.DEADLINE


def test_who_has_no_channel_is_named_without_one():
    assert (addressee("ops", "email"), addressee("ops", NO_CHANNEL.channel)) == ("ops by email", "ops")
