"""What a page carries fits, says what was cut, and is JSON whatever a host has answered."""

from __future__ import annotations

import json
from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from runner.channels.payload import as_text, fit, to_json


def test_details_that_fit_are_left_alone():
    details = {"timeline": ["03:00", "03:01"], "stuck": [{"pid": 1, "idle": 2.5, "user": None}], "done": True}
    assert fit(details, 1000) == details


def test_the_largest_details_are_cut_first_and_say_so():
    details = {"audit_head": "9f86d081", "rows": [{"pid": 1}] * 1000, "log": "x" * 20_000, "timeline": ["03:00"]}
    fitted = fit(details, 4000)
    assert (fitted["audit_head"], fitted["timeline"]) == ("9f86d081", ["03:00"])
    assert fitted["log"].startswith("x" * 1000)
    assert fitted["log"].endswith(" … [cut: too large to send; the run's record has all 20,000 characters]")
    assert fitted["rows"].startswith('[{"pid":1},')
    assert fitted["rows"].endswith(" … [cut: too large to send; the run's record has all 10,001 characters]")
    assert 3800 < len(to_json(fitted)) <= 4000


def test_so_many_details_that_none_could_be_read_become_one_text():
    fitted = fit({f"name{number}": "value" for number in range(10_000)}, 5000)
    assert list(fitted) == ["details"]
    assert fitted["details"].startswith('{"name0":"value","name1":"value"')
    assert len(to_json(fitted)) <= 5000


def test_what_is_no_json_is_told_as_text():
    moment = datetime(2026, 3, 1, 12)  # noqa: DTZ001 - only its text matters
    assert fit({"a": float("nan"), "b": moment, 3: {4: (5,)}}, 1000) == {
        "a": "nan",
        "b": "2026-03-01 12:00:00",
        "3": {"4": [5]},
    }


def test_for_people_what_is_nested_is_written_without_brackets():
    seen = [{"step": "Restart", "on": {"db1": "failed"}, "seen": ["exit code 3", "disk full"]}, {"rows": 3, "ok": True}]

    assert as_text(seen) == "step: Restart; on: db1: failed; seen: exit code 3, disk full\nrows: 3; ok: true"
    assert as_text({"unknown": ["db1", "db2"]}) == "unknown: db1, db2"


def test_what_a_command_printed_stands_line_by_line_below_where_it_did():
    assert as_text({"db1": " pid | idle\n 7   | 2\n", "db2": "none"}) == "db1:\n   pid | idle\n   7 | 2\ndb2: none"


def test_a_text_stays_set_in_as_it_was_written():
    assert as_text("HOSTS\n  verified:  db1\n\n" + " " * 99 + "far") == "HOSTS\n  verified: db1\n\n" + " " * 16 + "far"


def test_what_is_nested_without_end_is_cut():
    endless: list[object] = []
    endless.append(endless)
    assert b"nested deeper than 16 levels" in to_json(fit({"endless": endless}, 10_000))


@given(
    st.dictionaries(st.text(st.characters()), st.text(st.characters(), max_size=2000) | st.floats()), st.integers(200)
)
def test_details_fit_into_any_room(details, room):
    encoded = to_json(fit(details, room))
    assert len(encoded) <= room
    assert isinstance(json.loads(encoded), dict)
