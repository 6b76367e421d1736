"""`runbook show` puts a runbook into words, or prints the report of a run from the record alone."""

from __future__ import annotations

import json

import pytest
from harness.fakes import RUN_ID, runbook_file

from runner.store.run_state import RunState
from runner.store.state_directory import StateDirectory

EVERYTHING = {
    "scope": {
        "handles": ["Too little space"],
        "excludes": [{"what": "A broken disk", "see": "RUN-010"}, "A full memory"],
    },
    "inputs": {
        "count": {"type": "int", "help": "How many"},
        "wait": {"type": "duration", "default": "5m", "help": "How long"},
    },
    "prerequisites": [{"name": "You may log in", "confirm": "You can log in"}],
    "steps": [
        {
            "id": "clean",
            "name": "Remove old files",
            "why": "They are not needed",
            "effect": "destructive",
            "approve": "Remove them?",
            "shell": "rm -r /old\nsync",
            "verify": [{"says": "There is enough", "exit": 0}],
            "undo": {"command": "unpack /old.tar", "verify": [{"exit": 0}]},
            "on_failure": "stop",
        }
    ],
    "escalation": {
        "when": ["step_failed", {"unresolved_for": "15m"}, {"declared": "Data is at risk"}],
        "contacts": ["on-call"],
        "provide": ["timeline", "actions"],
    },
    "follow_up": ["Write it down", {"do": "Review it", "if": "escalated"}],
    "links": ["MON-001", "RISK-002"],
}


def test_a_runbook_in_words(runbook, here):
    runbook_file(here, **EVERYTHING)

    ran = runbook("show", "RUN-001")

    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        "RUN-001 Disk is full",
        "  category  incident",
        "  severity  P2",
        "  owner     backend-team",
        "  trigger   MON-001",
        "  hosts     all",
        "  links     MON-001, RISK-002",
        "handles",
        "  - Too little space",
        "does not handle",
        "  - A broken disk (see RUN-010)",
        "  - A full memory",
        "inputs",
        "  - count (int, required): How many",
        "  - wait (duration, default 5m): How long",
        "prerequisites",
        "  - You may log in",
        "steps",
        "   1 Remove old files  [destructive]  (clean)",
        "       why    They are not needed",
        "       asks   Remove them?",
        "       shell  rm -r /old ⏎ sync",
        "       verify There is enough",
        "       undo   unpack /old.tar",
        "       fails  stop",
        "escalate when",
        "  - a step failed",
        "  - unresolved for 15m",
        "  - declared: Data is at risk",
        "call",
        "  - on-call",
        "provide",
        "  - timeline",
        "  - actions",
        "follow up",
        "  - Write it down",
        "  - Review it",
    ]


LIMITED = {
    "size": {"type": "int", "min": 1, "max": 9, "help": "How many"},
    "level": {"type": "enum", "values": ["low", "high"], "default": "low", "help": "Which"},
    "key": {"type": "secret", "default": "env:KEY", "min_length": 8, "help": "The key"},
}


def test_inputs_are_told_with_their_limits(runbook, here):
    runbook_file(here, inputs=LIMITED)

    assert [line for line in runbook("show", "RUN-001").out.splitlines() if line.startswith("  - ")][1:4] == [
        "  - size (int, at least 1, at most 9, required): How many",
        "  - level (enum, one of low, high, default low): Which",
        "  - key (secret, of at least 8 characters, default env:KEY): The key",
    ]


def test_a_runbook_for_programs(runbook, here):
    runbook_file(here, **{**EVERYTHING, "inputs": LIMITED})

    said = json.loads(runbook("show", "RUN-001", "--json").out)

    assert said["inputs"] == {
        "size": {
            "type": "int",
            "required": True,
            "takes": "a whole number, at least 1, at most 9",
            "help": "How many",
            "min": 1,
            "max": 9,
        },
        "level": {
            "type": "enum",
            "required": False,
            "takes": "one of low, high",
            "help": "Which",
            "default": "low",
            "values": ["low", "high"],
        },
        "key": {
            "type": "secret",
            "required": False,
            "takes": "a secret, of at least 8 characters",
            "help": "The key",
            "default": "env:KEY",
            "min_length": 8,
        },
    }
    assert said["steps"] == [
        {
            "id": "clean",
            "name": "Remove old files",
            "effect": "destructive",
            "shell": "rm -r /old\nsync",
            "verify": ["There is enough"],
        }
    ]
    assert (said["id"], said["escalation"]["when"][1]) == ("RUN-001", {"unresolved_for": "15m"})


def test_a_file_is_shown_wherever_it_lies(runbook, tmp_path):
    path = runbook_file(tmp_path / "elsewhere")

    assert runbook("show", path).out.startswith("RUN-001 Disk is full\n")


@pytest.fixture
def done(runbook, library, ansible, machine):
    """A run that failed, and what its host said."""
    machine.run_ids(RUN_ID)
    library(escalation={"when": [{"declared": "x"}], "contacts": ["on-call"], "provide": ["timeline"]})
    ansible.answers["look", "action"] = ("failed", {"rc": 1, "msg": "no \x1b[2J space"})
    assert runbook("run", "RUN-001", "-i", "inventory.yml").code == 1


def test_the_report_of_a_run(runbook, done):
    ran = runbook("show", RUN_ID)

    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("#")
    assert all(word in ran.out for word in (RUN_ID, "RUN-001", "Disk is full", "failed", "db1"))
    assert "\x1b" not in ran.out


def test_the_report_as_json_and_html(runbook, done):
    as_json, as_html = (runbook("show", RUN_ID, "--format", form) for form in ("json", "html"))

    report = json.loads(as_json.out)
    assert (report["run"], report["outcome"], report["hosts"]) == (RUN_ID, "failed", ["db1"])
    assert "<html" in as_html.out


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("RUN-009", "there is no runbook RUN-009"),
        (
            "absent.yml",
            "'absent.yml' is neither a runbook (an id like RUN-001, or a file) nor a run (its id, or `last`)",
        ),
        ("../../etc/passwd", "'../../etc/passwd' is neither"),
    ],
)
def test_what_is_not_there_is_an_error(runbook, here, name, message):
    runbook_file(here)

    ran = runbook("show", name)

    assert (ran.code, ran.out) == (2, "")
    assert message in ran.err


def test_a_run_that_is_not_there_is_an_error_and_nothing_is_made(runbook, here):
    ran = runbook("show", RUN_ID)

    assert (ran.code, ran.err.splitlines()[0]) == (2, "error: there is no state directory .runbook")
    assert list(here.iterdir()) == []


def test_another_run_than_those_there_are_is_an_error(runbook, done):
    ran = runbook("show", RUN_ID[:-8] + "ffffffff")

    assert (ran.code, ran.err.splitlines()[1]) == (2, "hint: runbook list --runs shows all of them")


def test_a_run_whose_records_are_gone_is_an_error_in_words(runbook, done, here):
    (here / ".runbook" / "audit" / "audit.jsonl").write_text("")

    ran = runbook("show", RUN_ID)

    assert (ran.code, ran.out) == (7, "")
    assert "is empty, though 1 run was recorded in it" in ran.err


def test_a_run_that_died_before_it_had_begun_is_an_error_in_words(runbook, done, here):
    other = RUN_ID[:-8] + "ffffffff"
    state = RunState(run=other, runbook="RUN-001", title="T", started="", user="alice")
    StateDirectory(here / ".runbook").begin(state).release()

    ran = runbook("show", other)

    assert (ran.code, ran.out) == (7, "")
    assert f"does not hold the start of the run {other}" in ran.err


def test_a_diagnosis_is_shown_as_a_tree(runbook, here):
    fix = {"id": "fix", "name": "Fix it", "command": "fix", "verify": [{"exit": 0}]}
    asks = {"command": "pgrep lock"}
    branches = [{"if": asks, "says": "Locked", "then": [fix]}, {"if": "wide", "stop": "Call us"}, {"else": "nothing"}]
    after = {**fix, "id": "after", "name": "Look again", "only_if": "cause == 'a'"}
    runbook_file(here, steps=[{"id": "cause", "name": "What is it?", "decide": branches}, after])

    lines = runbook("show", "RUN-001").out.splitlines()
    steps = json.loads(runbook("show", "RUN-001", "--json").out)["steps"]

    begin, end = lines.index("steps") + 1, lines.index("escalate when")
    assert [line for line in lines[begin:end] if "fails" not in line] == [
        "   1 What is it?  [read]  (cause)",
        "     1a if Locked  [read]  (cause-a)",
        "          command pgrep lock",
        "     1a.1 Fix it  [change]  (fix)",
        "          only   if cause == 'a'",
        "          command fix",
        "          verify Exit code is 0",
        "     1b if wide",
        "     1b.1 End the run here  [read]  (cause-b-ends)",
        "          only   if cause == 'b'",
        "          stop   Call us",
        "     1c else: nothing is done",
        "   2 Look again  [change]  (after)",
        "       only   if cause == 'a'",
        "       command fix",
        "       verify Exit code is 0",
    ]
    assert [(step["id"], step.get("branch")) for step in steps] == [
        *(("cause-a", "cause: Locked"), ("cause", None), ("fix", "cause: Locked"), ("cause-b-ends", "cause: wide")),
        ("after", None),
    ]
