"""Each kind that asks a service which is not there, is slow or answers nonsense fails, and says what was seen.

The hosts of the run are the faults: each asks a service of its own. `RUNBOOK_TEST_FAULTS=real` takes all of them, and
the time limits that a user has.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess

import pytest
from harness import PATIENCE
from harness.bench import Bench
from harness.fault_server import FaultServer

from runner.kinds import plugins

ALL = os.environ.get("RUNBOOK_TEST_FAULTS") == "real"
SILENCE = "no answer|[Tt]imed out"
FAULTS = {
    "nobody": "[Cc]onnection refused|Couldn't connect|Timeout when waiting for 127.0.0.1:9",
    "slow": SILENCE,
    "rst": "reset by peer",
    "html": "202",
    **(
        {
            **{status: status for status in ("400", "408", "429", "500", "503")},
            **dict.fromkeys(("drip", "drip-head", "accept_then_slow"), SILENCE),
            "accept_then_rst": "reset by peer",
            "redir": "302",
            "deep": "something else|not JSON",
            "garbage": "no answer|cannot be asked",
        }
        if ALL
        else {}
    ),
}
"""What is said of each fault, whichever kind has met it."""

URL, KEYS = "{{ service_url }}", {"api_key": "env:KEY", "app_key": "env:KEY"}
AWS = {"region": "eu-central-1", "url": URL}
HUB = {"github": "team/shop", "url": URL, "token": "{{ key }}"}
ONCALL = {"schedule": "PABC123", "token": "{{ key }}", "url": "http://127.0.0.1:{{ service_port }}"}
HTTP = {"http": URL, "that": ["status == 200", "json.good"]}
GOOD = {"that": "value > 0"}
FETCH = {"repository": "{{ clone }}", "checkout": "main", "fetch": "origin"}
LOOKS = {
    "prometheus-alert": ("Prometheus", {"alert_firing": {"prometheus": URL, "alert": "High", "data": "up"}}),
    "alertmanager": ("Alertmanager", {"alert_resolved": {"alertmanager": URL, "alert": "High"}}),
    "datadog-alert": ("Datadog", {"alert_resolved": {"datadog": URL, "monitor": 1, **KEYS}}),
    "prometheus": ("Prometheus", {"metric": {"from": "prometheus", "url": URL, "query": "up", **GOOD}}),
    "datadog": ("Datadog", {"metric": {"from": "datadog", "url": URL, "query": "a", **GOOD, **KEYS}}),
    "cloudwatch": ("AWS", {"metric": {"from": "cloudwatch", "query": "a", **GOOD, **AWS}}),
    "rds": ("AWS", {"rds": {"instance": "shop", **AWS}}),
    "oncall": ("", {"oncall": ONCALL}),
    "pipeline": ("", {"pipeline": {**HUB, "run": "7"}}),
    "http": ("", HTTP),
    "certificate": ("certificate", {"certificate": {"address": "127.0.0.1:{{ raw_port }}"}}),
    "sql": ("psql", {"sql": "SELECT 1 AS one", "that": "row.one == 1"}),
}
"""Verifications that ask somebody, and who that is in the sentence."""

ACTS = {
    "git-fetch": ("origin", {"git": FETCH}, {"exit": 0}),
    "http-sent": ("", {"http": URL}, {"that": ["status == 200", "json.good"]}),
    "pipeline-begun": ("", {"pipeline": {**HUB, "workflow": "a.yml", "ref": "main"}}, {"that": "status == 200"}),
    "sql-done": ("psql", {"sql": "SELECT 1 AS one"}, {"that": "row.one == 1"}),
    "waits": ("", {"wait": {"port": 9}}, {"that": "result.elapsed < 1"}),
}
"""The same of steps, each with a verification that nothing passes."""

NO_HTTP = {"certificate", "git-fetch", "sql", "sql-done"}
"""What speaks another protocol, and is asked where nobody is, or nobody answers."""


def test_it_is_asked_of_each_kind_that_asks_a_service():
    kinds = {*plugins.verifications(), *(f"step {kind}" for kind in plugins.steps())}
    asked = {key for _, looks in LOOKS.values() for key in looks}
    asked |= {f"step {key}" for _, acts, _ in ACTS.values() for key in acts}
    of_the_host = {"command", "disk", "file", "port", "process", "service", "confirm"}
    judge = {"baseline", "exit", "hold_for", "json", "matches", "trend"}
    others = {"announce", "command", "look", "manual", "module", "role", "run", "script", "shell", "tasks"}
    assert kinds - asked == of_the_host | judge | {f"step {kind}" for kind in others}


def steps():
    """Each look and each act, with a limit that is short where nobody will ever answer."""
    for name, (_, looks) in LOOKS.items():
        around = {"id": name, "name": name.capitalize(), "on_failure": "continue"}
        yield {**around, "hosts": hosts(name), "verify": [looks]}
        if not ALL or name in NO_HTTP:
            yield {**around, "id": f"{name}-slow", "hosts": "slow", "verify": [{**looks, "within": "1s"}]}
    for name, (_, acts, verify) in ACTS.items():
        around = {"id": name, "name": name.capitalize(), "verify": [verify], "on_failure": "continue", **acts}
        yield {**around, "hosts": hosts(name), "timeout": "2s" if name == "waits" else "20s"}
        if name != "waits":
            yield {**around, "id": f"{name}-slow", "hosts": "slow", "timeout": "2s"}


def hosts(name):
    return (
        "nobody"
        if name in NO_HTTP | {"waits"}
        else ":".join(fault for fault in FAULTS if (ALL and name in LOOKS) or fault != "slow")
    )


@pytest.fixture
def bench(tmp_path):
    """A host for each fault, with the address of its service, and a clone of a repository that is there."""
    made = Bench(tmp_path, {"KEY": "canary", "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "canary"})
    with contextlib.ExitStack() as stack:
        silent = stack.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1]
        found = {}
        for fault in FAULTS:
            mode = ("200", {}, b"[" * 60_000) if fault == "deep" else fault
            port = 9 if fault == "nobody" else stack.enter_context(FaultServer(mode)).port
            raw, clone = silent if fault == "slow" else port, tmp_path / f"clone-{fault}"
            subprocess.run(["git", "init", "-q", "-b", "main", clone], check=True)
            origin = f"http://127.0.0.1:{port}/shop.git"
            subprocess.run(["git", "-C", clone, "remote", "add", "origin", origin], check=True)
            found[fault] = {
                "service_port": port,
                "service_url": f"http://127.0.0.1:{port}",
                "raw_port": raw,
                "clone": str(clone),
                "runbook_sql": {"PGHOST": "127.0.0.1", "PGPORT": str(raw), "PGUSER": "shop"},
            }
        made.hosts(**found)
        yield made


@pytest.mark.live
def test_it_fails_and_says_who_was_asked_and_what_was_seen(bench):
    # Given
    bench.write(*steps(), inputs={"key": {"type": "secret", "default": "env:KEY", "help": "A token"}})
    # When every service is asked by every kind
    ran = bench.run(patience=5 * PATIENCE if ALL else PATIENCE)
    # Then each has failed
    ended = [event for event in ran.events if event["type"] == "step.finished"]
    expected = {f"{name}@{fault}" for name in (*LOOKS, *ACTS) for fault in FAULTS if reaches(name, fault)}
    told = {f"{event['step'].removesuffix('-slow')}@{event['host']}": event["data"] for event in ended}
    assert set(told) == expected, ran.err
    assert {name: data for name, data in told.items() if data["outcome"] != "failed"} == {}
    # And says in its words what was seen, of whom
    said = {name: data["reason"] for name, data in told.items()}
    whom = {name: who for name, (who, *_) in {**LOOKS, **ACTS}.items()}
    wrong = {
        name: reason
        for name, reason in said.items()
        if not re.search(FAULTS[name.partition("@")[2]], reason)
        or (whom[name.partition("@")[0]] not in reason and not re.search("[Tt]imed out|no answer within", reason))
    }
    assert wrong == {}
    assert "canary" not in ran.out + ran.err


def reaches(name, fault):
    return fault in hosts(name).split(":") or (fault == "slow" and name != "waits")
