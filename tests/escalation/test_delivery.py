"""All pages go out at once: dead channels do not add up, and no channel keeps another from being heard."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from harness.fake_run import FakeChannel
from harness.notifications import ONE, WRITTEN

from runner.channels.base import Receipt
from runner.channels.pagerduty import PagerDuty
from runner.channels.webhook import Webhook
from runner.core.wording import addressee
from runner.escalation import delivery
from runner.escalation.delivery import NO_CHANNEL, Outgoing, deliver_all, outgoing


class Together:
    """Answers only once as many as `parties` are sending at the same time."""

    key = "together"

    def __init__(self, parties):
        self.barrier = threading.Barrier(parties, timeout=20)

    def does(self, action):
        return True

    def send(self, page, *, secrets):
        self.barrier.wait()
        return Receipt(self.key, "accepted", 1, secrets("env:KEY"))


class Dead:
    """Never comes back by itself."""

    key = "dead"

    def __init__(self):
        self.end = threading.Event()

    def does(self, action):
        return True

    def send(self, page, *, secrets):
        self.end.wait(20)
        return Receipt(self.key, "refused", 1, "too late")


def test_every_page_is_on_its_way_at_the_same_time_and_the_receipts_are_in_order():
    together = Together(50)

    receipts = deliver_all([Outgoing(ONE, together)] * 50, lambda reference: f"value of {reference}")

    assert receipts == [Receipt("together", "accepted", 1, "value of env:KEY")] * 50


def test_channels_that_never_answer_cost_the_limit_once_and_the_others_arrive():
    dead, fine = Dead(), FakeChannel()

    receipts = deliver_all([Outgoing(ONE, dead), Outgoing(ONE, fine), Outgoing(ONE, dead)], str, limit=0.05)

    late = Receipt("dead", "deferred", 1, "no answer within 0 s")
    assert receipts == [late, Receipt("fake", "accepted", 1, ""), late]
    dead.end.set()


def test_a_defect_of_a_channel_is_a_receipt_that_quotes_nothing():
    class Defect:
        key = "defect"

        def does(self, action):
            return True

        def send(self, page, *, secrets):
            raise SystemExit(secrets("env:KEY"))

    receipts = deliver_all([Outgoing(ONE, Defect())], lambda _: "hunter2")

    assert receipts == [Receipt("defect", "deferred", 1, "a defect of this channel (SystemExit)")]


def test_where_the_system_has_no_thread_left_it_is_sent_all_the_same(monkeypatch):
    def full(_):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", full)

    assert deliver_all([Outgoing(ONE, FakeChannel())], str) == [Receipt("fake", "accepted", 1, "")]


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


def test_a_contact_without_a_channel_is_not_reached():
    assert deliver_all([outgoing(replace(ONE, channel={}))], str) == [NO_CHANNEL]


@pytest.mark.parametrize("written", [{"gone": {}}, {"pagerduty": {"routing": 3}}])
def test_a_channel_that_is_not_there_any_more_cannot_be_used(written):
    with pytest.raises((LookupError, ValueError)):
        outgoing(replace(ONE, channel=written))
    assert outgoing(replace(ONE, channel=WRITTEN)).channel == PagerDuty(routing_key="env:KEY")


def test_the_limit_leaves_a_channel_time_to_say_more_than_that_it_is_late():
    assert delivery.LIMIT > delivery.DEADLINE


def test_who_has_no_channel_is_named_without_one():
    assert (addressee("ops", "email"), addressee("ops", NO_CHANNEL.channel)) == ("ops by email", "ops")
