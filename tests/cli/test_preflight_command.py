"""`runbook preflight` says what a run would be refused for, and does nothing."""

from __future__ import annotations

import json
import re

import pytest

from runner.execution.preflight import Checked

PROBES = [
    {"name": "May log in", "command": "true", "verify": [{"exit": 0}]},
    {"name": "May signal", "command": "test 1", "verify": [{"exit": 0}]},
]
LOOK = ("preflight", "RUN-001", "-i", "inventory.yml")
FAILED = ("failed", {"rc": 1, "msg": "non-zero return code"})


@pytest.fixture
def production(library, ansible, monkeypatch):
    """A runbook with two prerequisites, and a host in production that is reached over SSH."""
    library(prerequisites=PROBES)
    ansible.environments = {"db1": "production"}
    real = ansible._hello
    ansible._hello = lambda job: {**real(job), "reach": {"db1": {"policy": {"max_hosts": 3}}}}
    monkeypatch.setattr(
        "runner.execution.preflight.preflight", lambda hosts, **_: [Checked("db1", ("reachable", "host key", "login"))]
    )
    return ansible


def untimed(text):
    return re.sub(r"^ *[0-9]+\.[0-9]s  ", "", text, flags=re.MULTILINE).splitlines()


def test_everything_is_told_what_is_good_and_what_is_missing(runbook, production):
    production.answers["prerequisite-1", "action"] = FAILED

    ran = runbook(*LOOK)

    assert (ran.code, ran.out.splitlines()[0].split()[0]) == (1, "failed")
    told = untimed(ran.err)
    assert told[1:6] == [
        "production: db1",
        "refused    reason: required is a reason; given is nothing",
        "ok       max_hosts: required is at most 3 hosts (says the inventory's policy); given is 1 host: db1",
        "refused    environment: required is the typed name production; given is nothing",
        "ok       db1: reachable, host key, login",
    ]
    assert "failed   May log in on db1" in told
    assert "passed   May signal on db1" in told


def test_with_what_is_wanted_it_is_green(runbook, production):
    ran = runbook(*LOOK, "--reason", "Why", "--environment", "production", "--json")

    *events, result = map(json.loads, ran.out.splitlines())
    rulings = [event["data"]["verdict"] for event in events if event["type"] == "guard.checked"]
    assert (ran.code, result["outcome"], rulings) == (0, "planned", ["met", "met", "met"])


def test_a_host_that_can_not_be_worked_on_is_what_a_run_would_say(runbook, production, monkeypatch):
    bad = Checked("db1", problem="db1 (10.0.0.1:22): no connection: Connection refused", hint="is sshd running there?")
    monkeypatch.setattr("runner.execution.preflight.preflight", lambda hosts, **_: [bad])

    ran = runbook(*LOOK)

    assert ran.code == 5
    assert ran.err.splitlines()[-2:] == [
        "error: db1 (10.0.0.1:22): no connection: Connection refused",
        "hint: is sshd running there?",
    ]
