"""`runbook undo`: what is shown first, what stays, how it ends, and that nobody is told that it is over."""

from __future__ import annotations

import json

import pytest
from harness.fake_run import SURVEY
from harness.fakes import RUN_ID
from harness.fault_server import FaultServer

from runner.store.log.log_reader import read

RUN = ("run", "RUN-001", "-i", "inventory.yml")
FAILED = ("failed", {"rc": 1, "msg": "non-zero return code"})
LATER = [f"{int(RUN_ID[:4]) + years}{RUN_ID[4:]}" for years in (1, 2)]
UNDONE = [SURVEY, (("step-undo-one",), ())]
"""What Ansible is asked for when the first step is undone and nothing else."""


def change(name, *, undo=True, **keys):
    """A change that leaves a file, and whose undo removes it."""
    back = {"undo": {"command": f"rm /{name}", "verify": [{"exit": 0}]}} if undo else {}
    words = {"id": name, "name": name.capitalize(), "command": f"touch /{name}", "verify": [{"exit": 0}]}
    return {**words, "on_failure": "stop", **back, **keys}


@pytest.fixture
def one(library, ansible, machine):
    """A runbook of one change that can be undone, and the ids of three runs, oldest first."""
    machine.run_ids(RUN_ID, *LATER)
    library(steps=[change("one")])
    return [RUN_ID, *LATER]


@pytest.fixture
def pager(monkeypatch):
    """A server in the place of PagerDuty."""
    monkeypatch.setenv("KEY", "R" * 32)
    with FaultServer("ok") as server:
        yield server


@pytest.fixture
def escalating(runbook, library, ansible, here, pager):
    """Does a run of these steps, of which the one that is named fails and calls somebody."""

    def run(*steps, fails):
        library(steps=list(steps))
        channel = f"{{pagerduty: {{routing_key: 'env:KEY', url: '{pager.url}'}}}}"
        contacts = f"backend-team: {{name: Team}}\non-call: {{name: On-call, level: L2, channels: [{channel}]}}\n"
        (here / "runbooks" / "contacts.yml").write_text(contacts)
        ansible.answers[fails, "action"] = FAILED
        failed = runbook(*RUN, "--yes")
        ansible.answers.clear()
        ansible.calls.clear()
        return failed

    return run


def ends(here):
    records = read(here / ".runbook" / "audit" / "audit.jsonl")
    return [record.data["outcome"] for record in records if record.type in {"run.finished", "run.refused"}]


def result(ran):
    return json.loads(ran.out.splitlines()[-1])


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ({}, "it has no `undo:`"),
        ({"effect": "destructive", "reversible": False}, "nothing undoes it (`reversible: no`)"),
    ],
)
def test_a_change_that_nothing_undoes_is_shown_and_stays_and_the_incident_with_it(
    runbook, escalating, pager, ansible, here, keys, why
):
    # Given a run that failed after a change which stays
    stays = change("two", undo=False, **keys)
    fails = change("three", undo=False, effect="read", on_failure="escalate")
    failed = escalating(change("one"), stays, fails, fails="three")
    # When it is undone, first without a word of anybody's
    unasked = runbook("undo", "last")
    before = list(ansible.calls)
    undone = runbook("undo", "last", "--yes", "--json")
    # Then
    assert (failed.code, unasked.code, before) == (3, 4, [])
    assert "  undoes      One  on db1\n" in unasked.err
    assert f"  stays       Two  on db1: {why}\n" in unasked.err
    assert (undone.code, result(undone)["outcome"], ansible.calls) == (9, "partly undone", UNDONE)
    assert result(undone)["problems"] == [f"Two is not undone on db1: {why}"]
    assert [event["event_action"] for event in pager.events] == ["trigger"]
    assert ends(here) == ["failed", "partly undone"]


def test_without_any_undo_nothing_is_undone_and_nobody_is_told_that_it_is(runbook, escalating, pager, ansible, here):
    escalating(change("two", undo=False, on_failure="escalate"), fails="two")

    undone = runbook("undo", "last", "--yes")

    assert (undone.code, ansible.calls) == (9, [])
    assert "undoes      nothing" in undone.err
    assert "nothing undoes what it has changed" in undone.err
    assert ends(here) == ["failed"]
    assert [event["event_action"] for event in pager.events] == ["trigger"]


def test_last_is_never_a_run_that_only_looked(runbook, one, ansible, here):
    runbook(*RUN)
    runbook(*RUN, "--dry-run")
    runbook("preflight", *RUN[1:])
    ansible.calls.clear()

    nothing = runbook("undo", one[2], "--yes")
    undone = runbook("undo", "last", "--yes", "--json")
    again = runbook("undo", "last", "--yes")

    assert (nothing.code, f"nothing to undo in the run {one[2]} of RUN-001: it only looked" in nothing.err) == (0, True)
    assert (undone.code, result(undone)["run"], result(undone)["outcome"]) == (0, one[0], "undone")
    assert (again.code, "nothing to undo" in again.err, ansible.calls) == (0, True, UNDONE)
    assert ends(here) == ["passed", "planned", "planned", "undone"]


def test_a_run_that_only_looked_is_not_resumed(runbook, one, ansible):
    runbook(*RUN, "--dry-run")
    ansible.calls.clear()

    named = runbook("resume", one[0], "--yes")
    last = runbook("resume", "last", "--yes")

    assert (named.code, last.code, ansible.calls) == (2, 2, [])
    assert "only looked" in named.err
    assert "every run that there is has only looked, or never began" in last.err


def test_last_is_a_run_wherever_one_is_named(runbook, one):
    runbook(*RUN)

    shown = {words: runbook(*words, "last") for words in [("show",), ("status",), ("audit", "show")]}

    assert {words: (ran.code, one[0] in ran.out) for words, ran in shown.items()} == dict.fromkeys(shown, (0, True))
    assert runbook("show", "nope").err.splitlines() == [
        "error: 'nope' is neither a runbook (an id like RUN-001, or a file) nor a run (its id, or `last`)",
        "hint: runbook list shows the runbooks, runbook list --runs the runs",
    ]


@pytest.mark.parametrize("how", ["resume", "undo"])
def test_who_is_refused_in_production_leaves_the_run_as_it_was(runbook, library, ansible, how):
    ansible.environments, ansible.answers = {"db1": "production"}, {("two", "action"): FAILED}
    library(steps=[change("one"), change("two")])
    failed = runbook(*RUN, "--yes", "--reason", "A trial", "--environment", "production")
    before = runbook("list", "--runs", "--json").out
    ansible.calls.clear()

    refused = runbook(how, "last", "--yes", "--json")

    assert (failed.code, refused.code, result(refused)["outcome"]) == (1, 4, "failed")
    assert runbook("list", "--runs", "--json").out == before
    events = [json.loads(line) for line in refused.out.splitlines()]
    finished = [event for event in events if event["type"] == "step.finished"]
    assert (finished, events[-2]["type"], ansible.calls) == ([], "run.refused", [SURVEY])
