"""The demo's monitoring: it measures whenever it is asked, and answers as Prometheus does.

`python -m runner.lab.programs.monitor --listen ADDRESS --port PORT --shop URL ...`; the libpq environment names the
database. It has a rule for the pool of connections, and two for how the shops answer their customers. Nothing is kept
or made up: what does not answer is a rule that cannot be evaluated, and a metric without a value.
"""

from __future__ import annotations

import argparse
import json
import threading
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from http.server import ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg

from runner.lab.programs.app import Answer, JsonHandler

_FULL, _FAILING, _SLOW = 0.9, 0.005, 500.0
"""Above which part of the pool, of the requests, and above how many milliseconds an alert fires."""
_SHARE = "sum(pg_stat_activity_count) / sum(pg_settings_max_connections)"
_PATIENCE = 2.0
_DATABASE = "connect_timeout=2 application_name=monitoring"
_MEASURE = """
SELECT count(*), current_setting('max_connections')::int FROM pg_stat_activity WHERE backend_type = 'client backend'
"""

Measure = Callable[[], float]
"""What is measured now; it raises an error where nobody answers."""
_ERRORS = (psycopg.Error, OSError, ValueError, KeyError)


@dataclass
class MeasuredAlert:
    """The alert `name`, which fires as long as what is measured is more than `limit`, and since when it does."""

    name: str
    query: str
    measure: Measure
    limit: float
    since: datetime | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def as_data(self, at: datetime) -> Mapping[str, Any]:
        """The rule as it is at the instant `at`."""
        rule: dict[str, Any] = {"name": self.name, "type": "alerting", "query": f"{self.query} > {self.limit:g}"}
        rule |= {"duration": 0, "lastEvaluation": at.isoformat()}
        try:
            value = self.measure()
        except _ERRORS as error:
            return {**rule, "health": "err", "lastError": str(error), "state": "unknown", "alerts": []}
        with self.lock:
            self.since = (self.since or at) if value > self.limit else None
            since = self.since
        if since is None:
            return {**rule, "health": "ok", "state": "inactive", "alerts": []}
        alert = {"labels": {"alertname": self.name}, "annotations": {}, "state": "firing", "value": f"{value:g}"}
        return {**rule, "health": "ok", "state": "firing", "alerts": [{**alert, "activeAt": since.isoformat()}]}


@dataclass(frozen=True)
class Monitor:
    """What is watched by `rules`, and the `metrics` that can be asked for, by their queries."""

    rules: Sequence[MeasuredAlert]
    metrics: Mapping[str, Measure]
    now: Callable[[], datetime]

    def answer(self, path: str) -> Answer:
        """The status and JSON body of a GET of `path`."""
        url, at = urlsplit(path), self.now()
        if url.path == "/api/v1/rules":
            groups = [{"name": "shop", "interval": 1, "rules": [rule.as_data(at) for rule in self.rules]}]
            return HTTPStatus.OK, {"status": "success", "data": {"groups": groups}}
        query = parse_qs(url.query).get("query", [""])[0]
        if url.path == "/api/v1/query" and query in self.metrics:
            data = {"resultType": "vector", "result": self._series(query, at)}
            return HTTPStatus.OK, {"status": "success", "data": data}
        known = f"only the rules and {', '.join(self.metrics)} are known here"
        return HTTPStatus.NOT_FOUND, {"status": "error", "error": known}

    def _series(self, query: str, at: datetime) -> Sequence[Mapping[str, Any]]:
        try:
            value = self.metrics[query]()
        except _ERRORS:
            return []
        return [{"metric": {}, "value": [at.timestamp(), f"{value:g}"]}]


def monitor(
    pool: Callable[[], tuple[int, int]], shops: Callable[[], Sequence[Mapping[str, float]]], now: Callable[[], datetime]
) -> Monitor:
    """What watches a `pool`, which says how many connections there are and may be, and how the `shops` answer."""

    def share() -> float:
        used, size = pool()
        return used / size

    def worst(name: str) -> Measure:
        return lambda: max(shop[name] for shop in shops())

    rules = (
        MeasuredAlert("PostgresConnectionPoolHigh", _SHARE, share, _FULL),
        MeasuredAlert("ApiErrorRateHigh", "http_requests_error_rate_5m", worst("error_rate_5m"), _FAILING),
        MeasuredAlert("ApiLatencyHigh", "http_requests_latency_p95_ms", worst("latency_p95_ms"), _SLOW),
    )
    metrics: dict[str, Measure] = {"pg_stat_activity_count": lambda: pool()[0], _SHARE: share}
    metrics["http_requests_total"] = lambda: sum(shop["requests"] for shop in shops())
    return Monitor(rules, metrics, now)


def connections() -> tuple[int, int]:
    """How many connections clients have, and how many there may be.

    Raises:
        psycopg.Error: the database does not answer within 2 s.
    """
    with psycopg.connect(_DATABASE) as connection:
        row = connection.execute(_MEASURE).fetchone()
    return (int(row[0]), int(row[1])) if row else (0, 0)


def metrics_of(urls: Sequence[str]) -> list[Mapping[str, float]]:
    """What each shop says of how it answers its customers.

    Raises:
        OSError: one does not answer within 2 s.
    """
    found = []
    for url in urls:
        with urllib.request.urlopen(f"{url}/metrics", timeout=_PATIENCE) as answer:  # noqa: S310 - of the command line
            found.append(json.load(answer))
    return found


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--listen", required=True)
    parser.add_argument("--port", required=True, type=int)
    parser.add_argument("--shop", action="append", default=[], help="where a shop answers")
    arguments = parser.parse_args()
    watching = monitor(connections, partial(metrics_of, arguments.shop), partial(datetime.now, UTC))
    ThreadingHTTPServer((arguments.listen, arguments.port), partial(JsonHandler, watching.answer)).serve_forever()


if __name__ == "__main__":
    main()
