"""The guards with Ansible for real: hosts that are missing, production, protection, the proof of staging.

`RUNBOOK_SINGLY=yes` tries each way to mean a host that is missing.
"""

from __future__ import annotations

import json
import os

import pytest
import yaml
from harness.bench import step

PRODUCTION = ("--reason", "The pool is full", "--environment", "production")


def groups(bench, *, policy=None, **hosts):
    """An inventory with a group `db` of these hosts, and an empty one `spare`."""
    bench.hosts(**(hosts or {"db1": {}, "db2": {}}))
    written = yaml.safe_load(bench.inventory.read_text())["all"]["hosts"]
    children = {"db": {"hosts": written}, "spare": {}}
    bench.inventory.write_text(yaml.safe_dump({"all": {"children": children, "vars": policy or {}}}))


def made(bench):
    return sorted(path.name for path in bench.directory.glob("made-*"))


@pytest.fixture
def marking(bench):
    """A runbook that leaves a file for each host on which it was done."""

    def write(**changes):
        bench.write(step("act", f"touch {bench.directory}/made-{{{{ inventory_hostname }}}}"), **changes)

    return write


MISSING = [
    ("db", ("-l", "db1,db9"), "the inventory has no host for 'db9', named by --limit"),
    ("db:spare", (), "the inventory has no host for 'spare', named by RUN-900 in 'db:spare'"),
    ("db1", ("-l", "db1,db2"), "--limit names db2, where RUN-900 has no host to work on"),
    ("db", ("-l", "db9"), "the inventory and --limit db9 leave no host"),
]
"""What comes after the first two is shown in tests/executor as well (test_target.py, test_ansible_executor.py)."""


@pytest.mark.parametrize(
    ("hosts", "words", "problem"), MISSING if os.environ.get("RUNBOOK_SINGLY") == "yes" else MISSING[:2]
)
def test_fewer_hosts_than_somebody_meant_are_refused_by_name_and_nothing_is_done(bench, marking, hosts, words, problem):
    groups(bench)
    marking(hosts=hosts)

    ran = bench.run(*words)

    assert (ran.code, ran.events[-1]["problems"], made(bench)) == (5, [problem], []), ran.err
    assert "Exception" not in ran.err


def test_an_exclusion_that_leaves_out_a_host_that_is_there_is_fine(bench, marking):
    groups(bench)
    marking(hosts="db:!spare")

    assert (bench.run("-l", "all:!db1").code, made(bench)) == (0, ["made-db2"])


def test_production_is_refused_without_its_ceremony_and_done_with_it(bench, marking):
    groups(bench, db1={"runbook_environment": "production"}, db2={})
    marking(hosts="db")

    refused, wrong = bench.run("--reason", "Why"), bench.run("--reason", "Why", "--environment", "local")
    before = made(bench)
    done = bench.run(*PRODUCTION)

    assert (refused.code, wrong.code, before, done.code) == (4, 4, [], 0), done.err
    assert made(bench) == ["made-db1", "made-db2"]
    assert bench.command("audit", "verify").code == 0


def test_what_only_an_inventory_script_sets_is_known_to_the_lint_of_a_production_run(bench):
    bench.hosts(db1={"runbook_environment": "production", "app_url": "http://127.0.0.1:1"})
    hosts = yaml.safe_load(bench.inventory.read_text())["all"]["hosts"]
    answer = {"all": {"hosts": [*hosts]}, "_meta": {"hostvars": hosts}}
    bench.inventory.write_text(f"#!/bin/sh\necho '{json.dumps(answer)}'\n")
    bench.inventory.chmod(0o755)
    bench.write(step("act", "echo {{ app_url }}"))

    ran = bench.run(*PRODUCTION)

    assert (ran.code, "lint" in ran.out + ran.err) == (0, False), ran.out


def test_a_policy_of_group_vars_is_kept_and_a_protected_host_is_left_alone(bench, marking):
    groups(bench, policy={"runbook_policy": {"max_hosts": 1}}, db1={}, db2={"runbook_protected": "Holds the ledger"})
    marking(hosts="db")

    all_of_them, group, by_name = bench.run(), bench.run("-l", "db[1]"), bench.run("-l", "db2", "--reason", "Why")

    assert (all_of_them.code, group.code, by_name.code) == (4, 4, 0), by_name.err
    assert made(bench) == ["made-db2"]
    assert "The inventory's policy allows at most 1 host" in all_of_them.events[-1]["problems"][0]
    assert "(Holds the ledger)" in group.events[-1]["problems"][0]


def test_a_variable_that_one_host_lacks_refuses_the_run_before_its_first_step(bench):
    # Given an address that only one of two hosts has, for the last verification, and for a step that is not needed
    bench.hosts(db1={"url": "http://127.0.0.1:1"}, db2={})
    late = {
        "says": "It answers",
        "metric": {"from": "prometheus", "url": "{{ url }}", "query": "up", "that": "value > 0"},
    }
    tag = step("tag", "echo {{ place }}", only_if="place | default('') != ''")
    bench.write(step("act", f"touch {bench.directory}/made-1"), tag, step("look", "ls", verify=[late]))

    ended = bench.run()

    assert (ended.code, made(bench)) == (2, []), ended.err
    assert "url is not set for db2, and look cannot do without" in ended.out
    assert "set it in the group_vars or host_vars of the inventory" in ended.out
