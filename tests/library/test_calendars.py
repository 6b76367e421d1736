"""Calendars say when nothing planned begins: as intervals, and as iCalendar files that are read by a library for them."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from runner.library.calendars import Calendars

BERLIN = ZoneInfo("Europe/Berlin")
EVENT = "BEGIN:VEVENT\nUID:{}@x\nDTSTAMP:20260101T000000Z\nSUMMARY:{}\n{}\nEND:VEVENT\n"


@pytest.fixture
def calendars(tmp_path):
    def write(text, ics=""):
        (tmp_path / "calendars.yml").write_text(text)
        (tmp_path / "x.ics").write_text(f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\n{ics}END:VCALENDAR\n")
        return Calendars(tmp_path / "calendars.yml")

    return write


def closed(calendars, *moment, zone=BERLIN, names=("freeze",)):
    return calendars.closed(names, datetime(*moment, tzinfo=UTC), zone)


def test_an_interval_of_days_is_in_the_zone_of_the_schedule_or_its_own(calendars):
    found = calendars("freeze: {title: Year's end, closed: [2026-12-20/2027-01-03]}\n")

    assert closed(found, 2026, 12, 19, 22, 59) == ""
    assert closed(found, 2026, 12, 19, 23, 0) == "Year's end"
    assert closed(found, 2027, 1, 3, 22, 59) == "Year's end"
    assert closed(found, 2027, 1, 3, 23, 0) == ""
    own = calendars("freeze: {title: Year's end, zone: UTC, closed: [2026-12-20T06:00/2026-12-20T07:00]}\n")
    assert (closed(own, 2026, 12, 20, 6, 0), closed(own, 2026, 12, 20, 7, 0)) == ("Year's end", "")


def test_closed_counts_before_open(calendars):
    found = calendars("freeze: {title: T, zone: UTC, open: [2026-12-01/2026-12-05], closed: [2026-12-02/2026-12-02]}\n")

    assert [closed(found, 2026, 12, day, 12) for day in (1, 2, 6)] == ["", "T", "T"]


def test_events_close_unless_they_are_cancelled_or_transparent(calendars):
    ics = EVENT.format(1, "All day", "DTSTART;VALUE=DATE:20261224\nDTEND;VALUE=DATE:20261226")
    ics += EVENT.format(2, "Weekly", "DTSTART:20261201T100000Z\nDTEND:20261201T110000Z\nRRULE:FREQ=WEEKLY")
    ics += EVENT.format(3, "Off", "DTSTART:20261210T100000Z\nDTEND:20261210T110000Z\nSTATUS:CANCELLED")
    ics += EVENT.format(4, "Free", "DTSTART:20261211T100000Z\nDTEND:20261211T110000Z\nTRANSP:TRANSPARENT")
    found = calendars("freeze: {title: T, ics: x.ics}\n", ics)

    assert closed(found, 2026, 12, 23, 23, 30) == "T"  # the day begins in Berlin
    assert closed(found, 2026, 12, 25, 23, 30) == ""
    assert (closed(found, 2026, 12, 8, 10, 30), closed(found, 2026, 12, 8, 11, 0)) == ("T", "")
    assert (closed(found, 2026, 12, 10, 10, 30), closed(found, 2026, 12, 11, 10, 30)) == ("", "")


@pytest.mark.parametrize(
    ("text", "ics", "fault"),
    [
        ("other: {title: T, open: [2026-01-01/2026-01-02]}\n", "", "there is no calendar 'freeze' in calendars.yml"),
        ("freeze: {title: T, ics: nowhere.ics}\n", "", "nowhere.ics is no iCalendar file that can be read"),
        (
            "freeze: {title: T, ics: x.ics}\n",
            EVENT.format(1, "A", "DTSTART:20261201T100000Z\nDTEND:20261201T100001Z\nRRULE:FREQ=SECONDLY"),
            "x.ics has an event that comes back more often than daily",
        ),
        ("freeze: {title: T, ics: x.ics}\n", "X" * 2**20, "x.ics is larger than 1 MiB"),
        ("freeze: {title: T, closed: [tomorrow]}\n", "", "must be like 2026-12-20/2027-01-03"),
        ("freeze: {title: T}\n", "", "needs `closed`, `open` or `ics`"),
    ],
)
def test_one_that_cannot_be_asked_says_why_and_closes_nothing(calendars, text, ics, fault):
    found = calendars(text, ics)

    assert fault in found.fault(("freeze",))
    assert closed(found, 2026, 12, 1, 10, 0) == ""


def test_one_also_closes_what_is_begun_by_hand_only_where_it_says_so(calendars):
    text = "a: {title: A, closed: [2026-12-01/2026-12-02]}\n"
    found = calendars(f"{text}b: {{title: B, also_by_hand: true, closed: [2026-12-02/2026-12-02]}}\n")

    assert found.by_hand(datetime(2026, 12, 1, 12, tzinfo=UTC)) == ("", "")
    assert found.by_hand(datetime(2026, 12, 2, 12, tzinfo=UTC)) == ("B", "")
    broken = calendars("b: {title: B, also_by_hand: true, ics: none.ics}\n")
    title, fault = broken.by_hand(datetime(2026, 12, 2, 12, tzinfo=UTC))
    assert (title, "none.ics is no iCalendar file" in fault) == ("", True)


def test_without_the_file_there_is_none(tmp_path):
    assert Calendars(tmp_path / "calendars.yml").all == {}
