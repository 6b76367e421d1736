"""Jira has one issue for each piece of work, in the cloud and in a data center."""

from __future__ import annotations

from dataclasses import replace

import pytest
from harness.fault_server import FaultServer
from harness.receivers import JiraSite
from pydantic import ValidationError

from runner.channels.base import Receipt, SecretMissingError
from runner.channels.jira import Jira
from runner.channels.tickets import marker, text

SECRETS = {"env:JIRA": "je-1", "env:OLD": "je-0"}.__getitem__


@pytest.fixture
def ticket(page):
    return replace(page, action="ticket", summary="Document the incident timeline", dedup_key="RUN/ticket/1")


def send(ticket, transport, *modes, service=None, **changes):
    service = service or JiraSite()
    with FaultServer(*(modes or ["ok"]), service=service) as server:
        user = "ops@example.com" if service.cloud else None
        written = {"url": f"{server.root}/", "project": "OPS", "token": "env:JIRA", "user": user, **changes}
        receipt = Jira(**written).send(ticket, secrets=SECRETS, transport=transport)
    return replace(receipt, reason=receipt.reason.replace(server.root, "JIRA")), service


@pytest.mark.parametrize("cloud", [True, False], ids=["cloud", "data-center"])
def test_an_issue_is_opened_once_and_its_key_is_on_the_receipt(cloud, ticket, transport):
    service = JiraSite(cloud=cloud)
    receipts = [send(ticket, transport, service=service)[0] for _ in range(2)]

    assert receipts == [
        Receipt("jira", "accepted", 1, "opened: OPS-7, JIRA/browse/OPS-7", reference="jira/OPS/OPS-7"),
        Receipt("jira", "accepted", 1, "it is there already: OPS-7, JIRA/browse/OPS-7", reference="jira/OPS/OPS-7"),
    ]
    assert service.issues == [
        {
            "key": "OPS-7",
            "project": {"key": "OPS"},
            "issuetype": {"name": "Task"},
            "summary": "Document the incident timeline",
            "description": text(ticket, "{noformat}", "{noformat}"),
            "labels": [marker(ticket)],
        }
    ]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"token": "env:OLD"}, "answered 401: You are not authenticated."),
        ({"project": "OTHER"}, "answered 400: valid project is required"),
    ],
)
def test_what_jira_refuses_is_on_the_receipt(changes, reason, ticket, transport):
    assert send(ticket, transport, **changes)[0] == Receipt("jira", "refused", 1, reason)


def test_an_answer_that_is_lost_opens_no_second_issue(ticket, transport):
    receipt, site = send(ticket, transport, "ok", "accept_then_rst", "ok")

    assert (receipt.status, receipt.attempts, len(site.issues)) == ("accepted", 2, 1)


class LateSearch(JiraSite):
    """A site whose search does not show a new issue before it `shows` them."""

    shows = False

    def __call__(self, request):
        if "/search" not in request.path or self.shows:
            return super().__call__(request)
        return 200, b'{"issues": []}'


@pytest.mark.parametrize("answer", ["accept_then_rst", "html", "504"])
def test_an_issue_that_a_search_does_not_show_yet_is_not_asked_for_again(answer, ticket, transport):
    site = LateSearch()
    receipt, _ = send(ticket, transport, "ok", answer, "ok", service=site)
    site.shows = True
    later, _ = send(ticket, transport, service=site)

    assert (receipt.status, receipt.doubt, receipt.attempts) == ("deferred", True, 5)
    assert receipt.reason.startswith("it was asked for, and a search does not show it yet")
    assert (later.status, len(site.issues)) == ("accepted", 1)


def test_an_issue_that_was_refused_for_now_is_asked_for_again(ticket, transport):
    receipt, site = send(ticket, transport, "ok", "503", "ok", service=LateSearch())

    assert (receipt.status, receipt.attempts, len(site.issues)) == ("accepted", 2, 1)


@pytest.mark.parametrize("written", [{"project": "ops"}, {"project": 'OPS" OR "'}, {"user": "ops"}, {"url": "jira"}])
def test_what_could_not_work_does_not_load(written):
    with pytest.raises(ValidationError):
        Jira(**{"url": "https://team.atlassian.net", "project": "OPS", "token": "env:A", **written})


def test_a_missing_token_says_how_to_mend_it_and_nothing_but_tickets_is_taken(ticket):
    channel = Jira(url="https://team.atlassian.net", project="OPS", token="env:NO")

    assert channel.send(ticket, secrets=SECRETS).reason.startswith("the secret env:NO is missing or blank")
    assert [action for action in ("trigger", "announce", "ticket") if channel.does(action)] == ["ticket"]
    with pytest.raises(SecretMissingError):
        channel.check(SECRETS)
