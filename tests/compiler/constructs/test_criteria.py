"""Criteria are all looked at, on all hosts, before one that is not met ends the play and names every one of them."""

from __future__ import annotations

import yaml
from harness.engine import change
from harness.fakes import runbook_file
from harness.registry_files import write_registry

from runner.compiler.committed_playbook import compiled
from runner.core.events import EventType
from runner.library.library import Library

NAMED = [{"criteria": ["DEP-002", "DEP-003", "DEP-004"]}]


def test_after_the_last_that_a_machine_looks_at_none_may_be_unmet(tmp_path):
    write_registry(tmp_path)
    source = Library(tmp_path).source(str(runbook_file(tmp_path, hosts="all", prerequisites=NAMED)))

    tasks = yaml.safe_load(compiled(source))[0]["tasks"]

    parts = [task["name"].partition(" | ")[0].removeprefix("RUN-001/") for task in tasks[:7]]
    assert parts[:6] == [
        "prerequisite-1",
        "prerequisite-2/guard",
        "prerequisite-2",
        "prerequisite-2/criteria",
        "prerequisite-3/guard",
        "prerequisite-3/gate",
    ]
    assert tasks[3]["tags"] == ["step-prerequisite-1", "step-prerequisite-2"]
    remembered = [tasks[number]["rescue"][0]["ansible.builtin.set_fact"]["runbook_unmet"] for number in (0, 2)]
    assert remembered == [f"{{{{ runbook_unmet | default([]) + ['{name}'] }}}}" for name in ("DEP-002", "DEP-003")]


def test_a_run_names_every_blocker_and_begins_nothing(engine):
    write_registry(engine.directory)
    for step in ("prerequisite-1", "prerequisite-2"):
        engine.ansible.answers[step, "verify/1"] = ("failed", {"assertion": "rc == 0", "msg": "no"})

    result = engine.run(change("act"), hosts="all", prerequisites=NAMED)

    ended = {record.step: record.data["outcome"] for record in engine.records if record.type == EventType.STEP_FINISHED}
    assert ended["prerequisite-1"] == ended["prerequisite-2"] == "failed"
    assert (engine.done("db1"), engine.operator.asked) == ([], [])
    for name in ("DEP-002: All tests pass", "DEP-003: No blockers"):
        assert name in result.report.read_text()
        assert name in result.happened
