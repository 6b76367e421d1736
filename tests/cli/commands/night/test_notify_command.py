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
