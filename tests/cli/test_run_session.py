"""`runbook resume`, `undo`, `cancel` and `status`: from any terminal, over a plain pipe, with flags only."""

from __future__ import annotations

import json
from contextlib import nullcontext

import click
import pytest
from harness.fake_run import SURVEY
from harness.fakes import RUN_ID
from harness.fault_server import FaultServer

from runner.cli import context
from runner.cli.commands.night import cancel
from runner.cli.system import System
from runner.services.runs import CancelledRun, cancel_run
from runner.store.log.log_reader import read
from runner.store.owed_undos import OwedUndo, OwedUndos
from runner.store.state_directory import StateDirectory

STEPS = [
    {
        "id": "one",
        "name": "One",
        "command": "touch /one",
        "verify": [{"exit": 0}],
        "undo": {"command": "rm /one", "verify": [{"exit": 0}]},
    },
    {"id": "two", "name": "Two", "command": "touch /two", "verify": [{"exit": 0}], "on_failure": "stop"},
]
RUN = ("run", "RUN-001", "-i", "inventory.yml")
LATER = f"{int(RUN_ID[:4]) + 1}{RUN_ID[4:]}"
FAILED = ("failed", {"rc": 1, "msg": "non-zero return code"})


@pytest.fixture
def failed(runbook, library, ansible, machine):
    """A run that has failed at its second step."""
    machine.run_ids(RUN_ID)
    library(steps=STEPS)
    ansible.answers["two", "action"] = FAILED
    assert runbook(*RUN).code == 1
    ansible.answers.clear()
    ansible.calls.clear()


@pytest.mark.parametrize("name", ["last", RUN_ID], ids=["last", "its id"])
def test_a_run_is_gone_on_with(runbook, failed, ansible, name):
    ran = runbook("resume", name)

    assert (ran.code, ran.out.splitlines()[0]) == (0, f"passed  run {RUN_ID}")
    assert ansible.calls == [SURVEY, (("step-two",), ())]
    assert runbook("resume", name).err.startswith(f"error: the run {RUN_ID} has passed")


@pytest.mark.parametrize("command", ["resume", "undo"])
@pytest.mark.parametrize(
    ("name", "ready"),
    [("last", [RUN_ID]), (RUN_ID, [RUN_ID]), (LATER, []), ("no id", [])],
    ids=["last", "its id", "no run", "no id"],
)
def test_the_executor_gets_ready_for_an_earlier_run_while_all_else_is_prepared(
    runbook, failed, ansible, command, name, ready
):
    found = []
    ansible.ready = lambda run_id, _environ: found.append(run_id) or nullcontext(ansible)

    ran = runbook(command, name, "--yes")

    assert (ran.code == 2, found) == (not ready, ready)


@pytest.mark.parametrize("command", ["resume", "undo"])
def test_nothing_gets_ready_for_a_run_that_has_not_ended(runbook, failed, ansible, here, command):
    file = here / ".runbook" / "runs" / RUN_ID / "run.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "status": "running"}))
    found = []
    ansible.ready = lambda run_id, _environ: found.append(run_id) or nullcontext(ansible)

    runbook(command, RUN_ID, "--yes")

    assert found == []


@pytest.fixture
def unattended(runbook, library, ansible, machine, here):
    """An unattended run that has failed, and whoever is called for it from then on."""
    machine.run_ids(RUN_ID)
    library(steps=STEPS, escalation={"when": ["abandoned"], "contacts": ["on-call"], "provide": ["timeline"]})
    ansible.answers["two", "action"] = FAILED
    assert runbook(*RUN, "--auto").code == 1
    ansible.answers.clear()
    with FaultServer("200") as server:
        contacts = f"on-call: {{name: On-call, channels: [{{webhook: {{url: '{server.url}'}}}}]}}\n"
        (here / "runbooks" / "contacts.yml").write_text(contacts + "backend-team: {name: Backend}\n")
        yield server


@pytest.mark.parametrize("command", ["resume", "undo"])
def test_an_unattended_run_that_cannot_be_gone_on_with_calls_somebody(runbook, unattended, here, command):
    (here / "playbooks" / "RUN-001.yml").write_text("# stale\n")

    ran = runbook(command, "last")

    (called,) = (event["data"]["summary"] for event in unattended.events)
    assert called.startswith("RUN-001 Disk is full (local): could not continue: ")
    assert (ran.code, "it arrived" in ran.err, runbook("audit", "verify").code) == (2, True, 0)


def test_an_undo_that_nobody_is_there_to_agree_to_calls_somebody(runbook, unattended):
    assert runbook("undo", "last").code == 4
    (called,) = (event["data"]["summary"] for event in unattended.events)
    assert called.endswith("could not continue: nothing was undone: there is no terminal to ask on")


@pytest.mark.parametrize("at_a_terminal", [True, False])
def test_whoever_is_there_reads_why_it_is_refused(runbook, unattended, here, monkeypatch, at_a_terminal):
    (here / "playbooks" / "RUN-001.yml").write_text("# stale\n")
    monkeypatch.setattr("sys.stdin.isatty", lambda: at_a_terminal)

    assert runbook("resume", "last", *([] if at_a_terminal else ["--step"])).code == 2
    assert unattended.events == []


def test_that_nothing_is_left_to_do_calls_nobody(runbook, unattended):
    assert runbook("resume", "last").code == 0

    assert runbook("resume", "last").err.startswith(f"error: the run {RUN_ID} has passed")
    assert unattended.events == []


def test_a_run_is_taken_back(runbook, failed, ansible):
    unasked = runbook("undo", "last")
    ran = runbook("undo", "last", "--yes")

    plan = [
        f"undo of the run {RUN_ID} of RUN-001 Disk is full",
        "  undoes      One  on db1",
        "              rm /one",
        "  stays       Two  on db1: it has no `undo:`",
    ]
    assert (unasked.code, unasked.err.splitlines()) == (
        4,
        [
            *plan,
            "error: nothing was undone: there is no terminal to ask on",
            f"hint: runbook undo {RUN_ID} --yes undoes what is shown above",
        ],
    )
    assert (ran.code, ran.out.splitlines()[0]) == (9, f"partly undone  run {RUN_ID}")
    assert ran.err.splitlines()[:4] == plan
    assert ran.err.splitlines()[-1] == "error: Two is not undone on db1: it has no `undo:`"
    assert ansible.calls == [SURVEY, (("step-undo-one",), ())]


def test_there_is_nothing_to_go_on_with(runbook, library):
    library()

    assert (runbook("resume", "last").code, runbook("resume", "last").err) == (2, "error: there are no runs yet\n")
    assert "there is no run" in runbook("undo", RUN_ID).err


def test_a_run_that_was_refused_does_not_hide_the_one_that_is_to_be_gone_on_with(runbook, failed, machine, ansible):
    machine.run_ids(LATER)
    ansible.environments = dict.fromkeys(ansible.hosts["all"], "production")
    assert runbook(*RUN).code == 4
    ansible.environments = {}

    assert runbook("resume", "last").out.splitlines()[0] == f"passed  run {RUN_ID}"


def test_a_runbook_that_has_changed_is_shown_and_refused(runbook, failed, library, ansible):
    library(steps=[*STEPS, {"id": "three", "name": "Three", "command": "ls", "verify": [{"exit": 0}]}])

    refused = runbook("resume", "last")
    spans = list(ansible.calls)
    accepted = runbook("resume", "last", "--accept-changes")

    assert (refused.code, spans) == (2, [])
    assert "--- when the run began\n+++ now\n" in refused.err
    assert "id: three" in refused.err
    assert (accepted.code, ansible.calls) == (0, [SURVEY, (("step-two", "step-three"), ())])


def test_a_step_that_passed_in_an_older_form_is_redone_only_on_a_persons_word(runbook, library, ansible, here):
    ansible.hosts = {"all": ["a", "b"]}
    ansible.answers["two", "action", "a"] = FAILED
    library(steps=STEPS)
    runbook(*RUN)
    ansible.answers.clear()
    library(steps=[STEPS[0], {**STEPS[1], "command": "touch /other"}])

    doubted = runbook("resume", "last", "--accept-changes")
    accepted = runbook("resume", "last", "--accept-changes", "--redo", "two")

    # Where it had passed, it was done in an older form: that is nobody's to guess.
    assert (doubted.code, "two is in doubt on b" in doubted.err) == (4, True)
    assert accepted.code == 0, accepted.err
    records = list(read(here / ".runbook" / "audit" / "audit.jsonl"))
    texts = {record.data["runbook_sha256"] for record in records if record.type in {"run.started", "run.resumed"}}
    assert len(texts) == 2


def test_who_accepted_what_is_recorded_and_both_texts_are_kept(runbook, failed, library, here):
    path, run = here / "runbooks" / "RUN-001.yml", here / ".runbook" / "runs" / RUN_ID
    before = path.read_bytes()
    library(steps=[STEPS[0], {**STEPS[1], "command": "touch /other"}])

    ran = runbook("resume", "last", "--accept-changes", "--json")

    events = map(json.loads, ran.out.splitlines())
    (accepted,) = [event["data"] for event in events if event["type"] == "changes.accepted"]
    kept = [(run / f"runbook-{accepted[when]['runbook_sha256']}.yml").read_bytes() for when in ("before", "after")]
    assert (ran.code, kept) == (0, [before, path.read_bytes()])
    assert "-    command: touch /two" in accepted["diff"]
    assert "+    command: touch /other" in accepted["diff"]
    assert accepted["by"]


def test_a_file_that_a_step_names_is_part_of_what_was_reviewed(runbook, library, ansible, here):
    script = here / "runbooks" / "do.sh"
    steps = [{"id": "one", "name": "One", "script": "do.sh", "verify": [{"exit": 0}]}, STEPS[1]]
    script.write_text("#!/bin/sh\necho one\n")
    library(steps=steps)
    ansible.answers["two", "action"] = FAILED
    runbook(*RUN)
    script.write_text("#!/bin/sh\necho two\n")
    library(steps=steps)

    refused = runbook("resume", "last", "--yes")
    asked = runbook("resume", "last", "--yes", "--accept-changes")

    assert (refused.code, "has changed since the run" in refused.err) == (2, True)
    assert "+" in refused.err
    assert (asked.code, "one is in doubt on db1" in asked.err) == (4, True)


def test_a_run_that_is_going_on_is_not_gone_on_with_and_can_be_cancelled(runbook, failed, here, capsys):
    state = StateDirectory.open(here / ".runbook")
    held = state.run(RUN_ID).hold()
    again = runbook("resume", "last")
    cancelled = cancel_run(state, "last", "alice", patience=0.2)
    asked = held.cancelled()
    held.release()

    assert (again.code, f"the run {RUN_ID} is in progress" in again.err) == (6, True)
    assert (cancelled, asked) == (CancelledRun(RUN_ID, stopped=False, seconds=0.2), ["cancelled by alice"])
    system = click.Context(click.Command("cancel"), obj=context.CommandContext(None, None, System()))
    with system, pytest.raises(click.exceptions.Exit) as raised:
        cancel.show(cancelled)
    assert (raised.value.exit_code, f"runbook cancel {RUN_ID} --now" in capsys.readouterr().err) == (1, True)
    assert runbook("cancel", RUN_ID).err.startswith(f"error: the run {RUN_ID} is not in progress")


def test_where_everything_stands(runbook, failed, here):
    OwedUndos(here / ".runbook" / "debts").add(OwedUndo("db1", "RUN-001", "one", RUN_ID, "2026-01-01"))

    rows = json.loads(runbook("status", "--json").out)
    table = runbook("status")
    steps = runbook("status", "last").out.splitlines()

    assert [(row["run"], row["status"], row["outcome"], row["now"]) for row in rows] == [
        (RUN_ID, "finished", "failed", "")
    ]
    assert table.err == f"owed undo: db1: one of RUN-001 is not undone, since 2026-01-01; runbook undo {RUN_ID}\n"
    assert steps[0] == f"RUN-001 Disk is full  {RUN_ID}  failed"
    assert [line.split("(")[0].rstrip() for line in steps[1:3]] == ["   1 One: db1 passed", "   2 Two: db1 failed"]
    assert json.loads(runbook("status", "last", "--json").out)["outcome"] == "failed"


def test_how_a_run_ended_and_what_to_type_next_is_told_again_later(runbook, failed):
    status, report = runbook("status", "last").out.splitlines(), runbook("show", "last").out.splitlines()
    end = json.loads(runbook("show", "last", "--json").out)

    assert [line.split("  # ")[0].rstrip() for line in status[4:]] == [
        "  what    Two failed on db1: exit code 1",
        "  hosts   changed and not verified: db1",
        f"  next    runbook resume {RUN_ID}",
        f"          runbook undo {RUN_ID}",
        f"          runbook show {RUN_ID}",
    ]
    assert [line.split(":")[0] for line in report if line.startswith(("| What happened", "| Hosts ch", "| Next"))] == [
        "| What happened | Two failed on db1",
        "| Hosts changed and not verified | db1 |",
        f"| Next | runbook resume {RUN_ID}",
        f"| Next | runbook undo {RUN_ID}",
        f"| Next | runbook show {RUN_ID}",
    ]
    assert (end["happened"], end["standing"], len(end["ways_on"])) == (
        "Two failed on db1: exit code 1",
        {"changed and not verified": ["db1"]},
        3,
    )


def test_without_a_record_there_is_nothing_to_show(runbook, library):
    library()

    assert runbook("status").code == 2


KEYS = {"key": {"type": "secret", "help": "The key"}, "word": {"help": "A word", "default": "a"}}


@pytest.fixture
def keyed(runbook, library, ansible, machine, monkeypatch):
    """A run with a secret that has failed at its second step; what Ansible is told from then on."""
    machine.run_ids(RUN_ID)
    monkeypatch.setenv("OLD", "hunter2!")
    library(steps=STEPS, inputs=KEYS)
    ansible.answers["two", "action"] = FAILED
    assert runbook(*RUN, "-e", "key=env:OLD", "-e", "word=b").code == 1
    ansible.answers.clear()
    told, real = [], ansible.execute

    def execute(job, part, **options):
        told.append((dict(job.inputs), dict(job.secrets)))
        return real(job, part, **options)

    ansible.execute = execute
    return told


@pytest.mark.parametrize("how", ["resume", "undo"])
def test_a_secret_is_looked_for_again_where_it_was_or_where_it_is_now(runbook, keyed, here, monkeypatch, how):
    monkeypatch.delenv("OLD")
    monkeypatch.setenv("NEW", "another secret")

    lost = runbook(how, "last")
    found = runbook(how, "last", "-e", "key=env:NEW", "--yes")

    assert (lost.code, found.code) == (2, 0 if how == "resume" else 9)
    assert "key (env:OLD): the environment variable OLD is not set" in lost.err
    assert keyed == [({"key": "env:NEW", "word": "b"}, {"key": "another secret"})]
    assert StateDirectory.open(here / ".runbook").run(RUN_ID).state.inputs == {"key": "env:NEW", "word": "b"}


def test_no_other_input_is_changed_on_the_way(runbook, keyed):
    ran = runbook("resume", "last", "-e", "word=c")

    assert (ran.code, keyed) == (2, [])
    assert ran.err.startswith("error: -e word: the run started with another value")


def test_a_secret_that_was_typed_is_asked_for_again(runbook, keyed, ansible):
    ran = runbook("resume", "last", "-e", "key=prompt")

    assert (ran.code, keyed) == (2, [])
    assert "key is asked for, and there is no terminal; give -e key=..., where it is: env:NAME" in ran.err
