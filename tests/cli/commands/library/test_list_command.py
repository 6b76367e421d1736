"""`runbook list` names what there is to do, and with --runs what was done."""

from __future__ import annotations

import json
import os
import subprocess

from harness import PATIENCE
from harness.fakes import RUN_ID, runbook_file

from runner.executor.ansible import processes
from runner.store.log.log_reader import read
from runner.store.run_state import RunState
from runner.store.state_directory import StateDirectory


def test_the_runbooks_are_a_table(runbook, here):
    runbook_file(here)
    runbook_file(here, id="RUN-002", title="Another one", trigger={"event": "Friday"}, severity="warning")

    ran = runbook("list")

    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        "ID       TITLE         CATEGORY  SEVERITY  TRIGGER  OWNER         STEPS  LAST TESTED  NEXT DUE",
        "RUN-001  Disk is full  incident  P2        MON-001  backend-team  1      never        now",
        "RUN-002  Another one   incident  warning   Friday   backend-team  1      never        now",
    ]


def test_as_json_it_is_a_list(runbook, here):
    runbook_file(here)

    assert json.loads(runbook("list", "--json").out) == [
        {
            "id": "RUN-001",
            "title": "Disk is full",
            "category": "incident",
            "severity": "P2",
            "trigger": "MON-001",
            "owner": "backend-team",
            "steps": 1,
            "last tested": "never",
            "next due": "now",
        }
    ]


def test_a_runbook_that_does_not_load_is_listed_as_that(runbook, here):
    runbook_file(here)
    runbook_file(here, id="RUN-002", severity="P9")
    (here / "runbooks" / "RUN-003.yml").write_text(runbook_file(here).read_text())

    ran = runbook("list")

    assert ran.code == 0
    assert [line.split("  ")[:2] for line in ran.out.splitlines()[2:]] == [
        ["RUN-002", "does not load: 1 finding, see runbook lint RUN-002"],
        ["RUN-003", "does not load: 1 finding, see runbook lint RUN-003"],
    ]


def test_no_runbooks(runbook, here):
    (here / "runbooks").mkdir()

    ran = runbook("list")

    assert (ran.code, ran.out, ran.err) == (0, "", "no runbooks here\n")


def test_no_runs_and_nothing_is_made_to_say_so(runbook, here):
    ran, as_json = runbook("list", "--runs"), runbook("list", "--runs", "--json")

    assert (ran.code, ran.out, ran.err) == (0, "", "no runs yet\n")
    assert (as_json.code, as_json.out) == (0, "[]\n")
    assert list(here.iterdir()) == []


def test_the_runs_with_their_outcomes_newest_last(runbook, library, ansible, machine):
    machine.run_ids("20260101T000000Z-00000002", "20260101T000001Z-00000001")
    runbook("run", "RUN-001", "-i", "inventory.yml")
    ansible.answers["look", "action"] = ("unreachable", {"msg": "no route"})
    runbook("run", "RUN-001", "-i", "inventory.yml")

    rows = json.loads(runbook("list", "--runs", "--json").out)

    assert [(row["runbook"], row["status"], row["outcome"], row["environment"]) for row in rows] == [
        ("RUN-001", "finished", "passed", "local"),
        ("RUN-001", "finished", "unreachable", "local"),
    ]
    assert [row["run"] for row in rows] == ["20260101T000000Z-00000002", "20260101T000001Z-00000001"]


def test_what_only_looked_is_told_from_a_run(runbook, library, ansible, machine):
    machine.run_ids(*(f"20260101T00000{number}Z-00000000" for number in range(4)))
    runbook("run", "RUN-001", "-i", "inventory.yml", "--dry-run")
    runbook("preflight", "RUN-001", "-i", "inventory.yml")
    runbook("run", "RUN-001", "-i", "inventory.yml")
    runbook("run", "RUN-001", "-i", "inventory.yml", "--auto")

    rows = [json.loads(runbook(*words, "--json").out) for words in (["list", "--runs"], ["status"])]
    heads = [runbook("status", row["run"]).out.splitlines()[0] for row in rows[0]]

    assert [[row["kind"] for row in each] for each in rows] == [["dry run", "preflight", "run", "run"]] * 2
    assert [line.partition("Z-00000000  ")[2] for line in heads] == [
        "dry run  planned",
        "preflight  planned",
        "passed",
        "passed",
    ]
    assert runbook("list", "--runs").out.splitlines()[0].split()[:4] == ["RUN", "RUNBOOK", "KIND", "STATUS"]


def test_a_run_whose_command_died_is_named_once_and_what_it_left_is_ended(runbook, here):
    directory = StateDirectory.open(here / ".runbook")
    path = str(runbook_file(here, escalation={"when": [{"declared": "x"}], "contacts": ["on-call"], "provide": ["x"]}))
    directory.begin(RunState(RUN_ID, runbook="RUN-001", title="T", started="", user="alice", path=path)).release()
    with subprocess.Popen(["sleep", "900"], env={**os.environ, processes.MARKER: RUN_ID}) as left:
        listed, lives = runbook("list", "--runs", "--json"), left.poll() is None
        first, second = runbook("status", "--json"), runbook("status")
        code = left.wait(timeout=PATIENCE)
    rows = [json.loads(each.out)[0] for each in (listed, first)]

    assert first.err.splitlines() == [
        f"abandoned: the run {RUN_ID} of RUN-001 died before it ended",
        f"hint: what it had started was stopped; runbook show {RUN_ID} shows how far it came",
    ]
    assert (second.err, second.code) == ("", 0)
    assert (listed.err, lives) == ("", True)  # to list them ends nothing
    assert [(row["run"], row["status"], row["outcome"]) for row in rows] == [
        (RUN_ID, "abandoned", ""),
        (RUN_ID, "abandoned", "unknown"),
    ]
    assert code is not None
    assert [record.type for record in read(directory.audit / "audit.jsonl")] == ["run.abandoned", "run.filed"]


def test_each_category_has_its_purpose_its_trigger_and_its_runbooks(runbook, here):
    runbook_file(here)
    runbook_file(here, id="RUN-002", deprecated={"since": "2026-01-01"})
    runbook_file(here, id="RUN-003", category="recovery", trigger={"event": "x"})

    ran = runbook("list", "--categories")
    as_json = json.loads(runbook("list", "--categories", "--json").out)

    assert (
        ran.out
        == """\
CATEGORY     PURPOSE                               TRIGGER                          RUNBOOKS
incident     handle what goes wrong in production  an alert fires, users report     RUN-001
deployment   carry out a release                   a scheduled release              none
maintenance  do what has to be done regularly      a scheduled window               none
recovery     restore what has failed               a disaster                       RUN-003
escalation   route to the right people             it is beyond whoever is on call  none
"""
    )
    assert [(row["category"], row["runbooks"]) for row in as_json if row["runbooks"]] == [
        ("incident", ["RUN-001"]),
        ("recovery", ["RUN-003"]),
    ]


def test_two_lists_at_once_are_refused(runbook, library):
    ran = runbook("list", "--runs", "--categories")

    assert (ran.code, ran.out) == (2, "")
    assert "--runs and --categories cannot be combined" in ran.err


def test_when_it_was_tested_and_is_due_comes_from_the_record_and_an_edit_takes_it_back(runbook, library, ansible, here):
    ansible.environments["db1"] = "staging"
    runbook("run", "RUN-001", "-i", "inventory.yml")
    (tested,) = json.loads(runbook("list", "--json").out)
    runbook_file(here, title="The disk is full")
    (edited,) = json.loads(runbook("list", "--json").out)

    assert tested["last tested"].endswith(" (staging)")
    assert tested["next due"] > tested["last tested"][:10]
    assert (edited["last tested"].endswith(" (staging), untested since edit"), edited["next due"]) == (True, "now")
