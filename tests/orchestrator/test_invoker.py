"""What a run hears, asks and says has no secret in it; what held one is no value for a later step."""

from __future__ import annotations

import pytest
from harness.engine import FAILED, NOBODY, change

from runner.core.errors import ExecutionError
from runner.core.events import EventType
from runner.orchestrator.run_environment import GateAnswer

SECRET = "hunter2!"
TAKES = {"key": {"type": "secret", "help": "The key"}}


@pytest.fixture
def asked():
    return {"takes": TAKES, "inputs": {"key": "env:KEY"}, "secrets": {"key": SECRET}}


def files_with(directory, text):
    files = [path for path in directory.rglob("*") if path.is_file()]
    assert files
    return [path.name for path in files if text.encode() in path.read_bytes()]


def of_type(engine, kind):
    return [record.data for record in engine.records if record.type == kind]


def test_ansible_is_told_where_it_is_and_beside_that_what_it_is(engine, asked):
    jobs = []
    real = engine.ansible.execute
    engine.ansible.execute = lambda job, *words, **options: jobs.append(job) or real(job, *words, **options)

    engine.run(change("one"), **asked)

    assert (dict(jobs[0].inputs), dict(jobs[0].secrets)) == ({"key": "env:KEY"}, {"key": SECRET})
    assert SECRET not in f"{jobs[0]!r} {engine.asked_for!r}"


def test_what_hosts_answer_is_redacted_before_anybody_learns_of_it(engine, asked):
    told = f"login {SECRET} refused"
    engine.ansible.answers["one", "action"] = (
        "failed",
        {"rc": 1, "msg": told, "stderr": told, "cmd": ["login", SECRET]},
    )

    engine.run(change("one"), **asked)

    (action,) = of_type(engine, EventType.ACTION_FINISHED)
    assert action["reason"] == "login *** refused: login *** refused"
    assert action["result"]["stderr"] == "login *** refused"
    assert [event for event in engine.heard if SECRET in str(event)] == []
    assert files_with(engine.env.state.path, SECRET) == []
    assert of_type(engine, EventType.INPUTS_GIVEN)[0]["inputs"] == {"key": "env:KEY"}
    # Already where nothing more is known of a run that has died: a resume needs it.
    assert of_type(engine, EventType.RUN_STARTED)[0]["inputs"] == {"key": "env:KEY"}
    assert engine.state["inputs"] == {"key": "env:KEY"}


def test_a_page_has_none(engine, asked):
    engine.ansible.answers["one", "action"] = ("failed", {"rc": 1, "msg": f"login {SECRET} refused"})
    policy = {**NOBODY, "when": ["step_failed"], "provide": ["failure", "key"]}

    engine.run(change("one", on_failure="escalate"), **asked, escalation=policy)

    (page,) = engine.channel.sent
    assert "login *** refused" in str(page.details["failure"])
    assert page.details["key"] == "env:KEY"
    assert SECRET not in str(page)


def test_what_a_person_types_has_none_either(engine, asked):
    said = GateAnswer(yes=False, by="alice", note=f"{SECRET} is wrong", declared=f"{SECRET} has leaked")
    engine.operator.answers["one"] = said

    engine.run(change("one", approve="Go?"), **asked)

    assert engine.channel.sent[0].summary.endswith(": declared: *** has leaked")
    assert of_type(engine, EventType.GATE_ANSWERED)[0]["note"] == "*** is wrong"
    assert of_type(engine, EventType.ESCALATION_DECLARED)[0]["declared"] == "*** has leaked"
    assert files_with(engine.env.state.path, SECRET) == []


def test_neither_has_the_question_that_others_see(engine, asked):
    engine.operator.answers["one"] = GateAnswer(yes=True, by="alice", note=f"{SECRET} is right")

    engine.run(change("one", approve="Go?", command="login", env={"KEY": "{{ key }}"}), **asked)

    assert of_type(engine, EventType.GATE_ANSWERED)[0]["note"] == "*** is right"
    assert files_with(engine.env.state.path, SECRET) == []
    assert files_with(engine.env.state.path, "*** is right") != []


def test_a_captured_value_that_held_one_is_no_value_for_a_later_step(engine, asked):
    facts = {"ansible_facts": {"line": f"key={SECRET}", "size": 3}}
    engine.ansible.answers["one", "capture"] = ("ok", facts)
    seen = []
    real = engine.ansible.execute
    engine.ansible.execute = lambda job, part, **options: seen.append(dict(part.captured)) or real(job, part, **options)

    engine.run(change("one", capture={"line": "stdout", "size": "rc"}), change("two", approve="Go?"), **asked)

    assert seen[1] == {"db1": {"size": 3}}
    assert of_type(engine, EventType.VALUES_CAPTURED) == [
        {"values": {"line": "key=***", "size": 3}, "withheld": ["line"]}
    ]
    assert engine.state["captured"] == {"db1": {"size": 3}}


@pytest.mark.parametrize(
    ("keys", "used"),
    [
        ({"command": "echo {{ line | default('nothing') }}"}, True),
        ({"only_if": "line is defined"}, True),
        ({"command": "echo {{ size }}", "why": "To see the line"}, False),
    ],
    ids=str,
)
def test_a_later_part_is_not_done_with_something_else_than_what_was_captured(engine, asked, keys, used):
    # Given a step that captures a secret, and one that is done after somebody was asked
    engine.ansible.answers["one", "capture"] = ("ok", {"ansible_facts": {"line": f"key={SECRET}", "size": 3}})
    first = change("one", capture={"line": "stdout", "size": "rc"})

    # When the run comes to it
    result = engine.run(first, change("two", **{"approve": "Go?", **keys}), **asked)

    # Then nothing of it is done, if it would take something else for what was captured
    told = "the step two uses line, which held a secret when it was captured, and is not kept"
    assert result.problems == ((told,) if used else ())
    begun = [record.step for record in engine.records if record.type == EventType.STEP_INTENDED]
    assert begun == ["one"] + ([] if used else ["two"])


def test_an_error_in_ansibles_own_words_has_none(engine, asked):
    def die(*_, **__):
        raise ExecutionError(f"Ansible stopped: {SECRET}", hint=f"mend {SECRET}")

    engine.ansible.execute = die

    result = engine.run(change("one"), **asked)

    assert (result.problems, result.hint) == (("Ansible stopped: ***",), "mend ***")
    assert files_with(engine.env.state.path, SECRET) == []


@pytest.mark.parametrize("secret", ["action", "stdout", "passed", "values", "outcome", "hosts", "verify/1", "change"])
def test_a_secret_that_is_spelled_like_a_word_of_ours_takes_nothing_away(engine, asked, secret):
    asked["secrets"] = {"key": secret}
    engine.ansible.answers["two", "action"] = FAILED

    result = engine.run(change("one", capture={"stdout_": "stdout"}), change("two"), **asked)

    assert (result.outcome, engine.outcomes) == ("failed", {("one", "db1"): "passed", ("two", "db1"): "failed"})
    engine.ansible.answers.clear()
    resumed = engine.resume()
    assert (resumed.outcome, resumed.problems) == ("passed", ())


def test_a_host_that_is_none_of_the_inventory_stops_the_run_before_its_first_step(engine):
    engine.ansible.names = ["db1"]

    result = engine.run(change("one"), takes={"node": {"type": "host", "help": "A"}}, inputs={"node": "db2"})

    assert (result.exit_code, engine.done("db1")) == (2, [])
    assert result.problems == ("-e node=db2: the inventory has no such host",)
