"""The report of drills says how each test ended and what was never red, and no text in it is more than text."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import pytest

from runner.render.drills.drill_pages import as_json, as_junit, bars, drill_pages
from runner.render.drills.drill_result import (
    DrillMoment,
    DrillResult,
    DrillSeries,
    DrillTest,
    DrillVerdict,
    WouldBeCall,
)


def result(test=DrillTest.AS_WRITTEN, verdict=DrillVerdict.PASSED, **changes):
    about = {
        "runbook": "RUN-001",
        "name": "RUN-001/pool",
        "title": "Pool <b>exhaustion</b>",
        "severity": "P1",
        "sha256": "aa",
        "reasons": (),
        "backend": "lab",
        "began": datetime(2026, 1, 1, tzinfo=UTC),
        "seconds": 9.0,
        "verifications": ("a/1", "a/2"),
        "moments": (DrillMoment(0.1, "well", "it answers 200"),),
    }
    return DrillResult(**{**about, **changes}, test=test, verdict=verdict)


@pytest.fixture
def series():
    call = WouldBeCall("on-call", ("pagerduty",), "trigger", "It failed", ("pagerduty: too long",))
    results = (
        result(red=("a/1",), recover=2.5, detect=0.4, outage=3.0, calls=(call,), proofs=("No order is lost",)),
        result(DrillTest.NO_REMEDIATION, DrillVerdict.FAILED, reasons=("it is well without its runbook",)),
        result(DrillTest.NO_FAULT, DrillVerdict.EXCEPTED, reasons=("as the runbook says",)),
    )
    return DrillSeries(results, {"RUN-001/pool": [4.0, 2.5]}, {"RUN-040": "it has no drill"}, 30.0)


def test_there_is_a_page_for_each_test_and_one_for_all(series):
    pages = drill_pages(series)

    assert [*pages] == [
        "index.html",
        "RUN-001-pool-as-written.html",
        "RUN-001-pool-no-remediation.html",
        "RUN-001-pool-no-fault.html",
        "drills.json",
    ]
    index, one = pages["index.html"], pages["RUN-001-pool-as-written.html"]
    assert 'href="RUN-001-pool-no-fault.html">excepted</a>' in index
    assert all(
        text in index for text in ("a/2", "it is well without its runbook", "RUN-040", 'aria-label="4.0 s, 2.5 s"')
    )
    assert all(text in one for text in ("2.5 s", "No order is lost", "pagerduty: too long", "1 of 2 were seen to fail"))
    assert not any("<b>exhaustion" in page for name, page in pages.items() if name.endswith("html"))


def test_a_test_that_was_done_of_no_drill_has_no_column(series):
    index = drill_pages(DrillSeries(series.results[:1], {}, {}, 1.0))["index.html"]

    assert [word in index for word in ("As written", "No remediation", "No fault", "not done")] == [True] + 3 * [False]


def test_a_ci_service_draws_each_test_as_a_case(series):
    suite = ET.fromstring(as_junit(series))[0]

    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("3", "1", "1")
    assert [(case.get("time"), [each.tag for each in case]) for case in suite] == [
        ("9.0", ["system-out"]),
        ("9.0", ["failure"]),
        ("9.0", ["skipped"]),
    ]


def test_as_json_it_is_all_that_is_known(series):
    data = json.loads(as_json(series))

    assert (data["type"], data["ok"], data["earlier"]) == ("drills", False, {"RUN-001/pool": [4.0, 2.5]})
    assert data["results"][0]["calls"][0]["problems"] == ["pagerduty: too long"]


def test_nothing_has_no_bars():
    assert bars(()) == ""
