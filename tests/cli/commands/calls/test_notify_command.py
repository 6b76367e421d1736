"""`runbook notify`: what has not arrived is shown, sent again by any later command, or given up."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from harness.fault_server import FaultServer
from harness.notifications import ONE, REFUSED

from runner.channels.webhook import Webhook
from runner.escalation.outbox import TRIES, Outbox
from runner.store.state_directory import StateDirectory


@pytest.fixture
def outbox(here):
    StateDirectory.open(here / "state")
    return Outbox(here / "state" / "outbox")


@pytest.fixture
def notify(runbook, outbox):
    return lambda *words: runbook("--state-dir", "state", "notify", *words)


def page(server, **changes):
    return replace(ONE, channel=Webhook(url=server.url).written(), **changes)


def test_nothing_waits(notify):
    assert [notify("list").code, notify("flush").code] == [0, 0]


def test_what_waits_is_listed_and_flushed(notify, outbox):
    with FaultServer("400", "200") as server:
        outbox.put(page(server, attempts=TRIES, receipt=REFUSED, tried=ONE.requested))

        (listed,) = json.loads(notify("list", "--json").out)
        first, table, second = notify("flush"), notify("list"), notify("flush")

    assert (listed["id"], listed["contact"], listed["status"]) == (ONE.id, "on-call", "refused")
    assert (first.code, second.code) == (8, 0)
    assert "NOT REACHED, call them yourself: answered 400" in first.err
    assert ONE.id in table.out
    assert second.err == f"page     on-call by webhook for the run {ONE.run}: it arrived\n"


def test_any_later_command_that_works_on_runs_sends_what_waits(runbook, outbox):
    with FaultServer("200") as server:
        outbox.put(page(server))

        shown = runbook("--state-dir", "state", "status")

        assert (len(server.events), outbox.all()) == (1, [])
    assert "it arrived" in shown.err


def test_a_page_is_given_up_with_a_reason(notify, outbox):
    outbox.put(ONE)

    without = notify("drop", ONE.id)
    dropped = notify("drop", ONE.id, "--because", "reached by telephone")

    assert (without.code, dropped.code) == (2, 0)
    assert dropped.out == f"dropped  {ONE.id}: on-call by pagerduty: {ONE.page.summary}\n"
    assert outbox.all() == []
    assert notify("drop", ONE.id, "--because", "again").code == 2


def test_a_contact_is_tested_and_then_known_to_be_reached(here, notify, runbook):
    (here / "runbooks").mkdir(exist_ok=True)
    with FaultServer("200") as server:
        channels = f"channels: [{{webhook: {{url: '{server.url}'}}}}]"
        (here / "runbooks" / "contacts.yml").write_text(f"on-call: {{name: On-call engineer, {channels}}}\n")
        before, tested = notify("contacts"), notify("test")
        shown = json.loads(notify("contacts", "--json").out)

    assert before.out.splitlines()[1].split() == ["on-call", "L1", "webhook", "never", "On-call", "engineer"]
    assert (tested.code, tested.out) == (0, "on-call by webhook: reached\n")
    assert [(each["contact"], each["channel"], each["reached"] is None) for each in shown] == [
        ("on-call", "webhook", False)
    ]
    assert runbook("--state-dir", "state", "list", "--runs").code == 0


def test_who_is_not_reached_by_a_test_is_said_to_be_so(here, notify):
    (here / "runbooks").mkdir(exist_ok=True)
    with FaultServer("400") as server:
        channels = f"channels: [{{webhook: {{url: '{server.url}'}}}}]"
        (here / "runbooks" / "contacts.yml").write_text(f"on-call: {{name: On-call engineer, {channels}}}\n")
        tested, unknown = notify("test", "on-call"), notify("test", "on-cal")

    assert (tested.code, tested.out) == (8, "on-call by webhook: refused: answered 400\n")
    assert (unknown.code, "there is no contact 'on-cal'" in unknown.err) == (2, True)
