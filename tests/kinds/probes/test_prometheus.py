"""What a real Prometheus says of alerts and metrics, and what of that is good."""

from __future__ import annotations

import json
import re

import pytest
from harness.fault_server import FaultServer
from harness.monitoring import until
from hypothesis import given
from hypothesis import strategies as st

from runner.kinds.probes.prometheus import look, time_of

SINCE = re.compile(r"since [0-9T:-]+Z")
WHERE = re.compile(r'instance="127\.0\.0\.1:\d+"')


@pytest.fixture
def asked(watched, why):
    """What is said of an alert, without the times and ports of this very run."""

    def asked(**changes):
        question = {"URL": watched.prometheus, "ALERT": "PoolHigh", "DATA": "pool_used", "WANTED": "resolved"} | changes
        sentence = why(look, question).replace(watched.prometheus, "URL")
        return WHERE.sub('instance="-"', SINCE.sub("since -", sentence))

    return asked


def pool(watched, used):
    """The pool is so full, and Prometheus knows."""
    watched.exporter.values = {"pool_used": used, "database_down": 0}
    states = {"PoolHigh": "firing", "PoolHighForLong": "pending"}
    wanted = {name: state if used > 90 else "inactive" for name, state in states.items()}
    known = lambda: {name: watched.state(name) for name in wanted} == wanted  # noqa: E731 - it is asked again and again
    until(lambda: watched.has(f"pool_used=={used}") and known(), "it is known")


def test_an_alert_fires_and_resolves(watched, asked):
    # Given a pool that is full
    pool(watched, 97)
    # Then its alert is firing, the one that waits is pending, and another one with other labels is not there
    where = 'instance="-", job="shop"'
    assert asked() == f'PoolHigh is still firing since -, with the value 97 ({where}, severity="page")'
    assert asked(WANTED="firing") == ""
    firing = {"URL": watched.prometheus, "ALERT": "PoolHigh", "WANTED": "firing"}
    assert look(firing, 0.0) == {"url": "https://books.example/RUN-001"}
    pending = f"PoolHighForLong is pending since -, with the value 97 ({where})"
    assert asked(ALERT="PoolHighForLong") == pending
    not_yet = "PoolHighForLong is pending since -, and not firing yet: it fires after 3600 s"
    assert asked(ALERT="PoolHighForLong", WANTED="firing") == not_yet
    assert asked(LABELS='{"severity": "ticket"}') == ""
    # When it is no longer full
    pool(watched, 20)
    # Then it has resolved, and fires no more
    assert (asked(), asked(WANTED="firing")) == ("", "PoolHigh is not firing")


def test_what_nobody_knows_has_not_resolved(watched, asked):
    pool(watched, 20)
    assert asked(ALERT="Misspelled") == "Prometheus at URL has no alerting rule Misspelled"
    # When the exporter has died, the rule is as quiet as if all were well
    watched.exporter.values = {}
    until(lambda: not watched.has("pool_used"), "the values are gone")
    assert watched.state("PoolHigh") == "inactive"
    no_data = "no data: pool_used gives nothing, so nobody knows whether PoolHigh has resolved"
    assert asked() == no_data
    # When a rule cannot be evaluated
    watched.exporter.values = {"pool_used": 5, 'many_series{a="1"}': 1, 'many_series{a="2"}': 1}
    until(lambda: watched.state("Broken") == "err", "it fails")
    assert asked(ALERT="Broken").startswith("unknown: the rule Broken cannot be evaluated: found duplicate series")


def test_a_metric_is_a_number_of_one_series(watched, why):
    pool(watched, 42)
    question = {"URL": watched.prometheus}

    def found(query, **more):
        return look({**question, "QUERY": query, **more}, 0.0)

    def refused(query, **more):
        return WHERE.sub("-", why(look, {**question, "QUERY": query, **more})).replace(watched.prometheus, "URL")

    assert found("pool_used") == {"value": 42.0}
    assert found("2.5") == {"value": 2.5}
    assert sorted(found('{__name__=~"pool_used|database_down"}', SERIES="several")["values"]) == [0.0, 42.0]
    assert refused("no_such_metric") == "no data: Prometheus at URL has no series for this query"
    assert refused("0 / 0 * pool_used") == 'no number: the value of -, job="shop" is nan'
    assert refused("pool_used / 0") == 'no number: the value of -, job="shop" is inf'
    several = refused('{__name__=~"pool_used|database_down"}')
    assert several.startswith("2 series, where one is wanted (__name__=")
    assert several.endswith("make one of them, as by sum(), or judge all `values`")
    assert refused("pool_used[1m]") == "the query gives a matrix; ask for values at one moment"
    assert refused("sum(").startswith('Prometheus at URL answers with the status 400: invalid parameter "query"')


def test_a_metric_of_an_exporter_that_has_died_is_no_data(watched, why):
    pool(watched, 42)
    watched.exporter.values = {}
    until(lambda: not watched.has("pool_used"), "the values are gone")

    question = {"URL": watched.prometheus, "QUERY": "pool_used"}
    assert why(look, question) == f"no data: Prometheus at {watched.prometheus} has no series for this query"


RULE = {"type": "alerting", "name": "PoolHigh", "health": "ok", "duration": 0, "alerts": [], "state": "inactive"}
NOW, LATER = "2026-03-01T12:00:00.123456789Z", "Sun, 01 Mar 2026 12:01:00 GMT"


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"lastEvaluation": NOW}, "stale: the rule PoolHigh was last evaluated 60 s ago, and it should be every 15 s"),
        ({"lastEvaluation": "0001-01-01T00:00:00Z"}, "unknown: the rule PoolHigh has not been evaluated yet"),
        ({"lastEvaluation": NOW, "health": "unknown"}, "unknown: the rule PoolHigh has not been evaluated yet"),
        ({"lastEvaluation": "2026-03-01T13:00:50+01:00"}, "PoolHigh is not firing"),
    ],
)
def test_a_rule_that_is_not_evaluated_says_nothing(why, rule, said):
    groups = {"groups": [{"interval": 15, "rules": [RULE | rule]}]}
    body = json.dumps({"status": "success", "data": groups}).encode()
    with FaultServer(("200", {"Date": LATER}, body)) as server:
        question = {"URL": server.root, "ALERT": "PoolHigh", "WANTED": "firing"}
        assert why(look, question) == said


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"status": "success", "data": []}, "answers with something else than it should; is that its address?"),
        ({"status": "error", "error": "no"}, "answers with something else than it should; is that its address?"),
        ([], "answers with something else than it should; is that its address?"),
        (
            {"status": "success", "data": {"resultType": "vector", "result": []}, "warnings": ["a store is away"]},
            "does not know all of it: a store is away",
        ),
    ],
)
def test_an_answer_that_is_not_whole_is_none(why, body, said):
    with FaultServer(("200", {}, json.dumps(body).encode())) as server:
        question = {"URL": server.root, "QUERY": "up"}
        assert why(look, question) == f"Prometheus at {server.root} {said}"


@given(st.datetimes(timezones=st.timezones()), st.integers(0, 9))
def test_every_time_that_go_writes_is_read(moment, digits):
    offset = moment.strftime("%z")
    zone = f"{offset[:3]}:{offset[3:5]}"
    fraction = f".{'123456789'[:digits]}" if digits else ""
    text = f"{moment.year:04}-{moment:%m-%dT%H:%M:%S}{fraction}{zone}"
    assert time_of(text).replace(tzinfo=None) == moment.replace(microsecond=0, tzinfo=None)
