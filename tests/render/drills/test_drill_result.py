"""Of many tests it is told which verifications were never seen to fail, and whether all is as it must be."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from runner.render.drills.drill_result import DrillResult, DrillSeries, DrillTest, DrillVerdict, as_data


def result(test=DrillTest.AS_WRITTEN, verdict=DrillVerdict.PASSED, **changes):
    about = {
        "runbook": "RUN-001",
        "name": "RUN-001",
        "title": "Pool",
        "severity": "P1",
        "sha256": "aa",
        "reasons": (),
        "backend": "lab",
        "began": datetime(2026, 1, 1, tzinfo=UTC),
        "seconds": 9.0,
        "verifications": ("a/1", "a/2", "b/1"),
    }
    return DrillResult(**{**about, **changes}, test=test, verdict=verdict)


def series(*results):
    return DrillSeries(results, {}, {}, 1.0)


def test_what_one_test_has_seen_red_is_seen():
    done = series(result(red=("a/1",)), result(DrillTest.NO_FAULT, red=("b/1",)))

    assert done.never_red == {"RUN-001": ["a/2"]}


def test_what_was_excepted_has_looked_at_nothing():
    excepted = result(DrillTest.NO_FAULT, DrillVerdict.EXCEPTED)

    assert (series(excepted).never_red, series(result(), excepted).never_red) == ({}, series(result()).never_red)


def test_all_is_as_it_must_be_where_nothing_failed_and_something_was_done():
    assert series(result(), result(DrillTest.NO_FAULT, DrillVerdict.EXCEPTED)).ok is True
    assert series(result(), result(DrillTest.NO_FAULT, DrillVerdict.FAILED)).ok is False
    assert series().ok is False


def test_the_record_has_what_it_came_to_and_which_text_was_drilled():
    assert as_data(result(recover=2.5, run="r", proofs=("kept",))) == {
        "name": "RUN-001",
        "test": "as written",
        "verdict": "passed",
        "reasons": [],
        "backend": "lab",
        "detect": None,
        "alert": None,
        "recover": 2.5,
        "outage": None,
        "asked": 0,
        "bad": 0,
        "proofs": ["kept"],
        "red": [],
        "runbook": "RUN-001",
        "runbook_sha256": "aa",
        "tested_run": "r",
        "void": False,
    }


@pytest.mark.parametrize(
    ("changes", "void"),
    [
        ({"outcome": "failed"}, False),
        ({"outcome": "aborted"}, True),
        ({"stopped": "all drills are stopped"}, True),
        ({"not_begun": True}, True),
    ],
)
def test_one_that_was_ended_or_never_began_says_nothing_of_the_runbook(changes, void):
    assert as_data(result(verdict=DrillVerdict.FAILED, **changes))["void"] is void
