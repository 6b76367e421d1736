"""GitHub has one issue for each piece of work, with a label by which it is found again."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from harness.fault_server import FaultServer
from harness.receivers import GitHubRepository
from pydantic import ValidationError

from runner.channels.base import Receipt, SecretMissingError
from runner.channels.github import GitHub
from runner.channels.tickets import marker, text

SECRETS = {"env:GITHUB": "ghp-1", "env:OLD": "ghp-0"}.__getitem__


@pytest.fixture
def ticket(page):
    return replace(page, action="ticket", summary="Document the incident timeline", dedup_key="RUN/ticket/1")


def send(ticket, transport, *modes, repository="team/ops", token="env:GITHUB", service=None):
    service = service or GitHubRepository()
    with FaultServer(*(modes or ["ok"]), service=service) as server:
        channel = GitHub(repository=repository, token=token, labels=["ops"], url=server.root)
        return channel.send(ticket, secrets=SECRETS, transport=transport), service


LINK = "https://github.com/team/ops/issues/7"


def test_an_issue_is_opened_and_its_number_is_on_the_receipt(ticket, transport):
    receipt, repository = send(ticket, transport)

    assert receipt == Receipt("github", "accepted", 1, f"opened: 7, {LINK}", reference="github/team/ops/7")
    assert repository.issues == [
        {
            "number": 7,
            "html_url": LINK,
            "title": "Document the incident timeline",
            "body": text(ticket, "```text", "```"),
            "labels": [marker(ticket), "ops"],
        }
    ]


def test_an_issue_that_is_there_is_not_opened_again_whatever_has_become_of_it(ticket, transport):
    service = GitHubRepository()
    send(ticket, transport, service=service)
    receipt, _ = send(replace(ticket, summary="other words"), transport, service=service)

    assert receipt == Receipt("github", "accepted", 1, f"it is there already: 7, {LINK}", reference="github/team/ops/7")
    assert len(service.issues) == 1


@pytest.mark.parametrize("link", ["javascript:alert(1)", "https://github.com/\x1b[2J", None])
def test_an_address_that_nobody_could_follow_is_not_on_the_receipt(link, ticket, transport):
    receipt, _ = send(ticket, transport, service=lambda _: (201, json.dumps({"number": 7, "html_url": link}).encode()))

    assert receipt.reason == "it is there already: 7"


@pytest.mark.parametrize("modes", [("accept_then_rst", "ok"), ("ok", "accept_then_rst", "ok")])
def test_an_answer_that_is_lost_opens_no_second_issue(modes, ticket, transport):
    receipt, repository = send(ticket, transport, *modes)

    assert (receipt.status, receipt.attempts, len(repository.issues)) == ("accepted", 2, 1)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"token": "env:OLD"}, "answered 401: Bad credentials"),
        ({"repository": "team/other"}, "answered 404: Not Found"),
    ],
)
def test_what_github_refuses_is_on_the_receipt(changes, reason, ticket, transport):
    assert send(ticket, transport, **changes)[0] == Receipt("github", "refused", 1, reason)


def test_who_asks_too_often_waits_as_long_as_github_says(ticket, transport, pauses):
    limit = ("403", {"Retry-After": "3"}, b'{"message":"You have exceeded a secondary rate limit"}')
    receipt, _ = send(ticket, transport, limit, "ok")

    assert (receipt.status, receipt.attempts, pauses) == ("accepted", 2, [3.0])


def test_something_else_than_github_is_not_believed(ticket, transport, late):
    receipt, _ = send(ticket, transport, "html")
    reason = "answered 202, but with something else: is a proxy in between?"

    assert receipt == Receipt("github", "deferred", 5, reason + late, sent=False)


@pytest.mark.parametrize("written", [{"repository": "ops"}, {"repository": "team/ops/x"}, {"labels": ["two words"]}])
def test_what_could_not_work_does_not_load(written):
    with pytest.raises(ValidationError, match="pattern"):
        GitHub(**{"repository": "team/ops", "token": "env:A", **written})


def test_a_missing_token_says_how_to_mend_it_and_nothing_but_tickets_is_taken(ticket):
    channel = GitHub(repository="team/ops", token="env:NO")

    assert channel.send(ticket, secrets=SECRETS).reason.startswith("the secret env:NO is missing or blank")
    assert [action for action in ("trigger", "announce", "ticket") if channel.does(action)] == ["ticket"]
    with pytest.raises(SecretMissingError):
        channel.check(SECRETS)
