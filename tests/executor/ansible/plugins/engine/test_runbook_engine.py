"""The fast engine gives the same record as Ansible as it comes: events, evidence, values, outcomes, exit codes."""

from __future__ import annotations

import json
import re

import pytest
from harness.bench import Bench, step

HOSTS = ("a", "b")
VOLATILE = {
    "start",
    "end",
    "delta",
    "deadline",
    "attempt",
    "attempts",
    "samples",
    "trend",
    "manifest_sha256",
    "process",
    "evidence",
    "engine",
}
"""What two runs of the same have otherwise, whoever does them."""


def read(name, shell, **keys):
    asked = step(name, shell, **{"effect": "read", "on_failure": "continue", **keys})
    return {key: value for key, value in asked.items() if value}


STEPS = [
    read("words", "", command="printf '%s|' one 'two three' \"four\"", capture={"words": "stdout"}),
    read(
        "keeps",
        "echo {{ words | length }} {{ inventory_hostname }}",
        verify=[{"that": "stdout == '19 ' + inventory_hostname"}],
    ),
    read("fails", "echo out; echo err >&2; exit 7"),
    read("absent", "", command="no-such-program"),
    read("refused", "", command="/etc/passwd"),
    read("nowhere", "true", chdir="/no/such/directory"),
    read("environment", "echo $GIVEN", env={"GIVEN": "{{ 'a b' }} $HOME 'x'"}, capture={"given": "stdout"}),
    read("bytes", r"printf '\377\376 text'; printf '\377' >&2"),
    read("much", "yes | head -c 300000"),
    read("undefined", "", command="echo {{ words.nothing.there }}"),
    read("broken", "true", verify=[{"that": "words.nothing.there"}]),
    read("half", "test {{ inventory_hostname }} != b"),
    read(
        "until",
        "true",
        verify=[{"command": "test {{ inventory_hostname }} = a", "exit": 0, "within": "600ms", "every": "200ms"}],
    ),
    read(
        "holds",
        "true",
        verify=[{"command": "echo 5", "that": "stdout | int < 6", "hold_for": "600ms", "every": "200ms"}],
    ),
    read("slow", "sleep 5", timeout="500ms"),
    read("signalled", "kill -TERM $$"),
    read("input", "", command="cat", stdin="line one\nline two"),
    read("needed", "true", only_if="inventory_hostname == 'b'"),
    read("module", "", module={"ansible.builtin.stat": {"path": "/"}}, verify=[{"that": "result.stat.exists"}]),
    read("last", "echo $RUNBOOK_ATTEMPT | cut -d/ -f2"),
]


def without_volatile(value, names=()):
    if isinstance(value, dict):
        return {key: without_volatile(item, names) for key, item in sorted(value.items()) if key not in VOLATILE}
    if isinstance(value, list):
        return [without_volatile(item, names) for item in value]
    return re.sub("|".join(names), "NAME", value) if isinstance(value, str) and names else value


class Record:
    """What a run has left, as far as two runs can be the same."""

    def __init__(self, ran, state):
        self.code, self.complaint = ran.code, ran.err
        run = next((state / "runs").iterdir())
        names = [run.name, re.escape(str(state)), r"evidence/\d+", r"after \d+ samples"]
        events = [json.loads(line) for line in (state / "audit" / "audit.jsonl").read_text().splitlines()]
        self.events = sorted(
            json.dumps([event["type"], event.get("step"), without_volatile(event["data"], names)]) for event in events
        )
        self.engines = [
            event["data"]["runbook"]["engine"] for event in events if event["type"] == "runbook.span.finished"
        ]
        self.evidence = {
            path.name.partition("-")[2]: without_volatile(json.loads(path.read_text()), names)
            for path in sorted((run / "evidence").glob("*.json"))
        }


@pytest.mark.live
def test_both_engines_leave_the_same_record(tmp_path):
    # Given steps of all kinds on three hosts, many of which fail
    records = {}
    for engine in ("stock", "fast"):
        bench = Bench(tmp_path, {"RUNBOOK_ENGINE": engine}, elsewhere=tmp_path / engine)
        bench.hosts(**{name: {} for name in HOSTS})
        bench.write(*STEPS, max_failures=3)
        # When they are done by Ansible as it comes, and by the fast engine
        records[engine] = Record(bench.run(patience=300), bench.state)
    # Then all that is recorded is the same, but who has done the tasks
    stock, fast = records["stock"], records["fast"]
    assert (stock.code, stock.events, stock.evidence) == (fast.code, fast.events, fast.evidence)
    assert len(stock.evidence) > len(STEPS), stock.complaint
    assert stock.engines == [{"name": "stock"}]
    assert [(each["name"], each["stock"]) for each in fast.engines] == [("fast", {"ansible.builtin.stat": 2})]
