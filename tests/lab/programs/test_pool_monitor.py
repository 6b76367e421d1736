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
from runner.lab.programs.pool_monitor import METRIC, RULE, PoolMonitor  # noqa: E402


@contextmanager
def asked(measure):
    """What a probe says of the alert, wanted so."""
    monitor = PoolMonitor(measure, lambda: datetime.now(UTC))
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(JsonHandler, monitor.answer))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    url = f"http://127.0.0.1:{server.server_address[1]}"

    def said(wanted):
        try:
            look({"URL": url, "ALERT": RULE, "DATA": METRIC, "WANTED": wanted}, 0.0)
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


def test_an_alert_fires_since_it_was_first_seen():
    times = iter(datetime(2026, 3, 1, 12, 0, second, tzinfo=UTC) for second in range(10))
    sizes = iter([97, 98, 3, 97])
    monitor = PoolMonitor(lambda: (next(sizes), 100), lambda: next(times))

    rules = [monitor.answer("/api/v1/rules")[1]["data"]["groups"][0]["rules"][0] for _ in range(4)]

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
