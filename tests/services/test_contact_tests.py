"""A test page goes the way of every page, is ended at once, and what it reached is remembered."""

from __future__ import annotations

import pytest
from harness.fake_run import environment_in
from harness.fault_server import FaultServer
from harness.receivers import PagerDutyAccount

from runner.channels.pagerduty import PagerDuty
from runner.channels.webhook import Webhook
from runner.core.errors import InvalidInputError
from runner.escalation.outbox import Outbox
from runner.model.contacts import Contact
from runner.services.contact_tests import contact_reaches, try_contacts
from runner.store.log.log_reader import read

RUN = "20260301T030000Z-00000009"


@pytest.fixture
def here(tmp_path):
    return environment_in(tmp_path, new_run_id=lambda: RUN, secrets=lambda reference: "k" * 32)


def people(url):
    pagerduty, webhook = PagerDuty(routing_key="env:KEY", url=url), Webhook(url=url.replace("/v2/enqueue", "/hook"))
    return {
        "on-call": Contact(name="On-call engineer", channels=(pagerduty,)),
        "lead": Contact(name="Lead", level="L2", channels=(webhook,)),
        "backend-team": Contact(name="Backend team"),
    }


def test_whoever_is_reached_is_remembered_and_the_test_is_over(here):
    account = PagerDutyAccount()
    with FaultServer("ok", service=account) as server:
        contacts = people(server.url)
        tested = try_contacts(here, contacts, ["on-call"], sender="alice")

    assert [(each.contact, each.receipt.ok) for each in tested.sent] == [("on-call", True)]
    assert (tested.unreached, tested.problems) == ((), ())
    assert account.alerts == {"runbookctl/test/on-call": "resolve"}
    trigger = server.events[0]["payload"]
    assert (trigger["severity"], trigger["custom_details"]) == ("info", {"for": "on-call", "sent by": "alice"})
    assert trigger["summary"].startswith("TEST")
    assert [(each.contact, each.channel, each.reached) for each in contact_reaches(here.state, contacts)] == [
        ("on-call", "pagerduty", here.clock().wall),
        ("lead", "webhook", None),
    ]
    assert [(each.run, each.type) for each in read(here.state.log_path)] == [
        (RUN, kind) for kind in ("notify.requested", "page.finished") * 2
    ]


def test_whoever_is_not_reached_waits_in_the_outbox_like_anybody(here):
    with FaultServer("400") as server:
        tested = try_contacts(here, people(server.url), [], sender="alice")

    assert tested.unreached == ("on-call", "lead")
    assert [each.contact for each in Outbox(here.state.path / "outbox").all()] == ["on-call", "lead"]


@pytest.mark.parametrize(
    ("names", "contacts", "message"),
    [(["on-cal"], people("http://127.0.0.1:9/v2/enqueue"), "no contact 'on-cal'"), ([], {}, "nobody has a channel")],
)
def test_who_is_not_there_cannot_be_tested(names, contacts, message, here):
    with pytest.raises(InvalidInputError, match=message):
        try_contacts(here, contacts, names, sender="alice")
