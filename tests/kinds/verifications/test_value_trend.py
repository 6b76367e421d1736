"""A trend compares each later value with the first one, which has to be a number."""

from __future__ import annotations

from datetime import timedelta

import jinja2
import pytest

from runner.kinds.values import is_number
from runner.kinds.verifications.value_trend import Trend


def trend(**query):
    return Trend.model_validate({"trend": {"that": "row.used", "within": "2m", **query}})


FALLS, RISES = {"falls": None}, {"rises": None}


@pytest.mark.parametrize(
    ("query", "conditions", "words"),
    [
        (FALLS, ("trend_now < trend_first",), "row.used falls"),
        (RISES, ("trend_now > trend_first",), "row.used rises"),
        (
            {**FALLS, "by": "10 %"},
            ("trend_first > 0", "trend_now <= trend_first * 0.9"),
            "row.used falls by 10 %",
        ),
        (
            {**RISES, "by": "12.5%"},
            ("trend_first > 0", "trend_now >= trend_first * 1.125"),
            "row.used rises by 12.5%",
        ),
        ({**FALLS, "by": 3}, ("trend_now <= trend_first - 3",), "row.used falls by 3"),
        ({**RISES, "by": 0.5}, ("trend_now >= trend_first + 0.5",), "row.used rises by 0.5"),
    ],
)
def test_it_goes_one_way_and_far_enough(query, conditions, words):
    kind = trend(**query)

    assert (tuple(kind.conditions(None)), kind.describe()) == ((is_number("trend_now"), *conditions), words)
    assert (kind.names, kind.keeps_first) == ({"trend_now": "row.used"}, {"trend_first": "trend_now"})
    assert kind.asks_again == timedelta(minutes=2)


INFINITE, NAN = float("inf"), float("nan")


@pytest.mark.parametrize("by", [{}, {"by": "10 %"}, {"by": 1}])
@pytest.mark.parametrize(
    ("way", "first", "now"),
    [
        (FALLS, 3, -INFINITE),
        (FALLS, 3, False),
        (FALLS, 3, "1"),
        (FALLS, 3, NAN),
        (FALLS, 3, None),
        (RISES, 3, INFINITE),
        (RISES, -3, True),
    ],
)
def test_what_is_no_number_is_no_trend(way, by, first, now):
    holds = [
        jinja2.Environment().compile_expression(condition)
        for condition in (is_number("trend_first"), *trend(**way, **by).conditions(None))
    ]

    assert not all(each(trend_first=first, trend_now=now) for each in holds[:2])


@pytest.mark.parametrize("first", [INFINITE, -INFINITE, NAN, True, False, "3", None, [3]])
def test_nothing_is_compared_with_what_is_no_number(first):
    assert not jinja2.Environment().compile_expression(is_number("trend_first"))(trend_first=first)


WAYS = "needs `falls` or `rises`, and not both: {that: row.used, falls, by: 10 %, within: 2m}"


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ({}, WAYS),
        ({**FALLS, **RISES}, WAYS),
        ({**FALLS, "by": "10"}, "must be a share above 0 %, like 10 %, or a number, not '10'"),
        ({**FALLS, "by": "0.0 %"}, "must be a share above 0 %, like 10 %, or a number, not '0.0 %'"),
        ({**FALLS, "by": 0}, "Input should be greater than 0"),
        ({**FALLS, "that": "row."}, None),
    ],
)
def test_what_makes_no_sense_is_refused(refusals, query, complaint):
    (found,) = refusals(Trend, trend={"that": "row.used", "within": "2m", **query})
    assert complaint in {found, None}
