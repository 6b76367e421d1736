"""Level by level, until somebody has it: not a minute early, nobody twice, and nobody is left out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.escalation.ladder import ALL, CalledLevel, ContactLevel, DueCalls, due, levels
from runner.model.contacts import Contact

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
WAIT = timedelta(minutes=15)
CONTACTS = {
    "on-call": Contact(name="On-call"),
    "lead": Contact(name="Lead", level="L2"),
    "dba": Contact(name="Database", level="L2", hours=("mon-fri 08:00-18:00 UTC",)),
    "cto": Contact(name="Director", level="L3"),
}
LADDER = levels(["cto", "lead", "on-call", "dba", "nobody-knows"], CONTACTS)


def test_contacts_are_called_by_their_level_in_the_order_of_the_runbook():
    assert (
        ContactLevel("L1", ("on-call", "nobody-knows")),
        ContactLevel("L2", ("lead", "dba")),
        ContactLevel("L3", ("cto",)),
    ) == LADDER


def test_without_a_time_to_wait_everybody_is_called_at_once_and_once():
    everybody = ContactLevel(ALL, ("on-call", "nobody-knows", "lead", "dba", "cto"))

    assert due(LADDER, CONTACTS, None, [], NOON) == DueCalls((everybody,))
    assert due(LADDER, CONTACTS, None, [CalledLevel(ALL, NOON, reached=False)], NOON + WAIT) == DueCalls()


@pytest.mark.parametrize(
    ("after", "calls"),
    [
        (timedelta(0), DueCalls((), NOON + WAIT)),
        (timedelta(minutes=14, seconds=59), DueCalls((), NOON + WAIT)),
        (WAIT, DueCalls((LADDER[1],), NOON + WAIT + WAIT)),
        (timedelta(hours=1), DueCalls((LADDER[1],), NOON + timedelta(hours=1) + WAIT)),
    ],
)
def test_the_next_level_is_called_when_its_time_has_come_and_not_before(after, calls):
    assert due(LADDER, CONTACTS, WAIT, [CalledLevel("L1", NOON, reached=True)], NOON + after) == calls


def test_where_no_page_can_have_arrived_the_next_level_is_called_at_once():
    assert due(LADDER, CONTACTS, WAIT, [CalledLevel("L1", NOON, reached=False)], NOON).levels == (LADDER[1],)


def test_whoever_is_outside_of_their_hours_is_passed_over():
    night = NOON + timedelta(hours=12)

    calls = due(LADDER, CONTACTS, WAIT, [CalledLevel("L1", NOON, reached=True)], night)

    assert (calls.levels, calls.names, calls.passed_over) == ((ContactLevel("L2", ("lead",)),), ("lead",), ("dba",))


def test_whoever_is_called_in_the_place_of_a_whole_level_is_of_the_next_one():
    contacts = {
        "day": Contact(name="Day", hours=("mon-fri 08:00-18:00 UTC",)),
        "lead": Contact(name="Lead", level="L2"),
    }
    ladder, night = levels(["day", "lead"], contacts), NOON + timedelta(hours=12)

    calls = due(ladder, contacts, WAIT, [], night)

    assert (calls.names, calls.passed_over) == (("lead",), ("day",))
    assert due(ladder, contacts, WAIT, [], NOON).passed_over == ()


def test_at_last_everybody_is_called_whatever_the_hour():
    ladder, night = levels(["dba"], CONTACTS), NOON + timedelta(hours=12)

    assert due(ladder, CONTACTS, WAIT, [], night) == DueCalls((ContactLevel("L2", ("dba",)),))


def test_above_the_last_level_there_is_nobody():
    so_far = [CalledLevel(name, NOON + number * WAIT, reached=True) for number, name in enumerate(["L1", "L2", "L3"])]

    assert due(LADDER, CONTACTS, WAIT, so_far, NOON + timedelta(days=1)) == DueCalls()


@given(
    st.lists(st.sampled_from(["L1", "L2", "L3"]), min_size=1, max_size=5),
    st.integers(1, 40),
    st.lists(st.integers(1, 25), min_size=40, max_size=40),
    st.sampled_from([{}, {"hours": ("mon-fri 08:00-18:00 UTC",)}, {"hours": ("22:00-06:00 UTC",)}]),
    st.booleans(),
)
def test_whenever_somebody_looks_each_level_is_called_once_in_order_and_none_too_early(
    names, wait, looks, hours, reached
):
    # Given a ladder, and a clock that is looked at now and then
    contacts = {f"c{number}": Contact(name=name, level=name, **hours) for number, name in enumerate(names)}
    ladder, patience = levels([*contacts], contacts), timedelta(minutes=wait)
    now, so_far, heard = NOON, [], []
    for minutes in looks:
        # When what is due is called
        calls = due(ladder, contacts, patience, so_far, now)
        for level in calls.levels:
            assert not (so_far and reached) or so_far[-1].at == now or now - so_far[-1].at >= patience
            so_far.append(CalledLevel(level.name, now, reached=reached))
            heard += level.contacts
        # Then the instant that it names is in the future
        assert calls.next is None or calls.next > now
        now += timedelta(minutes=minutes)
    # And levels are called in their order, and each once
    assert [each.name for each in so_far] == sorted({each.name for each in so_far})
    assert len(heard) == len(set(heard))
