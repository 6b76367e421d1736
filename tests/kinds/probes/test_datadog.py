"""What Datadog says of a monitor and of a query, and what of that is good."""

from __future__ import annotations

import pytest
from harness.datadog import Datadog
from harness.fault_server import FaultServer

from runner.kinds.probes.datadog import look

KEYS = {"API_KEY": "the-api-key", "APP_KEY": "the-application-key"}
MONITOR = {"id": 1234, "type": "metric alert", "query": "avg(last_5m):avg:pool.used{*} > 90", "overall_state": "OK"}
NOW = 1_772_366_400.0
FOREVER, PAST, FUTURE = None, 1, 4_000_000_000


@pytest.fixture
def asked(why):
    def asked(content, *, wanted="resolved", status=200):
        with Datadog(content, status) as datadog:
            said = why(look, {**KEYS, "URL": datadog.root, "MONITOR": "1234", "WANTED": wanted})
        headers = [(each.headers["Dd-Api-Key"], each.headers["Dd-Application-Key"]) for each in datadog.requests]
        assert headers == [tuple(KEYS.values())]
        return said.replace(datadog.root, "URL")

    return asked


NOT_KNOWN = "so nobody knows whether it has resolved"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, ""),
        ({"options": {"silenced": {"*": PAST}}, "matching_downtimes": []}, ""),
        ({"overall_state": "Alert"}, "the monitor 1234 is still in alert"),
        ({"overall_state": "Warn"}, "the monitor 1234 is above its warning threshold, which is not resolved"),
        ({"overall_state": "No Data"}, f"the monitor 1234 is without data, {NOT_KNOWN}"),
        ({"overall_state": "Skipped"}, f"the monitor 1234 is skipped, {NOT_KNOWN}"),
        ({"overall_state": "Ignored"}, f"the monitor 1234 is ignored, {NOT_KNOWN}"),
        ({"overall_state": "Unknown"}, f"the monitor 1234 is unknown, {NOT_KNOWN}"),
        (
            {"options": {"silenced": {"*": FOREVER}}},
            "the monitor 1234 is muted, so its state is not taken for resolved",
        ),
        (
            {"options": {"silenced": {"role:db": FUTURE}}},
            "the monitor 1234 is muted, so its state is not taken for resolved",
        ),
        (
            {"matching_downtimes": [{"id": 1, "start": 1, "end": None, "scope": ["*"]}]},
            "the monitor 1234 is muted by a downtime, so its state is not taken for resolved",
        ),
    ],
)
def test_a_monitor_has_resolved_when_it_says_so_and_is_not_muted(asked, changes, said):
    assert asked(MONITOR | changes) == said


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"overall_state": "Alert", "options": {"silenced": {"*": FOREVER}}}, ""),
        ({}, "the monitor 1234 is not in alert: its state is OK"),
        ({"overall_state": "No Data"}, "the monitor 1234 is not in alert: its state is No Data"),
    ],
)
def test_a_monitor_is_firing_when_it_is_in_alert(asked, changes, said):
    assert asked(MONITOR | changes, wanted="firing") == said


@pytest.mark.parametrize(
    ("status", "errors", "said"),
    [
        (403, ["Forbidden"], 'Datadog at URL answers with the status 403: ["Forbidden"]'),
        (404, ["Monitor not found"], 'Datadog at URL answers with the status 404: ["Monitor not found"]'),
    ],
)
def test_a_refusal_is_told_in_its_words(asked, status, errors, said):
    assert asked({"errors": errors}, status=status) == said


def queried(*series, **more):
    content = {
        "status": "ok",
        "series": [{"pointlist": points, "tag_set": [f"host:{n}"]} for n, points in enumerate(series)],
    }
    with Datadog(content | more.pop("answer", {})) as datadog:
        question = {**KEYS, "URL": datadog.root, "QUERY": "avg:system.load.1{*} by {host}", "FRESH": "300", **more}
        try:
            return look(question, NOW)
        finally:
            path = datadog.requests[0].path
            assert f"from={int(NOW) - 1200}&to={int(NOW)}&query=avg%3Asystem.load.1" in path


def ago(seconds, value):
    return [(NOW - seconds) * 1000, value]


def test_the_newest_value_of_a_query_counts():
    assert queried([ago(120, 3.0), ago(60, 1.5), ago(10, None)]) == {"value": 1.5}
    assert queried([ago(60, 1.5)], [ago(60, 2.5)], SERIES="several") == {"values": [1.5, 2.5]}


@pytest.mark.parametrize(
    ("series", "more", "said"),
    [
        ([], {}, "no data: Datadog at URL has no series for this query"),
        ([[ago(60, None)]], {}, "no data: Datadog at URL has no series for this query"),
        ([[ago(900, 1.5)]], {}, "stale: the newest value is 900 s old"),
        ([[ago(60, 1.5)], [ago(900, 1.5)]], {"SERIES": "several"}, "stale: the newest value is 900 s old"),
        (
            [[ago(60, 1.5)], [ago(60, 2.5)]],
            {},
            '2 series, where one is wanted (host="0"; host="1"); make one of them, as by sum(), or judge all `values`',
        ),
        (
            [],
            {"answer": {"status": "error", "error": "no such metric"}},
            "Datadog at URL cannot answer the query: no such metric",
        ),
    ],
)
def test_what_is_no_value_of_now_is_none(why, series, more, said):
    message = why(lambda *_: queried(*series, **more), {})
    assert message.replace(message.partition("Datadog at ")[2].partition(" ")[0] or "-", "URL") == said


@pytest.mark.parametrize("mode", ["rst", "garbage", "html", "503", "401", "redir"])
def test_a_fault_of_the_network_is_no_answer(why, mode):
    with FaultServer(mode) as server:
        said = why(look, {**KEYS, "URL": server.root, "MONITOR": "1", "WANTED": "resolved", "SECONDS": "0.5"})
    assert said.startswith(f"Datadog at {server.root} ")
    assert not any(key in said for key in KEYS.values())
