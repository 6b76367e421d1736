"""The demo's monitoring says what it has measured: our own probe of Prometheus reads it like any other."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from http.server import ThreadingHTTPServer

import pytest

psycopg = pytest.importorskip("psycopg", reason="pip install 'runbookctl[demo]'")

from runner.kinds.probes.asked_service import UnknownError  # noqa: E402
from runner.kinds.probes.prometheus import look  # noqa: E402
from runner.lab.programs.app import JsonHandler  # noqa: E402
from runner.lab.programs.monitor import metrics_of, monitor  # noqa: E402

RULE, METRIC = "PostgresConnectionPoolHigh", "pg_stat_activity_count"
WELL = {"requests": 40, "error_rate_5m": 0.0, "latency_p95_ms": 12.5}


@contextmanager
def asked(pool, *shops):
    """What a probe says of an alert, wanted so, where the pool and the shops are measured so."""
    watching = monitor(pool, lambda: shops, lambda: datetime.now(UTC))
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(JsonHandler, watching.answer))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    url = f"http://127.0.0.1:{server.server_address[1]}"

    def said(wanted, alert=RULE, data=METRIC):
        try:
            look({"URL": url, "ALERT": alert, "DATA": data, "WANTED": wanted}, 0.0)
        except UnknownError as error:
            return str(error).replace(url, "URL").partition(" since ")[0]
        return ""

    try:
        yield said, url
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("used", "resolved", "firing"),
    [
        (97, f"{RULE} is still firing", ""),
        (91, f"{RULE} is still firing", ""),
        (90, "", f"{RULE} is not firing"),
        (3, "", f"{RULE} is not firing"),
    ],
)
def test_the_alert_is_about_the_pool_as_it_is_measured(used, resolved, firing):
    with asked(lambda: (used, 100)) as (said, url):
        assert (said("resolved"), said("firing")) == (resolved, firing)
        assert look({"URL": url, "QUERY": METRIC}, 0.0) == {"value": float(used)}
        share = f"sum({METRIC}) / sum(pg_settings_max_connections)"
        assert look({"URL": url, "QUERY": share}, 0.0) == {"value": used / 100}


def test_an_alert_fires_since_it_was_first_seen():
    times = iter(datetime(2026, 3, 1, 12, 0, second, tzinfo=UTC) for second in range(10))
    sizes = iter([97, 98, 3, 97])
    watching = monitor(lambda: (next(sizes), 100), list, lambda: next(times))

    rules = [watching.answer("/api/v1/rules")[1]["data"]["groups"][0]["rules"][0] for _ in range(4)]

    assert [rule["alerts"][0]["activeAt"][17:19] if rule["alerts"] else "" for rule in rules] == ["00", "00", "", "03"]


def test_a_database_that_does_not_answer_says_nothing_good():
    def measure():
        raise psycopg.OperationalError("connection refused")

    with asked(measure) as (said, url):
        cannot = f"unknown: the rule {RULE} cannot be evaluated: connection refused"
        assert (said("resolved"), said("firing")) == (cannot, cannot)
        with pytest.raises(UnknownError, match="^no data: "):
            look({"URL": url, "QUERY": METRIC}, 0.0)


def test_what_it_does_not_measure_it_does_not_know():
    with asked(lambda: (1, 100)) as (_, url), pytest.raises(UnknownError, match="only the rules and"):
        look({"URL": url, "QUERY": "up"}, 0.0)


@pytest.mark.parametrize(
    ("alert", "shop", "fires"),
    [
        ("ApiErrorRateHigh", {}, False),
        ("ApiErrorRateHigh", {"error_rate_5m": 0.006}, True),
        ("ApiLatencyHigh", {"latency_p95_ms": 499.0}, False),
        ("ApiLatencyHigh", {"latency_p95_ms": 501.0}, True),
    ],
)
def test_an_alert_of_the_shops_is_about_the_worst_of_them(alert, shop, fires):
    with asked(lambda: (1, 100), WELL, WELL | shop) as (said, url):
        firing, resolved = f"{alert} is not firing", f"{alert} is still firing"
        expected = ("", resolved) if fires else (firing, "")
        assert (
            said("firing", alert, "http_requests_total"),
            said("resolved", alert, "http_requests_total"),
        ) == expected
        assert look({"URL": url, "QUERY": "http_requests_total"}, 0.0) == {"value": 80.0}


def test_a_shop_that_does_not_answer_says_nothing_good():
    with pytest.raises(OSError, match="refused"):
        metrics_of(["http://127.0.0.1:1"])

    with asked(lambda: (1, 100)) as (said, _):
        assert said("resolved", "ApiLatencyHigh", "http_requests_total").startswith("unknown: the rule ApiLatencyHigh")
