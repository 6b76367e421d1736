"""`runbook plan` shows what a run would do, and does nothing: no host, no state, no record."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta

import pytest

from runner.core.errors import UnreachableError
from runner.core.events import Instant
from runner.store.locks.holder import Holder
from runner.store.locks.host_locks import Locks
from runner.store.owed_undos import OwedUndo, OwedUndos
from runner.store.state_directory import StateDirectory

STEPS = [
    {"id": "look", "name": "Look", "effect": "read", "command": "df /", "verify": [{"exit": 0}]},
    {
        "id": "clean",
        "name": "Clean up",
        "hosts": "db",
        "effect": "destructive",
        "approve": "Remove the old files?",
        "shell": "rm -r /old\nsync",
        "env": {"KEEP": "{{ count }}"},
        "chdir": "/srv",
        "become_user": "app",
        "timeout": "30s",
        "verify": [{"exit": 0}, {"confirm": "It is well"}],
    },
    {"id": "walk", "name": "Walk there", "manual": "Walk to the machine", "verify": [{"confirm": "You are there"}]},
]
PLAN = ("plan", "RUN-001", "-i", "inventory.yml")

UNMET = (
    "refused  Production needs a reason; you gave none",
    "         say why with --reason; it is recorded",
    "refused  Production needs --environment production; you gave none",
    "         if production is what you mean, say --environment production",
)


@pytest.fixture
def planned(library, ansible):
    when = [{"unresolved_for": "15m"}, {"declared": "Data is lost"}, "step_failed"]
    library(
        steps=STEPS,
        inputs={"count": {"type": "int", "default": 3, "help": "How many"}},
        serial=[1, "50%"],
        deadline="30m",
        locks=["database"],
        escalation={"when": when, "contacts": ["on-call"], "provide": ["timeline"]},
    )
    ansible.hosts = {"all": ["db1", "app\x1b1"], "db": ["db1"]}
    ansible.environments = {"db1": "production", "app\x1b1": "staging"}


def test_the_plan_names_hosts_steps_questions_and_blast_radius(runbook, planned, here, ansible):
    ran = runbook(*PLAN)

    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        "RUN-001 Disk is full",
        "  input   count = 3",
        "  serial  1, 50%",
        "  deadline 30m",
        "  locks   database",
        "   1 Look  [read]  on db1, app\\x1b1",
        "       does   df /",
        "       ends   after 1m at most",
        "       checks Exit code is 0",
        "     last safe stop: what follows cannot be undone",
        "   2 Clean up  [destructive]  on db1",
        "       does   rm -r /old ⏎ sync",
        "              chdir: /srv",
        "       ends   after 30s at most",
        "       checks Exit code is 0",
        "       checks It is well",
        "       asks   approve: Remove the old files?",
        "       asks   confirm: It is well",
        "   3 Walk there  [change]  on db1, app\\x1b1",
        "       checks You are there",
        "       asks   manual: Walk to the machine",
        "       asks   confirm: You are there",
        "calls on-call by webhook, when: unresolved for 15m; declared: Data is lost; a step failed",
        "changes 1 of 2 hosts in production, 1 destructive step, cannot be undone after step 2",
        *UNMET,
    ]
    assert ansible.calls == [("resolve", ("look", "clean", "walk"))]
    assert not (here / ".runbook").exists()


def test_a_diagnosis_is_planned_as_a_tree_and_nothing_is_said_to_be_known_before_it_is_asked(runbook, library, ansible):
    fix = {"id": "fix", "name": "Fix it", "command": "fix", "verify": [{"exit": 0}], "reversible": "no"}
    branches = [
        {"if": {"command": "pgrep lock"}, "says": "Locked", "then": [{**fix, "id": "unlock"}, fix]},
        {"if": "count > 1", "stop": "Call us"},
        {"else": "nothing"},
    ]
    inputs = {"count": {"type": "int", "default": 3, "help": "How many"}}
    library(steps=[{"id": "cause", "name": "What is it?", "decide": branches}], inputs=inputs)

    lines = runbook(*PLAN).out.splitlines()

    end = next(number for number, line in enumerate(lines) if line.startswith("calls "))
    assert [line for line in lines[2:end] if "ends " not in line and "asks " not in line] == [
        "   1 What is it?  [read]  on db1",
        "       takes  on each host the first that holds:",
        "              a if Locked",
        "              b if count > 1",
        "              c else: nothing is done",
        "     1a Locked?  [read]  on db1",
        "          does   pgrep lock",
        "     last safe stop: what follows cannot be undone",
        "     1a.1 Fix it  [change]  on db1",
        "          only   if cause == 'a'",
        "          does   fix",
        "          checks Exit code is 0",
        "     1a.2 Fix it  [change]  on db1",
        "          only   if cause == 'a'",
        "          does   fix",
        "          checks Exit code is 0",
        "     1b.1 End the run here  [read]  on db1",
        "          only   if cause == 'b'",
        "          does   end the run here: Call us",
    ]


def test_the_plan_says_which_runbook_takes_over_where_a_step_fails(runbook, library, ansible):
    library(id="RUN-002", steps=[{"id": "fix", "name": "Fix it", "command": "fix", "verify": [{"exit": 0}]}])
    library(steps=[{"id": "fix", "name": "Fix it", "command": "fix", "verify": [{"exit": 0}], "on_failure": "RUN-002"}])

    lines = runbook(*PLAN).out.splitlines()

    assert [line.split() for line in lines if "hand over" in line] == [["fails", "hand", "over", "to", "RUN-002"]]


def test_the_plan_says_who_is_not_called_at_this_hour_and_who_is_in_their_place(runbook, library, here):
    policy = {"when": ["step_failed"], "contacts": ["day", "lead"], "next_after": "10m", "provide": ["timeline"]}
    library(steps=STEPS[:1], escalation=policy)
    contacts = here / "runbooks" / "contacts.yml"
    elsewhen = f"{datetime.now(UTC) + timedelta(days=3):%a} 00:00-00:01 UTC".lower().replace("utc", "UTC")
    people = f'day: {{name: Day, hours: "{elsewhen}"}}\nlead: {{name: Lead, level: L2}}\n'
    contacts.write_text(contacts.read_text() + people)

    ran = runbook(*PLAN)

    asleep = f"day by no channel ({elsewhen} only; now lead instead)"
    assert f"calls {asleep}; lead by no channel, when: a step failed" in ran.out.splitlines()


def test_the_plan_as_json_and_what_is_owed_to_its_hosts(runbook, planned, here):
    (here / ".runbook").mkdir(mode=0o700)
    OwedUndos(here / ".runbook" / "debts").add(
        OwedUndo("db1", "RUN-009", "deploy", "20260101T000000Z-00000000", "2026-01-01")
    )

    plan = json.loads(runbook(*PLAN, "--json").out)

    assert plan["debts"] == ["db1: deploy of RUN-009 is not undone"]
    assert (plan["environment"], plan["last_safe_stop"]) == ("production", 1)
    assert plan["steps"][1] == {
        "id": "clean",
        "number": "2",
        "name": "Clean up",
        "only_if": "",
        "effect": "destructive",
        "hosts": ["db1"],
        "on": "",
        "each": "",
        "commands": {"db1": "rm -r /old\nsync\nchdir: /srv"},
        "asks": ["approve: Remove the old files?", "confirm: It is well"],
        "timeout": "30s",
        "verifies": ["Exit code is 0", "It is well"],
        "on_failure": "escalate",
        "undo": None,
        "undo_commands": {},
        "point_of_no_return": True,
        "branches": [],
        "depth": 0,
    }


def test_guards_that_are_met_by_the_same_words_are_not_told(runbook, planned):
    ran = runbook(*PLAN, "--reason", "The disk fills up", "--environment", "production")

    assert (ran.code, [line for line in UNMET if line in ran.out]) == (0, [])


def test_the_undo_of_a_step_is_told_as_it_will_be(runbook, library, ansible):
    undo = {"shell": "mv /new /old\nsync", "chdir": "/srv", "verify": [{"exit": 0}]}
    library(steps=[{**STEPS[0], "effect": "change", "undo": undo}])

    assert runbook(*PLAN).out.splitlines()[5:7] == [
        "       undo   mv /new /old ⏎ sync",
        "              chdir: /srv",
    ]
    assert json.loads(runbook(*PLAN, "--json").out)["steps"][0]["undo_commands"] == {
        "db1": "mv /new /old\nsync\nchdir: /srv"
    }


def test_who_has_the_hosts_now_is_told(runbook, planned, here):
    StateDirectory.open(here / ".runbook")
    since = Instant(datetime.now(UTC), time.monotonic(), "boot")
    holder = Holder("20260101T000000Z-00000000", "RUN-009", "bob", "ops1", 1, since, step="deploy")
    held = Locks(here / ".runbook" / "locks", clock=lambda: since).take(["lock:database", "lock:other"], holder)

    (line,) = [line for line in runbook(*PLAN).out.splitlines() if line.startswith("locked")]
    held.release()

    assert line.startswith(
        "locked   lock:database is held by bob on ops1 (pid 1): run 20260101T000000Z-00000000 of RUN-009 at the step "
        "deploy, for "
    )
    assert "locked" not in runbook(*PLAN).out


def test_of_many_hosts_the_first_and_the_last_are_named(runbook, planned, ansible):
    ansible.hosts["all"] = [f"web{number}" for number in range(1, 5001)]

    assert "   1 Look  [read]  on 5000 hosts: web1, web2, web3 ... web5000" in runbook(*PLAN).out.splitlines()


def test_values_are_checked_as_a_run_would(runbook, planned):
    assert "  input   count = 7" in runbook(*PLAN, "-e", "count=7").out.splitlines()
    assert runbook(*PLAN, "-e", "count=many").err.splitlines() == [
        "error: RUN-001 cannot start with these inputs:",
        "  -e count: 'many' is not a whole number; write a whole number (How many)",
        "hint: runbook show RUN-001 explains each input",
    ]


def test_a_pattern_without_a_host_is_what_a_run_would_say(runbook, planned, ansible):
    ansible.hosts["db"] = []

    ran = runbook(*PLAN)

    assert (ran.code, ran.out) == (5, "")
    assert "the step 'clean' has no host" in ran.err


def test_an_inventory_that_ansible_can_not_read_is_what_a_run_would_say(runbook, planned, ansible):
    def fail(*_):
        raise UnreachableError("the inventory and --limit leave no host", hint="look at -i")

    ansible.resolve = fail

    ran = runbook(*PLAN)

    assert (ran.code, ran.err) == (5, "error: the inventory and --limit leave no host\nhint: look at -i\n")


def test_a_stale_playbook_is_what_a_run_would_say(runbook, planned, here):
    (here / "playbooks" / "RUN-001.yml").unlink()

    ran = runbook(*PLAN)

    assert (ran.code, "RUN-001.yml is missing" in ran.err) == (2, True)
