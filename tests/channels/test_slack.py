"""Slack has one thread for each incident, whose root shows the newest state, and nothing is said twice."""

from __future__ import annotations

from dataclasses import replace

import pytest
from harness.fault_server import FaultServer
from harness.receivers import SlackWorkspace
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from runner.channels.base import Receipt, SecretMissingError
from runner.channels.payload import to_json
from runner.channels.slack import Slack, headline, message
from runner.channels.transport import Transport

TITLE = "RUN-001 Database connection pool exhaustion: terminate-stuck failed on db1"
WHERE = "production · RUN-001 · db1.example.com"
MORE = """<https://wiki.example.com/RUN-001|The runbook>
*timeline*
03:00 verify-alert passed
*stuck*
pid: 4711
*audit_head*
9f86d081"""


@pytest.fixture
def workspace():
    return SlackWorkspace()


@pytest.fixture
def slack(workspace, transport):
    """Sends pages to the workspace through a server that misbehaves as told."""

    def send(*pages, modes=("ok",), **options):
        receipts, references = [], ()
        with FaultServer(*modes, service=workspace) as server:
            secrets = {"env:TOKEN": "xoxb-1", "env:HOOK": f"{server.root}/hook"}.__getitem__
            written = options or {"token": "env:TOKEN", "channel": "C0000001"}
            channel = Slack(**written, url=server.root)
            for page in pages:
                told = replace(page, references=(*page.references, *references))
                receipts.append(channel.send(told, secrets=secrets, transport=transport))
                references = (*references, receipts[-1].reference)
        return receipts

    return send


def test_an_incident_is_one_thread_whose_root_shows_the_newest_state(slack, workspace, page):
    progress = replace(page, action="progress", summary="3 of 5 steps are done", details={}, links=())
    over = replace(progress, action="resolve", summary="resolved")

    receipts = slack(page, progress, over)

    assert (
        receipts
        == [Receipt("slack", "accepted", 1, "written", reference="slack/C0000001/C0000001/1772334010.000100")] * 3
    )
    assert workspace.texts == [
        ":white_check_mark: *resolved*",
        f"  :rotating_light: *{TITLE}*\n{WHERE}\n{MORE}",
        f"  :hourglass_flowing_sand: *3 of 5 steps are done*\n{WHERE}",
        f"  :white_check_mark: *resolved*\n{WHERE}",
    ]


def test_a_call_mentions_the_group_once_and_news_mention_nobody(slack, workspace, page):
    bare = replace(page, details={}, links=())
    options = {"token": "env:TOKEN", "channel": "#deployments", "mention": "S0123456"}

    slack(page, replace(bare, action="progress", summary="half"), replace(bare, id="again"), **options)

    assert [text.count("<!subteam^S0123456>") for text in workspace.texts] == [0, 0, 0, 1]
    assert [each.get("reply_broadcast") for each in workspace.messages] == [None, False, False, True]


@pytest.mark.parametrize(
    ("mention", "text"),
    [("@here", "<!here> "), ("@channel", "<!channel> "), ("U0123456", "<@U0123456> "), (None, "")],
)
def test_whoever_is_mentioned_is_written_as_slack_wants_it(mention, text, page):
    assert headline(page, mention) == f":rotating_light: {text}*{TITLE}*"


@pytest.mark.parametrize("lost", range(6))
def test_whichever_answer_is_lost_nothing_is_said_twice(lost, slack, workspace, page):
    news = replace(page, action="progress", summary="half", id="half")

    receipts = slack(page, news, modes=(*["ok"] * lost, "accept_then_rst", "ok"))

    assert [receipt.status for receipt in receipts] == ["accepted", "accepted"]
    assert [text.splitlines()[0] for text in workspace.texts] == [
        ":hourglass_flowing_sand: *half*",
        f"  :rotating_light: *{TITLE}*",
        "  :hourglass_flowing_sand: *half*",
    ]


def test_a_page_that_is_sent_once_more_later_is_found_again(slack, workspace, page):
    slack(page)
    before = list(workspace.texts)
    slack(page)

    assert workspace.texts == before


def test_who_may_not_look_writes_all_the_same(slack, workspace, page):
    workspace.errors = {"conversations.history": ["missing_scope"], "conversations.replies": ["missing_scope"]}

    [receipt] = slack(page)

    assert receipt.ok
    assert workspace.incidents == 1


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ("channel_not_found", "Slack says channel_not_found: write the id of a channel that the bot can see"),
        ("msg_too_long", "Slack says msg_too_long"),
    ],
)
def test_what_slack_refuses_is_on_the_receipt(error, expected, slack, workspace, page):
    workspace.errors = {"chat.postMessage": [error]}

    assert slack(page) == [Receipt("slack", "refused", 1, expected)]


def test_what_slack_may_mend_is_tried_again(slack, workspace, page):
    workspace.errors = {"chat.postMessage": ["internal_error"], "conversations.replies": ["internal_error"]}

    assert [(each.status, each.attempts) for each in slack(page)] == [("accepted", 2)]


def test_a_page_that_slack_answers_late_is_there_though_the_look_for_it_was_given_up(workspace, page):
    with FaultServer("late", service=workspace) as server:
        channel = Slack(token="env:TOKEN", channel="C0000001", url=server.root)
        receipt = channel.send(page, secrets=lambda _: "xoxb-1", transport=Transport(attempt=0.6))

    assert (receipt.status, workspace.incidents) == ("accepted", 1)


def test_a_webhook_gets_the_whole_page(slack, workspace, page):
    assert slack(page, webhook="env:HOOK", mention="@here") == [Receipt("slack", "accepted", 1, "answered 200")]
    assert workspace.texts == [f":rotating_light: <!here> *{TITLE}*\n{WHERE}\n{MORE}"]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (("404", {}, b"no_service"), Receipt("slack", "refused", 1, "answered 404: no_service")),
        (("403", {}, b""), Receipt("slack", "refused", 1, "answered 403")),
        ("html", "answered 202, but not as Slack does: is a proxy in between?"),
    ],
)
def test_a_webhook_believes_only_slack(mode, expected, slack, page):
    if isinstance(expected, str):
        expected = Receipt("slack", "deferred", 2, f"{expected}; it is not sent again, as it may be there already")

    assert slack(page, webhook="env:HOOK", modes=(mode,)) == [expected]


def test_a_message_to_a_webhook_whose_answer_is_lost_is_sent_once_more_and_not_again(slack, workspace, page):
    assert [(each.status, each.attempts) for each in slack(page, webhook="env:HOOK", modes=("accept_then_rst",))] == [
        ("deferred", 2)
    ]
    assert len(workspace.texts) == 2


def test_a_webhook_that_says_that_it_did_not_take_the_message_gets_it_until_the_deadline(slack, page, late):
    expected = Receipt("slack", "deferred", 5, f"answered 503{late}")

    assert slack(page, webhook="env:HOOK", modes=(("503", {}, b""),)) == [expected]


def test_a_bot_believes_only_slack(slack, page, late):
    reason = "answered 202, but not as Slack does: is a proxy in between?"

    assert slack(page, modes=("html",)) == [Receipt("slack", "deferred", 5, reason + late)]


@pytest.mark.parametrize(
    "written",
    [
        {},
        {"token": "env:A"},
        {"webhook": "env:A", "channel": "C0000001"},
        {"webhook": "env:A", "token": "env:B", "channel": "C0000001"},
    ],
)
def test_there_is_one_way_to_slack(written):
    with pytest.raises(ValidationError, match="write either webhook, or token and channel"):
        Slack(**written)


@pytest.mark.parametrize("written", [{"channel": "general"}, {"mention": "@db-team"}, {"mention": "<!here>"}])
def test_what_slack_does_not_know_does_not_load(written):
    with pytest.raises(ValidationError, match="pattern"):
        Slack(**{"token": "env:A", "channel": "C0000001", **written})


def test_an_address_that_is_none_is_refused_without_being_shown(page):
    secrets = {"env:HOOK": "hooks.slack.com/s3cret"}.__getitem__
    mend = "write a whole address, like https://events.example.com/path, in ASCII and without spaces"

    receipt = Slack(webhook="env:HOOK").send(page, secrets=secrets)

    assert receipt == Receipt("slack", "refused", 0, f"env:HOOK is no address of a webhook: {mend}")
    for channel in (Slack(webhook="env:HOOK"), Slack(token="env:HOOK", channel="C0000001")):
        with pytest.raises((SecretMissingError, KeyError)):
            channel.check({"env:HOOK": ""}.__getitem__)


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=25)
def test_any_page_is_a_message_of_at_most_4000_characters_that_mentions_nobody(data, pages):
    page = data.draw(pages)
    text = message(page)

    assert 0 < len(text) <= 4000
    assert "<!" not in text
    assert "<@" not in text
    assert len(to_json({"text": text})) < 40_000
