"""Each task of a role or a file is in the record of the step that imports it, and the step ends as they do."""

from __future__ import annotations

import pytest
from harness.engine import FAILED, LOST, Engine
from harness.fake_run import Killed

from runner.core.events import EventType
from runner.core.step_tags import step_tag
from runner.orchestrator.run_environment import GateAnswer

PLACE = "playbooks/roles/web/tasks/main.yml:1"
LOOKS = {"says": "It answers", "command": "ls /web"}


@pytest.fixture
def engine(tmp_path, monkeypatch):
    role = tmp_path / "playbooks" / "roles" / "web" / "tasks"
    role.mkdir(parents=True)
    (role / "main.yml").write_text(
        "- name: Install\n  ansible.builtin.apt: {name: nginx}\n"
        "- name: Start\n  ansible.builtin.service: {name: nginx, state: started}\n"
    )
    return Engine(tmp_path, monkeypatch)


WEB = {"id": "web", "name": "Set up", "effect": "change", "role": "web", "verify": [LOOKS], "on_failure": "stop"}


def told(engine):
    """What is recorded of the step, each with what tells it from the others."""
    kept = ("task", "place", "part", "outcome", "reason")
    return [
        (record.type, {key: record.data[key] for key in kept if key in record.data})
        for record in engine.records
        if record.step == "web" and record.type != EventType.VERIFICATION_FINISHED
    ]


def task(name, **data):
    return {"task": name, "place": PLACE, **data}


def test_each_task_has_an_intent_and_a_result_and_the_step_passes_after_the_last(engine):
    assert engine.run(WEB).outcome == "passed"
    assert told(engine) == [
        (EventType.STEP_INTENDED, {}),
        (EventType.TASK_INTENDED, task("Install")),
        (EventType.TASK_FINISHED, task("Install", part="task", outcome="passed")),
        (EventType.TASK_INTENDED, task("Start")),
        (EventType.TASK_FINISHED, task("Start", part="task", outcome="passed")),
        (EventType.ACTION_FINISHED, {"part": "action", "outcome": "passed"}),
        (EventType.STEP_FINISHED, {"outcome": "passed"}),
    ]


def test_a_task_that_failed_is_why_the_step_failed_with_its_file_and_line(engine):
    engine.ansible.answers["web", "Start"] = FAILED
    reason = f"Start ({PLACE}): exit code 1"
    assert engine.run(WEB).outcome == "failed"
    assert told(engine)[-3:] == [
        (EventType.TASK_FINISHED, task("Start", part="task", outcome="failed", reason="exit code 1")),
        (EventType.ACTION_FINISHED, {"part": "action", "outcome": "failed", "reason": reason}),
        (EventType.STEP_FINISHED, {"outcome": "failed", "reason": reason}),
    ]
    assert f"failed: Start ({PLACE}): exit code 1" in (engine.directory_of_the_run.path / "report.md").read_text()


def test_a_task_that_ended_without_an_answer_leaves_the_step_unknown(engine):
    engine.ansible.answers["web", "Start"] = ("failed", {"module_stdout": "", "msg": "killed"})
    assert engine.run(WEB).outcome == "unknown"


def test_a_host_that_is_lost_within_is_unreachable(engine):
    engine.ansible.answers["web", "Install"] = LOST
    assert engine.run(WEB).outcome == "unreachable"
    assert engine.outcomes == {("web", "db1"): "unreachable"}


def test_after_a_failure_all_of_it_is_done_again_where_that_is_said(engine):
    engine.ansible.answers["web", "Start"] = FAILED
    engine.run({**WEB, "idempotent": True})
    del engine.ansible.answers["web", "Start"]
    assert engine.resume().outcome == "passed"
    assert engine.ansible.calls[-1][0] == (step_tag("web"),)
    assert [data["task"] for kind, data in told(engine) if kind == EventType.TASK_INTENDED] == ["Install", "Start"] * 2


def die(_host):
    raise Killed


@pytest.mark.parametrize("decision", ["done", "redo"])
@pytest.mark.parametrize("at", ["Install", "Start"])
def test_a_command_that_died_within_leaves_it_to_a_person_whatever_is_verified_by_then(engine, at, decision):
    engine.ansible.answers["web", at] = die
    with pytest.raises(Killed):
        engine.run(WEB)
    engine.ansible.answers.clear()
    engine.operator.answers["web"] = GateAnswer(yes=False, by="alice")
    asked = engine.resume()
    assert asked.problems[0].startswith("web is in doubt on db1")
    resumed = engine.resume(**{decision: ["web"]})
    assert resumed.outcome == "passed"
    tasks = [data["task"] for kind, data in told(engine) if kind == EventType.TASK_INTENDED]
    first = ["Install", "Start"][: 1 + (at == "Start")]
    assert tasks == first + (["Install", "Start"] if decision == "redo" else [])


@pytest.mark.parametrize("skipped", [["Install"], ["Install", "Start"]])
def test_that_every_task_was_skipped_is_said_of_a_step_that_passes(engine, skipped):
    for name in skipped:
        engine.ansible.answers["web", name] = ("skipped", {"skip_reason": "Conditional result was False"})
    assert engine.run(WEB).outcome == "passed"
    said = {"reason": "nothing was done: each of its tasks was skipped"} if len(skipped) > 1 else {}
    assert told(engine)[-2] == (EventType.ACTION_FINISHED, {"part": "action", "outcome": "passed", **said})
