"""Before a run begins it is known which page could not be sent, and why, without telling anybody."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from harness import ROOT
from harness.fakes import runbook_file
from harness.pagerduty_contract import faults
from harness.runbook_files import read_runbook

from runner.channels.base import Channel, Receipt
from runner.channels.github import GitHub
from runner.channels.pagerduty import PagerDuty, change_event, event
from runner.channels.payload import to_json
from runner.channels.slack import Slack
from runner.channels.webhook import Webhook
from runner.escalation.contract_check import call_problems, sample_pages
from runner.model.contacts import Contact
from runner.model.runbook import FollowUp

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECRETS = {"env:KEY": "k" * 32, "env:TOKEN": "xoxb-1", "env:SHORT": "s3cret"}.__getitem__


@pytest.fixture(scope="module")
def runbook(tmp_path_factory):
    return read_runbook(runbook_file(tmp_path_factory.mktemp("library")))


def problems(runbook, *channels):
    contacts = {name: Contact(name="On call", channels=channels) for name in runbook.escalation.contacts}
    return call_problems(runbook, contacts, SECRETS, now=NOON)


def test_whoever_can_be_called_has_no_problem(runbook):
    channels = (PagerDuty(routing_key="env:KEY"), Slack(token="env:TOKEN", channel="C0000001"))

    assert problems(runbook, *channels) == ()


def test_each_secret_of_each_channel_is_looked_for_and_none_is_shown(runbook):
    channels = (PagerDuty(routing_key="env:SHORT"), Webhook(url="https://hooks.example.com/", signing_key="env:NO"))

    assert problems(runbook, *channels) == (
        "on-call by pagerduty: env:SHORT has 6 characters, a PagerDuty routing key has 32; "
        "copy the Integration Key of the service's Events API v2 integration again",
        "on-call by webhook: the secret env:NO is missing or blank; set the environment variable NO",
    )


def test_who_has_no_channel_or_is_unknown_cannot_be_called(runbook):
    expected = ("on-call has no channel to call for an incident",)

    assert problems(runbook) == expected
    assert call_problems(runbook, {}, SECRETS, now=NOON) == expected


def test_whoever_is_to_open_a_ticket_needs_a_channel_for_it(runbook):
    work = runbook.model_copy(update={"follow_up": (FollowUp(do="Tidy up", ticket="backlog"),)})
    on_call = Contact(name="On call", channels=(PagerDuty(routing_key="env:KEY"),))
    tickets = Contact(name="Backlog", channels=(GitHub(repository="team/ops", token="env:NO"),))
    mend = "the secret env:NO is missing or blank; set the environment variable NO"

    without = call_problems(work, {"on-call": on_call, "backlog": on_call}, SECRETS, now=NOON)
    missing = call_problems(work, {"on-call": on_call, "backlog": tickets}, SECRETS, now=NOON)

    assert without == ("backlog has no channel to open a ticket",)
    assert missing == (f"backlog by github: {mend}",)


class Pager(Channel):
    key = "pager"

    broken: bool = False

    def send(self, page, *, secrets):
        return Receipt(self.key, "accepted", 1, "")

    def problems(self, page):
        if self.broken:
            raise ZeroDivisionError("s3cret")
        return [f"{page.action} is longer than 8 characters"] if len(page.action) > 8 else [f"no {len(page.action)}"]


def test_every_page_that_the_runbook_could_send_is_compared_and_each_problem_said_once(runbook):
    assert problems(runbook, Pager()) == ("on-call by pager: no 7",)
    assert problems(runbook, Pager(broken=True)) == ("on-call by pager: a defect of this channel (ZeroDivisionError)",)


@pytest.mark.parametrize("path", sorted((ROOT / "runbooks").glob("RUN-*.yml")), ids=lambda path: path.stem)
def test_every_page_of_every_runbook_here_is_an_event_of_the_contract(path: Path):
    channel = PagerDuty(routing_key="env:KEY")
    pages = [page for page in sample_pages(read_runbook(path), now=NOON) if channel.does(page.action)]

    assert len(pages) > 5
    changes = [page for page in pages if page.action == "change"]
    alerts = [page for page in pages if page.action != "change"]
    assert [fault for page in alerts for fault in faults(to_json(event(page, "k" * 32)))] == []
    assert [
        fault for page in changes for fault in faults(to_json(change_event(page, "k" * 32)), "/v2/change/enqueue")
    ] == []
    assert [problem for page in pages for problem in channel.problems(page)] == []
