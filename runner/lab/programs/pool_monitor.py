"""The demo's monitoring: it measures the pool of connections whenever it is asked, and answers as Prometheus does.

`python -m runner.lab.programs.pool_monitor --listen ADDRESS --port PORT`; the libpq environment names the database. It
has one rule, PostgresConnectionPoolHigh, and one metric, pg_stat_activity_count. Nothing is kept or made up: a database
that does not answer is a rule that cannot be evaluated, and a metric without a value.
"""

from __future__ import annotations

import argparse
import threading
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

RULE, METRIC = "PostgresConnectionPoolHigh", "pg_stat_activity_count"
_FULL = 0.9
"""The part of the pool above which the alert fires."""
_DATABASE = "connect_timeout=2 application_name=monitoring"
_MEASURE = """
SELECT count(*), current_setting('max_connections')::int FROM pg_stat_activity WHERE backend_type = 'client backend'
"""


@dataclass
class PoolMonitor:
    """What is known of the pool: how full it is now, by `measure`, and since when it has been too full."""

    measure: Callable[[], tuple[int, int]]
    now: Callable[[], datetime]
    full_since: datetime | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, path: str) -> Answer:
        """The status and JSON body of a GET of `path`."""
        url = urlsplit(path)
        if url.path == "/api/v1/rules":
            group = {"name": "pool", "interval": 1, "rules": [self._rule()]}
            return HTTPStatus.OK, {"status": "success", "data": {"groups": [group]}}
        if url.path == "/api/v1/query" and parse_qs(url.query).get("query") == [METRIC]:
            data = {"resultType": "vector", "result": self._series()}
            return HTTPStatus.OK, {"status": "success", "data": data}
        return HTTPStatus.NOT_FOUND, {"status": "error", "error": f"only the rules and {METRIC} are known here"}

    def _rule(self) -> Mapping[str, Any]:
        at = self.now()
        rule: dict[str, Any] = {
            "name": RULE,
            "type": "alerting",
            "query": f"{METRIC} / pg_settings_max_connections > {_FULL}",
        }
        rule |= {"duration": 0, "lastEvaluation": at.isoformat()}
        try:
            used, size = self.measure()
        except psycopg.Error as error:
            return {**rule, "health": "err", "lastError": str(error), "state": "unknown", "alerts": []}
        with self.lock:
            self.full_since = (self.full_since or at) if used > _FULL * size else None
            since = self.full_since
        if since is None:
            return {**rule, "health": "ok", "state": "inactive", "alerts": []}
        alert = {"labels": {"alertname": RULE}, "annotations": {}, "state": "firing", "value": f"{used / size:g}"}
        return {**rule, "health": "ok", "state": "firing", "alerts": [{**alert, "activeAt": since.isoformat()}]}

    def _series(self) -> Sequence[Mapping[str, Any]]:
        try:
            used, _ = self.measure()
        except psycopg.Error:
            return []
        return [{"metric": {"__name__": METRIC}, "value": [self.now().timestamp(), str(used)]}]


def measure() -> tuple[int, int]:
    """How many connections clients have, and how many there may be.

    Raises:
        psycopg.Error: the database does not answer within 2 s.
    """
    with psycopg.connect(_DATABASE) as connection:
        row = connection.execute(_MEASURE).fetchone()
    return (int(row[0]), int(row[1])) if row else (0, 0)


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--listen", required=True)
    parser.add_argument("--port", required=True, type=int)
    arguments = parser.parse_args()
    monitor = PoolMonitor(measure, partial(datetime.now, UTC))
    ThreadingHTTPServer((arguments.listen, arguments.port), partial(JsonHandler, monitor.answer)).serve_forever()


if __name__ == "__main__":
    main()
