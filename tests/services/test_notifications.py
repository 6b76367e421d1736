"""Pages that have not arrived are sent again by one process at a time, or given up by a person; nothing is forgotten."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from harness.fake_run import ACTOR, UnwritableLog, environment_in
from harness.fault_server import FaultServer
from harness.notifications import LOST, NOON, ONE, REFUSED

from runner.channels.webhook import Webhook
from runner.core.errors import AuditError, InvalidInputError, LockedError
from runner.escalation.outbox import TRIES, Outbox
from runner.services.notifications import Flushed, drop_page, flush_pages, undelivered_pages
from runner.store.log.log_reader import read
from runner.store.run_state import RunState


@pytest.fixture
def env(tmp_path):
    return environment_in(tmp_path)


@pytest.fixture
def outbox(env):
    return Outbox(env.state.path / "outbox")


@pytest.fixture
def server():
    with FaultServer("200") as server:
        yield server


def to(server, **changes):
    return replace(ONE, channel=Webhook(url=server.url).written(), **changes)


def recorded(env):
    return [(str(record.type), record.data.get("status")) for record in read(env.state.log_path)]


def test_what_waits_is_sent_once_and_that_is_recorded(env, outbox, server):
    outbox.put(to(server))
    outbox.put(to(server, contact="lead"))

    first, second = flush_pages(env), flush_pages(env)

    assert [(each.contact, each.receipt.ok) for each in first.sent] == [("lead", True), ("on-call", True)]
    assert (second.sent, first.problems, len(server.events)) == ((), (), 2)
    assert recorded(env) == [("page.finished", "accepted")] * 2


def test_what_is_not_due_by_itself_is_sent_when_somebody_asks_for_it(env, outbox, server):
    outbox.put(to(server, attempts=TRIES, tried=NOON, receipt=REFUSED))

    assert flush_pages(env, only_due=True).sent == ()
    assert [each.receipt.ok for each in flush_pages(env).sent] == [True]


def test_what_the_other_side_wants_later_is_not_sent_before_whoever_asks_for_it(env, outbox):
    with FaultServer(("429", {"Retry-After": "30"}), "200") as server:
        outbox.put(to(server))
        flush_pages(env)
        early, asked = flush_pages(env, only_due=True), flush_pages(env)
        env.clock.forward(30)
        late = flush_pages(env, only_due=True)

    assert (early, asked.sent, len(server.requests)) == (Flushed(), (), 2)
    assert asked.problems[0].startswith(f"the page {ONE.id} to on-call: it is not sent before ")
    assert [each.receipt.ok for each in late.sent] == [True]


def test_what_a_live_run_has_just_requested_is_its_own_to_send(env, outbox, server):
    held = env.state.begin(RunState(run=ONE.run, runbook="RUN-001", title="T", started="", user="alice"))
    outbox.put(to(server))

    assert (flush_pages(env).sent, server.events) == ((), [])
    held.release()  # it died between the request and the answer
    assert len(flush_pages(env).sent) == 1


def test_two_commands_at_once_send_once(env, outbox, server):
    outbox.put(to(server))

    with outbox.held():
        busy, brief = flush_pages(env), flush_pages(env, only_due=True)

    assert (busy.problems, brief.problems) == (("another command is sending them just now",), ())
    assert (busy.sent, server.events) == ((), [])


def test_what_cannot_be_recorded_is_sent_all_the_same(env, outbox, server):
    def full(*_):
        raise AuditError("the disk is full")

    outbox.put(to(server))

    flushed = flush_pages(replace(env, state=UnwritableLog(env.state.path, full)))

    assert (len(server.events), flushed.problems, outbox.all()) == (1, ("the disk is full",), [])
    assert flushed.all_arrived


def test_a_page_whose_channel_is_gone_hides_no_other(env, outbox, server):
    outbox.put(replace(ONE, contact="lead", channel={"gone": {"key": "env:KEY"}}))
    outbox.put(to(server))

    flushed = flush_pages(env)

    assert [each.contact for each in flushed.sent] == ["on-call"]
    assert [problem.partition(" cannot be sent: ")[2] for problem in flushed.problems] == ["its channel gone is gone"]
    assert [each.contact for each in outbox.all()] == ["lead"]


def test_what_waits_can_be_seen(env, outbox):
    outbox.put(replace(ONE, attempts=2, tried=NOON, receipt=LOST))
    outbox.put(replace(ONE, contact="lead", requested=NOON + timedelta(seconds=1)))

    pages, problems = undelivered_pages(env.state)

    assert [(page.contact, page.channel, page.attempts, page.status, page.reason) for page in pages] == [
        ("on-call", "pagerduty", 2, "deferred", "HTTP 503"),
        ("lead", "pagerduty", 0, "requested", "nothing is known of what became of it"),
    ]
    assert problems == []


def test_a_person_gives_a_page_up_with_a_reason(env, outbox):
    outbox.put(ONE)

    dropped = drop_page(env, ONE.id, "reached by telephone")

    (record,) = read(env.state.log_path)
    assert (dropped.contact, outbox.all()) == ("on-call", [])
    assert (record.type, record.run, record.data["by"], record.data["reason"]) == (
        "notify.dropped",
        ONE.run,
        ACTOR.person,
        "reached by telephone",
    )


@pytest.mark.parametrize(("name", "because"), [("0123", "why"), (ONE.id, "  ")])
def test_a_page_is_not_given_up_without_a_reason_or_an_id(env, outbox, name, because):
    outbox.put(ONE)

    with pytest.raises(InvalidInputError):
        drop_page(env, name, because)
    assert outbox.all() == [ONE]


def test_a_page_that_is_being_sent_is_not_given_up(env, outbox):
    outbox.put(ONE)

    with outbox.held(), pytest.raises(LockedError):
        drop_page(env, ONE.id, "why")


def test_a_page_is_only_given_up_if_that_can_be_recorded(env, outbox):
    def full(*_):
        raise AuditError("the disk is full")

    outbox.put(ONE)

    with pytest.raises(AuditError, match="full"):
        drop_page(replace(env, state=UnwritableLog(env.state.path, full)), ONE.id, "why")
    assert outbox.all() == [ONE]
