"""What is planned, day by day: what has become the same is said once, and a month with nothing in it is not shown."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from runner.render.site.month_view import PlannedItem, PlannedWork, months, span

TODAY = date(2026, 12, 6)
NAME = "RUN-020/nightly"


def item(day, state="planned", *, month=12, hour=2, outcome=""):
    return PlannedItem(NAME, datetime(2026, month, day, hour, 30, tzinfo=UTC), state, outcome)


def test_a_month_has_whole_weeks_and_says_what_has_become_the_same_once():
    items = [
        item(6, "missed"),
        item(6, "ran", hour=4, outcome="passed"),
        item(6, "ran", hour=3, outcome="passed"),
        item(7),
    ]
    (month,) = months(items, TODAY)

    days = [day for week in month.weeks for day in week]
    told = {day.date.day: [(line.time, line.item.word) for line in day.lines] for day in days if day.lines}
    assert (month.title, len(days), days[0].date, days[0].inside) == ("December 2026", 35, date(2026, 11, 30), False)
    assert told == {6: [("02:30", "missed"), ("2 times", "passed")], 7: [("02:30", "planned")]}


def test_the_months_beside_are_shown_where_they_have_something():
    items = [item(30, "skipped", month=11)]

    assert [each.title for each in months(items, TODAY)] == ["December 2026", "November 2026"]
    assert span(TODAY) == (date(2026, 11, 1), date(2027, 1, 31))
    assert span(date(2027, 1, 31)) == (date(2026, 12, 1), date(2027, 2, 28))


@pytest.mark.parametrize(
    ("state", "outcome", "word", "bad"),
    [
        ("ran", "passed", "passed", False),
        ("ran", "failed", "failed", True),
        ("ran", "running", "running", False),
        ("missed", "", "missed", True),
        ("refused", "never reached", "refused", True),
        ("skipped", "", "skipped", False),
        ("claimed", "", "claimed", False),
    ],
)
def test_what_somebody_should_look_at_is_bad(state, outcome, word, bad):
    found = item(6, state, outcome=outcome)

    assert (found.word, found.is_bad, found.runbook) == (word, bad, "RUN-020")
    assert PlannedWork((), (found,)).bad == ([found] if bad else [])
