"""`runbook urls` prints what Prometheus' rules need, and fails when existing rules lead nowhere."""

from __future__ import annotations

import json

import pytest
import yaml
from harness.collected import alert, collected


@pytest.fixture
def alerts(here):
    registry = alert("MON-001", title="Disk", alertname="DiskFull") + alert("MON-002", title="Other")
    collected(here, {}, a=registry)


def test_the_annotations_are_yaml_and_what_has_none_is_told(runbook, alerts):
    ran = runbook("urls", "--base-url", "https://x.example/{id}.html")

    assert (ran.code, ran.err) == (0, "without a URL: MON-002 Other: no runbook is for it\n")
    assert yaml.safe_load(ran.out) == {"DiskFull": {"annotations": {"runbook_url": "https://x.example/RUN-001.html"}}}


def test_as_json_and_with_the_base_from_the_environment(runbook, alerts, monkeypatch):
    monkeypatch.setenv("RUNBOOK_BASE_URL", "https://x.example")

    assert json.loads(runbook("urls", "--format", "json").out)[0] == {
        "id": "MON-001",
        "title": "Disk",
        "alertname": "DiskFull",
        "target": "RUN-001",
        "url": "https://x.example/RUN-001",
        "why": "",
    }


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "Error: --base-url (or RUNBOOK_BASE_URL) says where the runbooks are published"),
        (["--base-url", "runbooks"], "error: --base-url runbooks: is no URL"),
        (["--base-url", "https://"], "error: --base-url https://: is no URL"),
        (["--base-url", "https://x.example/{ID}"], "is no URL"),
        (["--base-url", "javascript:alert(1)"], "is no URL"),
        (["--check", "absent.yml"], "error: absent.yml cannot be read: No such file or directory"),
    ],
)
def test_what_makes_no_sense(runbook, alerts, words, told):
    ran = runbook("urls", *words)

    assert (ran.code, ran.out, told in ran.err) == (2, "", True)


def test_the_annotations_it_prints_pass_its_own_check(runbook, alerts, here):
    printed = yaml.safe_load(runbook("urls", "--base-url", "https://x.example").out)
    rules = [{"alert": name, "expr": "x", **rest} for name, rest in printed.items()]
    (here / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "g", "rules": rules}]}))

    ran = runbook("urls", "--base-url", "https://x.example", "--check", "rules.yml")

    assert (ran.code, ran.out, ran.err) == (0, "", "1 file, 0 findings\n")


def test_a_rule_without_a_url_is_an_error_in_each_file(runbook, alerts, here):
    for name in ("a.yml", "b.yml"):
        (here / name).write_text("groups: [{name: g, rules: [{alert: DiskFull, expr: x}]}]")

    ran = runbook("urls", "--check", "a.yml", "--check", "b.yml")

    assert (ran.code, [line.partition(": ")[0] for line in ran.out.splitlines()]) == (2, ["a.yml:1:29", "b.yml:1:29"])
    assert json.loads(runbook("urls", "--check", "a.yml", "--format", "json").out)[0]["rule"] == "no-runbook-url"
