"""Nobody is called in a drill; what would have been sent is kept, and the real channel says whether it would take it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from runner.channels.base import Page
from runner.channels.pagerduty import PagerDuty
from runner.lab.receiver import Receiver
from runner.model.contacts import Contact
from runner.render.drills.drill_result import WouldBeCall
from runner.services.drills.recorded_calls import Switchboard

CONTACTS = {
    "on-call": Contact(name="On-call", channels=(PagerDuty(routing_key="env:KEY"),)),
    "nobody": Contact(name="Nobody"),
}


def page(**changes):
    about = {"action": "trigger", "dedup_key": "a", "summary": "It failed", "severity": "critical", "source": "here"}
    about |= {"component": "RUN-001", "group": "lab", "details": {}, "timestamp": datetime(2026, 1, 1, tzinfo=UTC)}
    return Page(**{**about, **changes})


@pytest.fixture
def receiver():
    with Receiver.listening() as opened:
        yield opened


def test_what_would_have_been_sent_is_recorded_and_by_whom_it_is_refused(receiver):
    before = Switchboard.recording(CONTACTS, receiver)
    for name in CONTACTS:
        (channel,) = before.contacts[name].channels
        channel.send(page(), secrets={}.__getitem__)

    assert before.calls() == (
        WouldBeCall("on-call", ("pagerduty",), "trigger", "It failed"),
        WouldBeCall("nobody", (), "trigger", "It failed", ("nobody has no channel to call for an incident",)),
    )
    assert Switchboard.recording(CONTACTS, receiver).calls() == ()


def test_for_real_the_channels_are_those_of_the_contacts(receiver):
    assert Switchboard.for_real(CONTACTS, receiver).contacts is CONTACTS
