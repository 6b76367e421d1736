"""Alerts, metrics and services of AWS in a run: what passes, what does not and why, and no secret anywhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from harness.bench import Bench, step
from harness.datadog import Datadog
from harness.fault_server import FaultServer
from harness.monitoring import free_port, monitoring

CANARIES = {
    "PROMETHEUS_TOKEN": "canary-of-a-token-4711",
    "DD_API_KEY": "canary-of-an-api-key",
    "DD_APP_KEY": "canary-of-an-app-key",
    "AWS_SECRET_ACCESS_KEY": "canary-of-a-key-of-aws",
}
SECRETS = {f"secret_env_{name.lower()}": value for name, value in CANARIES.items() if not name.startswith("AWS_")}
ENTRY = {"owner": "owners", "severity": "P1", "condition": "above 90 %"}
SOURCE = {"prometheus": "{{ prometheus_url }}", "data": "pool_used", "token": "env:PROMETHEUS_TOKEN"}
KEYS = {"api_key": "env:DD_API_KEY", "app_key": "env:DD_APP_KEY"}
MONITOR = {"id": 1, "type": "metric alert", "query": "avg(last_5m):a{*} > 1", "overall_state": "OK"}
STOPPED = b"<a><DBInstances><DBInstance><DBInstanceStatus>stopped</DBInstanceStatus></DBInstance></DBInstances></a>"


@pytest.fixture
def bench(tmp_path):
    made = Bench(tmp_path, {**CANARIES, "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE"})
    (tmp_path / "runbooks" / "registry").mkdir(parents=True)
    return made


def register(bench, **entries):
    numbered = enumerate(entries.items(), 1)
    registry = {f"MON-00{number}": {**ENTRY, "title": name.capitalize(), **entry} for number, (name, entry) in numbered}
    (bench.directory / "runbooks" / "registry" / "alerts.yml").write_text(yaml.safe_dump(registry))


def looks(name, **verification):
    return {"id": name, "name": name, "verify": [verification], "on_failure": "continue"}


def outcomes(ran):
    """How each verification came out, or why it did not pass."""
    ended = [event for event in ran.events if event["type"] == "verification.finished"]
    assert ended, ran.out + ran.err
    return {event["step"]: event["data"].get("reason", event["data"]["outcome"]) for event in ended}


def played(bench, secrets):
    """Whether each verification of the playbook holds, done by Ansible alone."""
    (bench.directory / "secrets.json").write_text(json.dumps(secrets))
    command = [Path(sys.executable).with_name("ansible-playbook"), "-i", bench.inventory]
    command += [bench.directory / "playbooks" / "RUN-900.yml", "-e", f"@{bench.directory / 'secrets.json'}"]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    environ |= {name: value for name, value in bench.environment.items() if name.startswith("AWS_")}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    tasks = {task.partition("]")[0]: task for task in done.stdout.split("\nTASK [")[1:]}
    judged = {name.split("/")[1]: task for name, task in tasks.items() if "/verify/1 |" in name}
    return {name: "\nok: [here]" in task for name, task in judged.items()}, done.stdout + done.stderr


@pytest.mark.live
def test_what_monitoring_says_is_what_passes(bench, tmp_path):
    # Given alerts, metrics and an instance that stand well, or not, or of which nobody knows
    (tmp_path / "monitoring").mkdir()
    nobody = f"http://127.0.0.1:{free_port()}"
    with (
        monitoring(tmp_path / "monitoring") as watched,
        FaultServer("slow") as slow,
        Datadog(MONITOR) as datadog,
        FaultServer(("200", {}, STOPPED)) as aws,
    ):
        register(
            bench,
            resolved={"alertname": "PoolHigh", "source": SOURCE},
            unreachable={"source": {**SOURCE, "alert": "PoolHigh", "prometheus": nobody}},
            slow={"source": {**SOURCE, "alert": "PoolHigh", "prometheus": slow.root}},
            monitor={"source": {"datadog": datadog.root, "monitor": 1, **KEYS}},
        )
        metric = {"from": "prometheus", "query": "pool_used", "that": "value < 50"}
        bench.hosts(here={"prometheus_url": watched.prometheus})
        checks = [
            looks("resolved", alert_resolved="MON-001"),
            looks("not-firing", alert_firing="MON-001"),
            looks("unreachable", alert_resolved="MON-002"),
            looks("slow", alert_resolved="MON-003", within="3s"),
            looks("monitor", alert_resolved="MON-004"),
            looks("metric", metric=metric),
            looks("too-much", metric={**metric, "that": "value < 5"}),
            looks("no-series", metric={**metric, "query": "misspelled"}),
            looks("instance", rds={"instance": "shop", "region": "eu-central-1", "url": aws.root}),
            step("shows", "env | grep AWS_", on_failure="continue"),
        ]
        bench.write(*checks)
        # When the runbook is done, its playbook is played by Ansible alone, and some of it is only looked at
        ran = bench.run()
        plain, output = played(bench, SECRETS)
        bench.write(*(check for check in checks if check["id"] in {"not-firing", "too-much"}))
        dry = bench.run("--dry-run")
    # Then each says how things stand, and it is the same in every way
    found = outcomes(ran)
    assert found == {
        "resolved": "passed",
        "not-firing": "PoolHigh is not firing",
        "unreachable": f"Prometheus at {nobody} cannot be asked: Connection refused",
        "slow": found["slow"],
        "monitor": "passed",
        "metric": "passed",
        "too-much": "value < 5 is not true: value = 10.0",
        "no-series": f"no data: Prometheus at {watched.prometheus} has no series for this query",
        "instance": "status == 'available' is not true: status = \"stopped\"",
        "shows": "passed",
    }
    assert any(words in found["slow"] for words in ("no answer within 2 s", "timed out on the host after 3s"))
    assert outcomes(dry) == {name: found[name] for name in ("not-firing", "too-much")}
    assert plain == {name: reason == "passed" for name, reason in found.items()}, output
    (printed,) = [event["data"]["result"]["stdout"] for event in ran.events if event["type"] == "action.finished"]
    assert "AWS_ACCESS_KEY_ID=AKIDEXAMPLE" in printed
    # And each secret was used, and is seen nowhere
    assert {request.headers["Authorization"] for request in slow.requests} == {f"Bearer {CANARIES['PROMETHEUS_TOKEN']}"}
    assert {request.headers["Dd-Api-Key"] for request in datadog.requests} == {CANARIES["DD_API_KEY"]}
    assert len(aws.requests) == len(datadog.requests) == 2
    kept = [path.read_bytes() for path in bench.state.rglob("*") if path.is_file()]
    shown = [text.encode() for text in (ran.out, ran.err, dry.out, dry.err, output)]
    assert [name for name, secret in CANARIES.items() if any(secret.encode() in text for text in kept + shown)] == []
