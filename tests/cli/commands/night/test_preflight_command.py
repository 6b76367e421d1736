"""`runbook preflight` says what a run would be refused for, and does nothing."""

from __future__ import annotations

import json
import re

import pytest

from runner.executor.host_check import HostCheck

PROBES = [
    {"name": "May log in", "command": "test -d /", "verify": [{"exit": 0}]},
    {"name": "May signal", "command": "test -w /tmp", "verify": [{"exit": 0}]},
]
LOOK = ("preflight", "RUN-001", "-i", "inventory.yml")
FAILED = ("failed", {"rc": 1, "msg": "non-zero return code"})


@pytest.fixture
def production(library, ansible):
    """A runbook with two prerequisites, and a host in production that is reached over SSH."""
    library(prerequisites=PROBES)
    ansible.environments = {"db1": "production"}
    ansible.inventory["connection_facts"] = {"db1": {"policy": {"max_hosts": 3}}}
    ansible.checks["db1"] = HostCheck("db1", ("reachable", "host key", "login"))
    return ansible


def untimed(text):
    return re.sub(r"^ *[0-9]+\.[0-9]s  ", "", text, flags=re.MULTILINE).splitlines()


def test_everything_is_told_what_is_good_and_what_is_missing(runbook, production):
    production.answers["prerequisite-1", "action"] = FAILED

    ran = runbook(*LOOK)

    assert (ran.code, ran.out.splitlines()[:-1]) == (
        1,
        [
            "not ready  RUN-001 Disk is full would be refused for",
            "  Production needs a reason; you gave none",
            "  Production needs --environment production; you gave none",
            "  May log in on db1: failed",
        ],
    )
    told = untimed(ran.err)
    assert told[1:6] == [
        "production: db1",
        "refused    Production needs a reason; you gave none",
        "ok       The inventory's policy allows at most 3 hosts; this is a run on 1 host: db1",
        "refused    Production needs --environment production; you gave none",
        "ok       db1: reachable, host key, login",
    ]
    assert "failed   May log in on db1 (runbooks/RUN-001.yml:28)" in told
    assert "passed   May signal on db1" in told


def test_each_host_that_does_not_answer_has_a_line_of_its_own(runbook, production):
    production.checks["db1"] = HostCheck("db1", problem="db1: no connection\ndb1: and no login")

    ran = runbook(*LOOK, "--reason", "Why", "--environment", "production")

    assert ran.out.splitlines()[:3] == [
        "not ready  RUN-001 Disk is full would be refused for",
        "  db1: no connection",
        "  db1: and no login",
    ]


def test_with_what_is_wanted_it_is_green(runbook, production):
    ran = runbook(*LOOK, "--reason", "Why", "--environment", "production", "--json")

    *events, result = map(json.loads, ran.out.splitlines())
    rulings = [event["data"]["verdict"] for event in events if event["type"] == "guard.checked"]
    assert (ran.code, result["outcome"], rulings) == (0, "ready", ["met", "met", "met"])
    assert (result["refused_for"], result["not_callable"]) == ([], [])


def test_what_is_not_done_is_not_told(runbook, production):
    ran = runbook(*LOOK, "--reason", "Why", "--environment", "production")

    assert (ran.code, ran.out.splitlines()[0]) == (0, "ready  RUN-001 Disk is full can begin")
    assert untimed(ran.err)[1:] == [
        "production: db1",
        "ok       Production needs a reason; you gave Why",
        "ok       The inventory's policy allows at most 3 hosts; this is a run on 1 host: db1",
        "ok       Production needs --environment production; you gave production",
        "ok       db1: reachable, host key, login",
        "begins   May log in on db1",
        "ok       Exit code is 0 on db1",
        "passed   May log in on db1",
        "begins   May signal on db1",
        "ok       Exit code is 0 on db1",
        "passed   May signal on db1",
    ]


def test_only_a_guard_in_the_way_has_the_exit_code_of_a_refusal(runbook, production):
    looked, ran = runbook(*LOOK), runbook("run", *LOOK[1:])

    assert (looked.code, ran.code) == (4, 4)
    assert looked.out.splitlines()[:3] == [
        "not ready  RUN-001 Disk is full would be refused for",
        "  Production needs a reason; you gave none",
        "  Production needs --environment production; you gave none",
    ]


@pytest.mark.parametrize("value", [None, "", "k" * 31, "k" * 32])
def test_the_secrets_of_those_who_would_be_called_are_looked_for_and_never_told(
    runbook, production, here, monkeypatch, value
):
    (here / "runbooks" / "contacts.yml").write_text(
        "backend-team: {name: Backend}\n"
        "on-call: {name: On call, channels: [{pagerduty: {routing_key: env:PAGER_KEY}}]}\n"
    )
    monkeypatch.delenv("PAGER_KEY", raising=False)
    if value is not None:
        monkeypatch.setenv("PAGER_KEY", value)

    ran = runbook(*LOOK, "--reason", "Why", "--environment", "production")

    warnings = [line for line in ran.err.splitlines() if line.startswith("warning:")]
    missing = "the secret env:PAGER_KEY is missing or blank; set the environment variable PAGER_KEY"
    short = "env:PAGER_KEY has 31 characters, a PagerDuty routing key has 32"
    assert (ran.code, len(warnings)) == (0, 0 if value == "k" * 32 else 1)
    assert all((short if value else missing) in line for line in warnings)
    assert "kkkk" not in ran.out + ran.err


def test_a_host_that_can_not_be_worked_on_is_what_a_run_would_say(runbook, production):
    bad = HostCheck(
        "db1", problem="db1 (10.0.0.1:22): no connection: Connection refused", hint="is sshd running there?"
    )
    production.checks["db1"] = bad

    ran = runbook(*LOOK)

    assert ran.code == 5
    assert "  db1 (10.0.0.1:22): no connection: Connection refused" in ran.out.splitlines()
    assert ran.err.splitlines()[-1] == "hint: is sshd running there?"


def test_of_a_critical_run_it_says_whether_somebody_watches(runbook, library, ansible):
    library(severity="P1")

    alone, as_data = runbook(*LOOK), runbook(*LOOK, "--json")
    runbook("watch", "--once")
    watched = runbook(*LOOK)

    nobody = "no watch is running: should the command of a critical run die, nobody is called before the next command"
    assert f"watch    {nobody}" in alone.err.splitlines()
    assert json.loads(as_data.out.splitlines()[-1])["watch"] == nobody
    told = [line for line in watched.err.splitlines() if line.startswith("watch ")]
    assert [re.sub(r"\d+ s", "N s", line) for line in told] == ["watch    a watch looked N s ago"]


def test_who_has_no_channel_is_named_in_one_sentence(runbook, library, ansible):
    library(escalation={"when": ["step_failed"], "contacts": ["backend-team"], "provide": ["timeline"]})

    ran = runbook(*LOOK)

    assert "warning: not everybody could be called: backend-team has no channel to call for an incident\n" in ran.err
