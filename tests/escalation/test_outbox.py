"""What is to be told is durable before it is sent, is kept until it has arrived, and holds no secret."""

from __future__ import annotations

import stat
from dataclasses import replace
from datetime import timedelta

import pytest
from harness.notifications import ARRIVED, LOST, NOON, ONE, PAGE, REFUSED
from hypothesis import given
from hypothesis import strategies as st

from runner.channels.base import Receipt
from runner.core.errors import AuditError, InvalidInputError
from runner.escalation.outbox import FIRST_PAUSE, LONGEST_PAUSE, TRIES, Outbox


@pytest.fixture
def outbox(tmp_path):
    return Outbox(tmp_path / "outbox")


def about(page=PAGE, **changes):
    return replace(ONE, page=replace(page, **changes))


def test_what_is_put_is_there_as_it_was_for_its_owner_only(outbox, tmp_path):
    outbox.put(ONE)

    assert (outbox.get(ONE.id), outbox.all()) == (ONE, [ONE])
    assert stat.S_IMODE((tmp_path / "outbox").stat().st_mode) == 0o700


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(details=st.dictionaries(st.text(), JSON, max_size=4), summary=st.text(), tried=st.booleans())
def test_every_page_comes_back_as_it_was(tmp_path_factory, details, summary, tried):
    outbox = Outbox(tmp_path_factory.mktemp("outbox"))
    page = about(details=details, summary=summary)
    page = replace(page, attempts=2, tried=NOON, receipt=LOST) if tried else page

    outbox.put(page)

    clean = summary.encode("utf-8", "replace").decode()
    found = outbox.get(page.id)
    assert (found.page.summary, found.attempts, found.receipt) == (clean, page.attempts, page.receipt)
    if "\ud800" not in repr(details):
        assert found.page.details == details


def test_a_later_word_on_the_same_incident_takes_the_place_of_the_earlier_one(outbox):
    over = about(action="resolve", summary="resolved")
    outbox.put(ONE)
    outbox.put(over)

    assert outbox.all() == [over]


def test_what_is_only_told_takes_the_place_of_nothing():
    told = [about(action="progress", summary=f"step {number}") for number in range(3)]  # one entry for each

    assert len({each.id for each in (ONE, *told)}) == 4


def test_each_channel_of_each_contact_has_one_of_its_own(outbox):
    all_of_them = [replace(ONE, position=1), replace(ONE, contact="lead"), ONE]
    for each in all_of_them:
        outbox.put(each)

    assert sorted(each.id for each in outbox.all()) == sorted(each.id for each in all_of_them)


def test_one_that_arrived_is_removed_and_one_that_did_not_is_kept_with_why(outbox):
    later = NOON + timedelta(minutes=1)
    outbox.put(ONE)
    outbox.settle(ONE, LOST, later)
    assert outbox.all() == [replace(ONE, attempts=1, tried=later, receipt=LOST)]
    outbox.settle(outbox.get(ONE.id), ARRIVED, later)
    assert outbox.all() == []


def test_one_that_was_dropped_while_it_was_sent_stays_dropped(outbox):
    outbox.put(ONE)
    outbox.remove(ONE.id)

    outbox.settle(ONE, LOST, NOON)

    assert outbox.all() == []


def test_what_became_of_an_earlier_word_does_not_remove_the_later_one(outbox):
    later = replace(ONE, requested=NOON + timedelta(seconds=1))
    outbox.put(ONE)
    outbox.put(later)

    outbox.settle(ONE, ARRIVED, NOON)

    assert outbox.all() == [later]


@pytest.mark.parametrize(
    ("attempts", "receipt", "waited", "due"),
    [
        (0, None, timedelta(), True),
        (TRIES - 1, REFUSED, LONGEST_PAUSE, True),
        (TRIES, REFUSED, timedelta(days=1), False),  # a person must mend something
        (1, LOST, FIRST_PAUSE - timedelta(microseconds=1), False),
        (1, LOST, FIRST_PAUSE, True),
        (2, LOST, FIRST_PAUSE, False),
        (2, LOST, 2 * FIRST_PAUSE, True),
        (900, LOST, LONGEST_PAUSE - timedelta(microseconds=1), False),
        (900, LOST, LONGEST_PAUSE, True),
        (900, LOST, -timedelta(hours=1), True),  # the clock was set back
    ],
)
def test_when_it_is_tried_again_by_itself(attempts, receipt, waited, due):
    page = replace(ONE, attempts=attempts, receipt=receipt, tried=NOON if receipt else None)

    assert page.is_due(NOON + waited) is due


ASKED = Receipt("slack", "deferred", 1, "answered 429", wait=30.0)
LONG = Receipt("slack", "deferred", 1, "answered 429", wait=1e9)
TICKET = replace(ONE, page=replace(ONE.page, action="ticket"))
MAYBE = Receipt("jira", "deferred", 1, "no answer", doubt=True)


@pytest.mark.parametrize(
    ("page", "receipt", "seconds", "until"),
    [
        (ONE, ASKED, 29.9, "12:00:30"),
        (ONE, ASKED, 30, ""),
        (ONE, ASKED, -60, ""),  # the clock was set: nobody waits for what may be years
        (ONE, LONG, 3599, "13:00:00"),
        (ONE, LONG, 3600, ""),
        (ONE, MAYBE, 0, ""),
        (TICKET, MAYBE, 299, "12:05:00"),
        (TICKET, MAYBE, 300, ""),
        (TICKET, None, 299, "12:05:00"),  # nobody knows what became of it: its command died
        (TICKET, LOST, 0, ""),
    ],
)
def test_until_when_it_must_not_be_sent_again(page, receipt, seconds, until):
    page = replace(page, attempts=bool(receipt), receipt=receipt, tried=NOON if receipt else None)
    now = NOON + timedelta(seconds=seconds)

    assert page.held_back(now).partition(" UTC: ")[0] == (f"it is not sent before {until}" if until else "")
    assert page.is_due(now) == (not until and not 0 <= seconds < 30)


@pytest.mark.parametrize(
    ("action", "before", "wait"),
    [
        ("acknowledge", ASKED, 20.0),
        ("resolve", ASKED, 20.0),
        ("resolve", LONG, 3590.0),
        ("trigger", ASKED, None),  # somebody is needed
        ("resolve", LOST, None),
        ("resolve", None, None),
    ],
)
def test_what_ends_a_call_waits_as_long_as_the_other_side_has_asked_for(action, before, wait):
    waiting = replace(ONE, attempts=1, receipt=before, tried=NOON) if before else None
    page = replace(ONE, page=replace(ONE.page, action=action))

    held = page.hold(waiting, NOON + timedelta(seconds=10))

    until = {20.0: "12:00:30", 3590.0: "13:00:00"}
    why = f"it is not sent before {until.get(wait)} UTC: the other side has asked for that"
    assert held == (Receipt("pagerduty", "deferred", 0, why, sent=False) if wait else None)
    assert (held.wait if held else None) == wait


@pytest.mark.parametrize("broken", [b"", b"[]", b"{}", b"\xff", b'{"run": 3}', b"[" * 100_000])
def test_a_broken_file_is_named_and_hides_no_other(outbox, tmp_path, broken):
    outbox.put(ONE)
    (tmp_path / "outbox" / "0123.json").write_bytes(broken)
    problems = []

    assert outbox.all(problems) == [ONE]
    assert [problem.partition(" is not a notification")[0] for problem in problems] == [
        str(tmp_path / "outbox" / "0123.json")
    ]
    with pytest.raises(InvalidInputError, match="0123.json"):
        outbox.get("0123")


def test_only_one_sends_at_a_time(outbox):
    with outbox.held() as first, outbox.held() as second:
        assert (first, second) == (True, False)
    with outbox.held() as again:
        assert again


def test_what_cannot_be_kept_is_told(tmp_path):
    (tmp_path / "outbox").write_text("in the way")

    with pytest.raises(AuditError) as caught:
        Outbox(tmp_path / "outbox").put(ONE)
    assert caught.value.hint == "make room, or use --state-dir"


def test_a_channel_that_stays_dead_costs_a_command_a_minute_hardly_anything():
    tries, page = 0, replace(ONE, attempts=1, receipt=LOST, tried=NOON)
    for minute in range(60):
        if page.is_due(now := NOON + timedelta(minutes=minute)):
            tries, page = tries + 1, replace(page, attempts=page.attempts + 1, tried=now)

    assert tries == 14
