"""A diagnosis is read as plain steps: what it asks, which branch is taken, and the steps of each branch."""

from __future__ import annotations

import re
from datetime import date

import pytest
import yaml
from harness.engine import FAILED, change
from harness.fakes import runbook_file

from runner.library.library import Library
from runner.lint.engine import lint
from runner.model.procedure.step_numbers import labels
from runner.model.yaml.finding import InvalidFileError

LOOKS = {"command": "pgrep -c lock", "that": "stdout | int > 3"}
DIAGNOSIS = {
    "id": "find-cause",
    "name": "Why is it slow?",
    "within": "30s",
    "decide": [
        {
            "if": {"sql": "SELECT count(*) AS n FROM locks", "that": "row.n > 0"},
            "says": "Locked",
            "then": [change("unlock")],
        },
        {"if": "used > 90", "stop": "The pool is full; add a server"},
        {"if": LOOKS, "says": "Crowded", "then": [change("thin", only_if="wide"), change("look")]},
        {"else": "nothing"},
    ],
}
USED = change("measure", capture={"used": "stdout | int"})


@pytest.fixture
def read(tmp_path):
    """The runbook with these steps; or its faults, each with its line."""

    def reads(*steps):
        path = runbook_file(tmp_path, steps=[USED, *steps])
        return Library(tmp_path).source(str(path)).runbook

    return reads


@pytest.fixture
def faults(read):
    def found(*steps):
        with pytest.raises(InvalidFileError) as caught:
            read(*steps)
        return [each.message for each in caught.value.findings]

    return found


def test_each_question_is_a_step_that_looks_and_only_where_nothing_before_it_holds(read):
    steps = {step.id: step for step in read(DIAGNOSIS).steps}

    first, third = steps["find-cause-a"], steps["find-cause-c"]
    assert (first.name, str(first.effect), first.only_if, first.timeout.seconds) == ("Locked?", "read", None, 15)
    assert first.capture == {"find_cause_a": "row.n > 0"}
    assert third.capture == {"find_cause_c": "stdout | int > 3"}
    assert third.only_if == "not (find_cause_a | default(false)) and not (used > 90)"


def test_the_first_branch_that_holds_is_taken_and_its_steps_are_needed_only_there(read):
    steps = {step.id: step for step in read(DIAGNOSIS).steps}

    assert steps["find-cause"].capture == {
        "find_cause": "'a' if (find_cause_a | default(false)) else 'b' if (used > 90)"
        " else 'c' if (find_cause_c | default(false)) else 'd'"
    }
    needed = {name: steps[name].only_if for name in ("unlock", "find-cause-b-ends", "thin", "look")}
    assert needed == {
        "unlock": "find_cause == 'a'",
        "find-cause-b-ends": "find_cause == 'b'",
        "thin": "(find_cause == 'c') and (wide)",
        "look": "find_cause == 'c'",
    }


def test_the_steps_are_numbered_as_a_tree(read):
    steps = read(DIAGNOSIS, change("after")).steps
    assert list(zip(labels(steps), (step.id for step in steps), strict=True)) == [
        ("1", "measure"),
        ("2a", "find-cause-a"),
        ("2c", "find-cause-c"),
        ("2", "find-cause"),
        ("2a.1", "unlock"),
        ("2b.1", "find-cause-b-ends"),
        ("2c.1", "thin"),
        ("2c.2", "look"),
        ("3", "after"),
    ]


def test_a_diagnosis_within_a_branch_is_only_made_there(read):
    inner = {
        "id": "inner",
        "name": "And?",
        "decide": [{"if": LOOKS, "then": [change("deep")]}, {"else": {"stop": "No"}}],
    }
    outer = {
        "id": "outer",
        "name": "Which?",
        "only_if": "wide",
        "decide": [{"if": "used > 1", "then": [inner]}, {"else": "nothing"}],
    }

    read_steps = read(outer).steps
    steps = {step.id: (step.only_if, label) for step, label in zip(read_steps, labels(read_steps), strict=True)}

    assert steps == {
        "measure": (None, "1"),
        "outer": ("wide", "2"),
        "inner-a": ("(wide) and (outer == 'a')", "2a.1a"),
        "inner": ("(wide) and (outer == 'a')", "2a.1"),
        "deep": ("((wide) and (outer == 'a')) and (inner == 'a')", "2a.1a.1"),
        "inner-b-ends": ("((wide) and (outer == 'a')) and (inner == 'b')", "2a.1b.1"),
    }


@pytest.mark.parametrize(
    ("probe", "condition", "codes"),
    [
        ({"command": "pgrep nginx"}, "rc == 0", (0, 1)),
        ({"command": "systemctl is-active nginx", "exit": [3, 4]}, "rc in [3, 4]", (0, 1, 3, 4)),
        ({"command": "check", "that": "rc > 1 and rc < 4"}, "rc > 1 and rc < 4", (0, 1, 2, 3)),
        (
            {"command": "check", "matches": "ready", "exit": 0},
            "(rc in [0]) and (stdout is search('ready', multiline=true))",
            (0, 1),
        ),
        ({"http": "https://127.0.0.1/"}, "status == 200", None),
    ],
)
def test_what_is_an_answer_and_what_is_a_yes(read, probe, condition, codes):
    branches = [{"if": probe, "then": [change("fix")]}, {"else": "nothing"}]
    step = read({"id": "is-it", "name": "Is it?", "decide": branches}).steps[1]

    as_number = condition.replace("rc >", "(rc | int) >").replace("rc <", "(rc | int) <")
    assert step.capture == {"is_it_a": as_number}
    assert tuple(code for check in step.verify for code in check.good_exits) == (codes or ())
    assert step.verify[0].expressions == (f"({condition}) is boolean",)


@pytest.mark.parametrize(
    ("branches", "message"),
    [
        ([], "`decide` is a list of branches with `if`, and ends with one `else`"),
        ([{"if": "used > 1", "stop": "No"}], "`decide` is a list of branches with `if`, and ends with one `else`"),
        ([{"else": "nothing"}, {"if": "used > 1", "stop": "No"}], "`decide` is a list of branches with `if`, and ends with one `else`"),
        ([{"if": "used > 1", "stop": "No", "then": [change("a")]}, {"else": "nothing"}], "has one of `then` (a list of steps), `run` and `stop`"),
        ([{"if": {"sql": "SELECT 1"}, "stop": "No"}, {"else": "nothing"}], "does not say which answer is a yes"),
        ([{"if": {"command": "ls", "capture": {"a": "rc"}}, "stop": "No"}, {"else": "nothing"}], "unknown key 'capture': a question looks, and keeps nothing but its answer"),
        ([{"if": {"shell": "ls"}, "stop": "No"}, {"else": "nothing"}], "asks by 0 of command, http, sql"),
        ([{"if": "used >", "stop": "No"}, {"else": "nothing"}], None),
        ([{"if": "used > 1", "stop": "No"}, {"else": "RUN-002"}], "{run: RUN-ID} or {stop: SENTENCE}; write {run: RUN-002}"),
        ([{"if": "used > 1", "then": [{"use": "shared/x"}]}, {"else": "nothing"}], "there is no shared/x.yml beside the runbook"),
    ],
)  # fmt: skip
def test_what_decides_nothing_does_not_load(faults, branches, message):
    found = faults({"id": "is-it", "name": "Is it?", "decide": branches})
    assert found if message is None else message in " ".join(found)


def test_a_question_that_changes_something_is_told_what_to_do_instead(tmp_path):
    branches = [{"if": {"command": "rm /tmp/x", "exit": 0}, "stop": "No"}, {"else": "nothing"}]
    runbook_file(tmp_path, steps=[{"id": "is-it", "name": "Is it?", "decide": branches}])

    every = lint(Library(tmp_path).source("RUN-001"), {}, today=date(2026, 1, 1))

    assert [(each.message, each.hint) for each in every if each.rule == "read-that-writes"] == [
        ("'rm' changes something, and a read only looks", "let a step do it")
    ]


@pytest.mark.parametrize("key", ["prerequisites", "on_cancel"])
def test_only_the_procedure_decides(tmp_path, key):
    decides = {"id": "is-it", "name": "Is it?", "decide": [{"if": "used > 1", "stop": "No"}, {"else": "nothing"}]}
    path = runbook_file(tmp_path, **{key: [decides]})

    with pytest.raises(InvalidFileError) as caught:
        Library(tmp_path).source(str(path))

    (fault,) = caught.value.findings
    assert (fault.path, fault.message) == (f"{key}[0].decide", "is for an item of `steps`")


def test_a_question_without_words_is_called_by_the_answer_that_is_a_yes(read):
    branches = [{"if": {"command": "check", "matches": "ready", "exit": 0}, "stop": "No"}, {"else": "nothing"}]

    assert (
        read({"id": "is-it", "name": "Is it?", "decide": branches}).steps[1].name
        == "exit is 0 and matches is ready (check)?"
    )


def test_a_fault_in_a_branch_is_told_where_it_is_written(tmp_path):
    wrong = [{"if": "used > 1", "then": [{**change("fix"), "comand": "ls"}]}, {"else": "nothing"}]
    path = runbook_file(tmp_path, steps=[USED, {"id": "is-it", "name": "Is it?", "decide": wrong}])

    with pytest.raises(InvalidFileError) as caught:
        Library(tmp_path).source(str(path))

    (fault,) = caught.value.findings
    assert (fault.path, fault.rule) == ("steps[1].decide[0].then[0].comand", "unknown-key")
    assert "comand" in path.read_text().splitlines()[fault.line - 1]


def test_another_runbook_may_do_a_branch_with_what_goes_with_it(read):
    checked = {"verify": [{"command": "ls /fixed"}], "inputs": {"most": 3}, "capture": {"seen": "found"}}
    branches = [{"if": "used > 1", "run": "RUN-002", **checked}, {"else": "nothing"}]
    *_, step = read({"id": "is-it", "name": "Is it?", "decide": branches}).steps

    assert (step.id, step.name, step.only_if) == ("is-it-a-ends", "Do RUN-002", "is_it == 'a'")
    assert (step.runs.run, dict(step.runs.inputs), step.capture) == ("RUN-002", {"most": 3}, {"seen": "found"})


def test_nobody_writes_where_a_step_stands(faults):
    assert faults(change("fix", branch={"of": "fix", "label": "a"})) == ["unknown key 'branch'"]


def taken(letter):
    """Only what is needed in that branch is."""
    branch = {"unlock": "a", "find-cause-b-ends": "b", "thin": "c", "look": "c"}

    def answers(engine):
        for step, own in branch.items():
            fact = f"runbook_needs_{step.replace('-', '_')}"
            engine.ansible.answers[step, "only_if"] = ("ok", {"ansible_facts": {fact: own == letter}})

    return answers


def test_only_the_branch_that_is_taken_is_done_and_what_asks_changes_nothing(engine):
    taken("a")(engine)
    result = engine.run(USED, DIAGNOSIS, change("after"))

    assert (result.outcome, engine.done("db1")) == (
        "passed",
        ["measure", "find-cause-a", "find-cause-c", "find-cause", "unlock", "after"],
    )
    assert {step for (step, _), outcome in engine.outcomes.items() if outcome == "not needed"} == {
        *("find-cause-b-ends", "thin", "look")
    }
    # and the report says in words when each branch is taken
    assert {"(if Locked)", "(if Crowded)"} <= set(
        re.findall(r"\(if \w+\)", (result.report.with_suffix(".md")).read_text())
    )
    assert ">if Locked<" in result.report.read_text()


def test_a_branch_that_ends_the_run_says_its_sentence_and_calls_nobody(engine):
    taken("b")(engine)
    sentence = "The pool is full; add a server"
    engine.ansible.answers["find-cause-b-ends", "action"] = ("failed", {"msg": sentence})

    result = engine.run(USED, DIAGNOSIS, change("after"))

    assert (result.outcome, result.happened) == ("failed", f"End the run here failed on db1: {sentence}")
    assert (engine.channel.sent, "after" in engine.done("db1")) == ([], False)


def test_a_resume_stays_in_the_branch(engine):
    taken("c")(engine)
    engine.ansible.answers["look", "action"] = FAILED
    engine.run(USED, DIAGNOSIS)
    del engine.ansible.answers["look", "action"]
    taken("a")(engine)

    result = engine.resume(redo=["look"])

    assert (result.outcome, engine.done("db1").count("thin"), "unlock" in engine.done("db1")) == ("passed", 1, False)


def test_what_is_exported_is_what_people_wrote(tmp_path):
    path = runbook_file(tmp_path, steps=[USED, DIAGNOSIS])
    source = Library(tmp_path).source(str(path))
    assert source.document.written == yaml.safe_load(source.text)
