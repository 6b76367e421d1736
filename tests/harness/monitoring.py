"""Prometheus and Alertmanager, as Debian packages them, with rules and an exporter of a test's own, on loopback."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import yaml

from harness import PATIENCE

RULES = [
    {
        "alert": "PoolHigh",
        "expr": "pool_used > 90",
        "labels": {"severity": "page"},
        "annotations": {"runbook_url": "https://books.example/RUN-001"},
    },
    {"alert": "PoolHighForLong", "expr": "pool_used > 90", "for": "1h"},
    {"alert": "DatabaseDown", "expr": "database_down == 1"},
    {"alert": "Watchdog", "expr": "vector(1)"},
    {"alert": "Broken", "expr": "pool_used * on() many_series > 0"},
]


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@dataclass
class Exporter:
    """What Prometheus scrapes: each metric with its value, as a test sets it; without any it is down."""

    values: dict = field(default_factory=dict)
    port: int = 0

    @contextmanager
    def serving(self) -> Iterator[Exporter]:
        exporter = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *arguments):
                """Nothing is written to the test's output."""

            def do_GET(self):
                body = "".join(f"{name} {value}\n" for name, value in list(exporter.values.items())).encode()
                self.send_response(200 if body else 503)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.end_headers()
                self.wfile.write(body)

        server = _Quiet(("127.0.0.1", 0), Handler)
        self.port = server.server_address[1]
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


class _Quiet(ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        """A Prometheus that is ended hangs up."""


@dataclass
class Monitoring:
    """A Prometheus that watches an exporter, and the Alertmanager that it tells."""

    exporter: Exporter
    prometheus: str
    alertmanager: str

    def get(self, url):
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
            return json.load(answer)

    def state(self, alert):
        groups = self.get(f"{self.prometheus}/api/v1/rules")["data"]["groups"]
        (found,) = [rule for group in groups for rule in group["rules"] if rule["name"] == alert]
        return found["state"] if found["health"] == "ok" else found["health"]

    def has(self, query):
        return bool(self.get(f"{self.prometheus}/api/v1/query?query={query}")["data"]["result"])

    def told(self, alert):
        """The states of the alert in Alertmanager."""
        alerts = self.get(f"{self.alertmanager}/api/v2/alerts")
        return [each["status"]["state"] for each in alerts if each["labels"]["alertname"] == alert]

    def silence(self, alert):
        begin, end = (time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds)) for seconds in (-5, 3600))
        matcher = {"name": "alertname", "value": alert, "isRegex": False, "isEqual": True}
        silence = {"matchers": [matcher], "startsAt": begin, "endsAt": end, "createdBy": "a test", "comment": "-"}
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.alertmanager}/api/v2/silences", json.dumps(silence).encode(), headers)
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.load(answer)["silenceID"]

    def expire(self, silence):
        request = urllib.request.Request(f"{self.alertmanager}/api/v2/silence/{silence}", method="DELETE")
        urllib.request.urlopen(request, timeout=PATIENCE).close()


def until(condition, what):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"not within {PATIENCE} s: {what}"
        time.sleep(0.05)


def answers(url):
    """Whether it answers that all is well."""
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
            return answer.status == 200
    except urllib.error.HTTPError as error:
        error.close()
        return False
    except OSError:
        return False


@contextmanager
def monitoring(directory: Path) -> Iterator[Monitoring]:
    """Both programs with all their files in `directory`; the test is skipped by name where one is not installed."""
    programs = {name: shutil.which(name) for name in ("prometheus-alertmanager", "prometheus")}
    if absent := [name for name, path in programs.items() if path is None]:
        pytest.skip(f"not installed: {', '.join(absent)}")
    addresses = {name: f"127.0.0.1:{free_port()}" for name in programs}
    options = {
        "prometheus-alertmanager": [
            *("--config.file=alertmanager.yml", "--storage.path=silences", "--cluster.listen-address="),
        ],
        "prometheus": [
            *("--config.file=prometheus.yml", "--storage.tsdb.path=data", "--rules.alert.resend-delay=500ms"),
        ],
    }
    processes = []
    with Exporter({"pool_used": 10, "database_down": 0}).serving() as exporter:
        _configure(directory, exporter.port, addresses["prometheus-alertmanager"])
        try:
            for name, program in programs.items():
                command = [program, *options[name], f"--web.listen-address={addresses[name]}"]
                with (directory / f"{name}.log").open("wb") as log:
                    processes.append(subprocess.Popen(command, cwd=directory, stdout=log, stderr=log))
            for name, address in addresses.items():
                until(lambda url=f"http://{address}/-/ready": answers(url), f"{name} is ready")
            made = Monitoring(
                exporter, f"http://{addresses['prometheus']}", f"http://{addresses['prometheus-alertmanager']}"
            )
            until(lambda: made.state("PoolHigh") == "inactive" and made.has("pool_used"), "the rules are evaluated")
            yield made
        finally:
            for process in processes:
                process.kill()
                process.wait()


def _configure(directory, exporter, alertmanager):
    prometheus = {
        "global": {"scrape_interval": "200ms", "scrape_timeout": "200ms", "evaluation_interval": "200ms"},
        "rule_files": ["rules.yml"],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}]},
        "scrape_configs": [{"job_name": "shop", "static_configs": [{"targets": [f"127.0.0.1:{exporter}"]}]}],
    }
    inhibition = {"source_matchers": ['alertname="DatabaseDown"'], "target_matchers": ['alertname="PoolHigh"']}
    tells = {"route": {"receiver": "nobody"}, "receivers": [{"name": "nobody"}], "inhibit_rules": [inhibition]}
    rules = {"groups": [{"name": "shop", "interval": "200ms", "rules": RULES}]}
    for name, content in (("prometheus", prometheus), ("rules", rules), ("alertmanager", tells)):
        (directory / f"{name}.yml").write_text(yaml.safe_dump(content))
