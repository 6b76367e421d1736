"""Both scales of severity say how soon somebody answers, and what an alert leads to."""

from __future__ import annotations

from typing import get_args

from runner.model.severity import NEEDS, RESPONSE, Severity, Urgency, response, urgency


def test_every_severity_of_both_scales_has_an_urgency_and_a_response_time():
    assert {each: (str(urgency(each)), response(each)) for each in get_args(Severity)} == {
        "P0": ("critical", "< 5 min"),
        "P1": ("critical", "< 5 min"),
        "P2": ("warning", "< 30 min"),
        "P3": ("info", "next business day"),
        "critical": ("critical", "< 5 min"),
        "warning": ("warning", "< 30 min"),
        "info": ("info", "next business day"),
    }


def test_every_urgency_says_what_it_needs():
    assert set(NEEDS) == set(RESPONSE) == set(Urgency)
