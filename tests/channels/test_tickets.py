"""A ticket has the same label each time, a text that holds together, and is opened once."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.channels.tickets import marker, refused_because, text, title
from runner.channels.transport import Verdict


def test_the_label_is_that_of_the_work_and_not_of_the_moment(page):
    later = replace(page, summary="other words", id="9")

    assert marker(page) == marker(later) == "runbook-" + marker(page)[8:]
    assert re.fullmatch(r"runbook-[0-9a-f]{16}", marker(page))
    assert marker(replace(page, dedup_key="another")) != marker(page)


def test_the_text_says_where_it_comes_from_and_what_the_run_knows(page):
    assert text(page, "```text", "```") == (
        "From a run of RUN-001, production, db1.example.com, 2026-03-01 03:00 UTC.\n\n"
        "The runbook: https://wiki.example.com/RUN-001\n\n"
        "timeline:\n```text\n03:00 verify-alert passed\n```\n\n"
        "stuck:\n```text\npid: 4711\n```\n\naudit_head:\n```text\n9f86d081\n```"
    )


def test_what_a_host_printed_does_not_end_its_block(page):
    shown = text(replace(page, details={"log": "```\n@everybody {noformat}"}), "```text", "```")

    assert shown.endswith("log:\n```text\n'''\n@everybody {noformat}\n```")


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=25)
def test_any_page_is_a_ticket_that_is_not_too_long(data, pages):
    page = data.draw(pages)

    assert 0 < len(title(page)) <= 200
    assert 0 < len(text(page, "{noformat}", "{noformat}")) <= 30_000


@pytest.mark.parametrize(
    ("verdict", "complaint", "reason"),
    [
        (Verdict("refused", "answered 422"), "Validation\x1b Failed", "answered 422: Validation  Failed"),
        (Verdict("refused", "answered 422"), None, "answered 422"),
        (Verdict("again", "answered 500"), "no", "answered 500"),
    ],
)
def test_what_the_other_side_complains_of_is_part_of_a_refusal(verdict, complaint, reason):
    assert refused_because(verdict, complaint) == replace(verdict, reason=reason)
