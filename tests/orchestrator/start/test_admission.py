"""The door before the first step: guards, a look at the hosts, and a record of what was required and given."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from harness.engine import FAILED, change, undoing
from harness.fakes import RUN_ID

import runner.orchestrator.run_loop
from runner.core.errors import ExitCode
from runner.core.events import EventType
from runner.executor.ansible.ansible_executor import AnsibleExecutor
from runner.executor.host_check import HostCheck

GIVEN = {"reason": "The pool is full", "environment": "production"}


@pytest.fixture
def production(engine):
    engine.ansible.environments = {"db1": "production"}
    return engine


def ruled(engine):
    data = [record.data for record in engine.records if record.type == EventType.GUARD_CHECKED]
    return [(each["guard"], each["given"], each["verdict"]) for each in data]


def inventory_says(engine, **hosts):
    """What the inventory has about its hosts, besides their class."""
    engine.ansible.inventory["connection_facts"] = {"db1": {"connection": "local"}, **hosts}


def test_production_without_its_ceremony_is_refused_with_everything_that_is_wanted(production):
    refused = production.run(change("one"))

    assert (refused.outcome, refused.exit_code, production.done("db1")) == ("never reached", ExitCode.DENIED, [])
    assert refused.problems == (
        "Production needs a reason; you gave none\nProduction needs --environment production; you gave none",
    )
    assert refused.hint.splitlines() == [
        "say why with --reason; it is recorded",
        "if production is what you mean, say --environment production",
    ]
    assert ruled(production) == [("reason", "nothing", "refused"), ("environment", "nothing", "refused")]
    assert production.channel.sent == []


@pytest.mark.parametrize(
    ("given", "flags"),
    [
        ({}, ("--reason", "WHY", "--environment", "production")),
        ({"reason": "Why"}, ("--reason", "Why", "--environment", "production")),
        ({"mode": "auto", "environment": "production"}, ("--auto", "--reason", "WHY", "--environment", "production")),
    ],
)
def test_a_refusal_ends_with_the_same_command_and_the_flags_that_were_missing(production, given, flags):
    refused = production.run(change("one"), limit="db1", **given)

    inventory = str(production.directory / "inventory.yml")
    assert refused.ways_on[0].words == ("run", "RUN-001", "-i", inventory, "-l", "db1", *flags)


def test_a_name_that_is_wrong_is_left_out_of_the_command_that_is_shown(engine):
    refused = engine.run(change("one"), environment="production")

    assert "--environment" not in refused.ways_on[0].words


def test_with_a_reason_and_the_name_it_goes_and_both_are_recorded(production):
    passed = production.run(change("one"), **GIVEN)

    assert (passed.outcome, production.done("db1")) == ("passed", ["one"])
    assert ruled(production) == [("reason", "The pool is full", "met"), ("environment", "production", "met")]
    assert [tags for tags, _ in production.ansible.calls] == [("step-one",)]


@pytest.mark.parametrize(("typed", "code"), [("production", ExitCode.DONE), ("yes", ExitCode.DENIED)])
def test_a_person_is_asked_for_the_name_while_nothing_runs_and_shown_what_it_is_about(production, typed, code):
    asked = []

    def type_environment(name, lines):
        asked.append((name, list(lines), len(production.ansible.calls)))
        return typed

    production.env = replace(production.env, type_environment=type_environment)

    result = production.run(change("one"), reason="Why")

    assert result.exit_code is code
    radius = "changes 1 of 1 hosts in production, 0 destructive steps, step 1 without an undo"
    # The first span has told who the hosts are and was ended there; they are looked up again, and nothing runs.
    assert asked == [("production", ["RUN-001 Disk is full", radius, "hosts: db1"], 2)]
    kinds = [record.type for record in production.records]
    assert kinds.count(EventType.TARGET_RESOLVED) == 1
    assert production.done("db1") == (["one"] if code is ExitCode.DONE else [])


def test_nobody_is_asked_for_the_name_when_something_else_is_missing(production):
    asked = []
    asking = {"type_environment": lambda name, _: asked.append(name) or name}
    production.env = replace(production.env, **asking)

    assert production.run(change("one")).exit_code is ExitCode.DENIED
    assert asked == []


def test_who_means_another_environment_is_stopped_everywhere(engine):
    refused = engine.run(change("one"), environment="production")

    assert (refused.exit_code, engine.done("db1")) == (ExitCode.DENIED, [])
    assert refused.problems == ("These hosts would need --environment local; you gave production",)


def test_a_dry_run_needs_no_ceremony(production):
    assert production.run(change("one"), mode="dry-run").exit_code is ExitCode.DONE
    assert ruled(production) == []


def test_the_report_of_a_refused_run_knows_where_it_was_refused(production):
    refused = production.run(change("one"))

    assert "in <strong>production</strong>" in refused.report.read_text()
    assert production.state["target"] == {}


def test_a_protected_host_is_not_changed_by_a_run_against_all(engine):
    inventory_says(engine, db1={"protected": "Holds the ledger"})

    refused = engine.run(change("one"))

    assert (refused.exit_code, engine.done("db1")) == (ExitCode.DENIED, [])
    assert ruled(engine) == [("protected", "nothing", "refused")]


def test_the_glass_is_broken_loudly_in_the_record_the_report_and_the_page(engine):
    inventory_says(engine, db1={"connection": "local", "policy": {"max_hosts": 1}}, db2={"connection": "local"})
    engine.ansible.hosts = {"all": ["db1", "db2"]}
    engine.ansible.answers["one", "action"] = FAILED
    escalates = {"when": ["step_failed"], "contacts": ["on-call"], "provide": ["timeline"]}

    failed = engine.run(change("one", on_failure="escalate"), escalation=escalates, break_glass="The shop is down")

    broken = [record.data for record in engine.records if record.type == EventType.GLASS_BROKEN]
    past = "The inventory's policy allows at most 1 host; this is a run on 2 hosts: db1, db2"
    assert broken == [{"reason": "The shop is down", "by": "alice", "overrides": [past]}]
    assert failed.exit_code is ExitCode.ESCALATED
    assert engine.channel.sent[0].details["broke the glass"] == "The shop is down"
    told = f"alice broke the glass: The shop is down (past {past})"
    for form in ("md", "html", "json"):
        text = (failed.report.parent / f"report.{form}").read_text().replace("&#39;", "'")
        assert told in text


def test_the_proof_of_staging_lets_the_same_playbook_into_production_and_no_other(engine):
    policy = {"db1": {"connection": "local", "policy": {"proof": {"within": "7d"}}}}
    inventory_says(engine, **policy)
    engine.ansible.environments = {"db1": "staging"}
    assert engine.run(change("one")).exit_code is ExitCode.DONE
    engine.ansible.environments = {"db1": "production"}

    proven = _another(engine, change("one"))
    changed = _another(engine, change("one", timeout="31s"))
    engine.env.clock.forward(8 * 86400)
    late = _another(engine, change("one"))

    assert [result.exit_code for result in (proven, changed, late)] == [
        ExitCode.DONE,
        ExitCode.DENIED,
        ExitCode.DENIED,
    ]
    assert "as it is compiled now" in changed.problems[0]
    assert f"it did in the run {RUN_ID}, 8d ago" in late.problems[0]


def _another(engine, *steps):
    """Another run, in production with its ceremony."""
    asked = engine.request(*steps, **GIVEN)
    engine.number = getattr(engine, "number", 0) + 1
    return runner.orchestrator.run_loop.run(
        type(asked)(**{**vars(asked), "run_id": RUN_ID[:-8] + f"{engine.number:08x}"}), engine.env
    )


def test_what_is_proven_is_what_was_compiled(engine):
    engine.ansible.environments = {"db1": "production"}
    inventory_says(engine, db1={"policy": {"proof": {}}})

    refused = engine.run(change("one"), **GIVEN)

    assert hashlib.sha256(engine.asked_for.playbook).hexdigest()[:12] in refused.problems[0]


def test_whoever_may_not_run_it_is_refused_before_anything_is_done(engine):
    inventory_says(engine, db1={"policy": {"may_run": {"incident": ["bob"]}}})

    refused = engine.run(change("one"))

    assert (refused.exit_code, engine.done("db1")) == (ExitCode.DENIED, [])
    assert refused.problems == ("Only bob may run incident runbooks; you are alice",)
    assert refused.hint == "ask one of them: bob"


# -- hosts


@pytest.fixture
def looked_at(engine):
    """Two hosts over SSH; `looked_at.found` is what the preflight finds, `looked_at.asked` what it was asked."""
    engine.ansible.hosts = {"all": ["a", "b"]}
    inventory_says(engine, a={}, b={"become_user": "postgres"})
    engine.found, engine.asked = [HostCheck("a"), HostCheck("b")], []

    def preflight(hosts, *, become, environ, cancelled):
        engine.asked.append(({facts.host for facts in hosts}, dict(become)))
        return engine.found

    engine.ansible.preflight = preflight
    return engine


BAD = HostCheck("b", problem="b (10.0.0.2:22): no connection: Connection refused", hint="is sshd running there?")


def test_each_host_is_looked_at_once_before_the_first_step_with_whom_its_steps_become(looked_at):
    passed = looked_at.run(change("one"), change("two", become=True), change("three", become_user="app"))

    assert passed.outcome == "passed"
    assert looked_at.asked == [({"a", "b"}, {"a": {"root", "app"}, "b": {"postgres"}})]
    kinds = [record.type for record in looked_at.records]
    assert kinds.index(EventType.PREFLIGHT_FINISHED) < kinds.index(EventType.STEP_INTENDED)


def test_whom_a_verification_becomes_is_looked_at_as_well(looked_at):
    looks = {"says": "It is there", "command": "ls /one", "become_user": "app"}

    passed = looked_at.run(change("one", verify=[looks], become=True))

    assert passed.outcome == "passed"
    assert looked_at.asked == [({"a", "b"}, {"a": {"root", "app"}, "b": {"postgres"}})]


def test_a_machine_from_which_a_verification_looks_has_to_answer_as_well(looked_at):
    looked_at.ansible.hosts = {"a": ["a"], "b": ["b"]}
    looks = {"port": {"open": 80, "from": "b"}}

    passed = looked_at.run(change("one", verify=[looks], become=True), hosts="a")

    assert passed.outcome == "passed"
    assert looked_at.asked == [({"a", "b"}, {"a": {"root"}, "b": set()})]  # it looks as whoever logs in


def test_a_host_on_which_no_machine_works_need_not_answer(looked_at):
    looked_at.found = []
    by_hand = {"id": "call", "name": "Call", "manual": "Call them", "verify": [{"confirm": "They know"}]}

    passed = looked_at.run(by_hand)

    assert (passed.outcome, looked_at.asked) == ("passed", [(set(), {})])


def test_a_host_that_can_not_be_worked_on_ends_the_run_before_it_begins(looked_at):
    looked_at.found = [HostCheck("a"), BAD]

    refused = looked_at.run(change("one"))

    assert (refused.exit_code, refused.problems, refused.hint) == (
        ExitCode.UNREACHABLE,
        ("b (10.0.0.2:22): no connection: Connection refused",),
        "is sshd running there?",
    )
    assert (looked_at.done("a"), looked_at.done("b")) == ([], [])
    found = [record for record in looked_at.records if record.type == EventType.PREFLIGHT_FINISHED]
    assert [(record.host, record.data["outcome"]) for record in found] == [("a", "passed"), ("b", "unreachable")]


def test_where_a_host_may_fail_it_is_named_and_the_run_begins(looked_at):
    looked_at.found = [HostCheck("a"), BAD]

    passed = looked_at.run(change("one"), max_failures=1)

    assert (passed.outcome, looked_at.done("a")) == ("passed", ["one"])


def test_whoever_did_not_answer_counts_before_its_batch_has_its_turn(looked_at):
    # Given six hosts in batches of two, of which the last two do not answer from the start
    names = ["a", "b", "c", "d", "e", "f"]
    looked_at.ansible.hosts = {"all": names}
    inventory_says(looked_at, **{name: {"connection": "ssh"} for name in names})
    looked_at.found = [HostCheck(name, problem=f"{name} does not answer" if name in "ef" else "") for name in names]
    looked_at.ansible.answers["one", "action", "a"] = FAILED

    failed = looked_at.run(change("one"), serial=2, max_failures=2)

    assert failed.outcome == "failed"
    assert {name: looked_at.done(name) for name in names} == {name: ["one"] * (name in "ab") for name in names}


def test_what_was_not_checked_refuses_nothing(looked_at):
    looked_at.found = [HostCheck("a", left="it logs in with a password"), HostCheck("b", left="cancelled")]

    assert looked_at.run(change("one")).outcome == "passed"


WALK = {"id": "walk", "name": "Walk", "manual": "Walk there", "verify": [{"confirm": "It is well"}]}


@pytest.mark.parametrize(
    ("step", "code"),
    [(change("one"), ExitCode.UNREACHABLE), (WALK, ExitCode.DONE), ({**WALK, "verify": [{"command": "ls"}]}, 5)],
)
def test_on_this_machine_only_a_python_is_needed_and_only_where_a_machine_works(engine, step, code):
    engine.ansible.preflight = AnsibleExecutor().preflight
    inventory_says(engine, db1={"connection": "local", "python": "/no/such/python"})

    ended = engine.run(step)

    assert (ended.exit_code, engine.outcomes == {}) == (code, code != ExitCode.DONE)
    assert ("/no/such/python does not run there" in "".join(ended.problems)) == (code != ExitCode.DONE)


# -- going on, and taking back


@pytest.fixture
def failed_there(production):
    production.ansible.answers["two", "action"] = FAILED
    assert production.run(undoing("one"), change("two"), **GIVEN).exit_code is ExitCode.FAILED
    production.ansible.answers = {}
    return production


def again(engine, **changes):
    kept = {"environment": "", **changes}
    engine.asked_for = type(engine.asked_for)(**{**vars(engine.asked_for), **kept})


def test_to_go_on_in_production_the_environment_is_named_again_and_the_reason_stands(failed_there):
    again(failed_there)
    refused = failed_there.resume()
    again(failed_there, environment="production")
    passed = failed_there.resume()

    assert (refused.exit_code, passed.exit_code) == (ExitCode.DENIED, ExitCode.DONE)
    assert refused.ways_on[0].words == ("resume", RUN_ID, "--environment", "production")
    assert ruled(failed_there)[-4:] == [
        ("reason", "The pool is full", "met"),
        ("environment", "nothing", "refused"),
        ("reason", "The pool is full", "met"),
        ("environment", "production", "met"),
    ]


def test_to_take_back_in_production_the_environment_is_named_and_no_policy_is_in_the_way(failed_there):
    inventory_says(failed_there, db1={"connection": "local", "policy": {"proof": {}}, "protected": True})
    again(failed_there)
    refused = failed_there.undo()
    again(failed_there, environment="production")
    undone = failed_there.undo()

    assert (refused.exit_code, undone.outcome) == (ExitCode.DENIED, "partly undone")
    assert undone.problems == ("Two is not undone on db1: it has no `undo:`",)
    assert failed_there.done("db1")[-1] == "undo-one"


def test_a_host_that_does_not_answer_keeps_nobody_from_taking_back_elsewhere(looked_at):
    looked_at.run(undoing("one"))
    looked_at.found = [HostCheck("a"), BAD]

    assert looked_at.undo().outcome == "undone"


def test_a_policy_that_came_later_holds_up_a_run_that_is_gone_on_with(failed_there):
    inventory_says(failed_there, db1={"connection": "local", "protected": "Holds the ledger"})
    again(failed_there, environment="production")

    assert failed_there.resume().exit_code is ExitCode.DENIED


def test_a_host_that_is_no_longer_there_is_missed(engine):
    engine.ansible.hosts = {"all": ["a", "b"]}
    engine.ansible.answers["one", "action"] = FAILED
    engine.run(change("one"))
    engine.ansible.hosts = {"all": ["a"]}

    gone = engine.resume()

    assert (gone.exit_code, gone.problems) == (
        ExitCode.UNREACHABLE,
        ("the inventory no longer has b, which the run was begun on",),
    )


WRONG = {"command": "echo {{ nothing_sets_this }}"}
"""What lint calls an error."""


@pytest.mark.parametrize("given", [{"reason": "Why", "environment": "production"}, {"mode": "auto"}])
def test_a_runbook_with_errors_of_lint_is_refused_in_production_and_where_nobody_watches(engine, given):
    if "environment" in given:
        engine.ansible.environments = {"db1": "production"}

    refused = engine.run(change("one", **WRONG), **given)

    assert (refused.exit_code, engine.done("db1")) == (ExitCode.DENIED, [])
    assert "needs a runbook without errors of lint; RUN-001 has 1 error" in refused.problems[0]
    assert "runbook lint RUN-001" in refused.hint


def test_a_variable_that_the_inventory_sets_is_no_error_of_lint(engine):
    engine.ansible.environments = {"db1": "production"}
    engine.ansible.inventory["variables"] = ["nothing_sets_this"]

    assert engine.run(change("one", **WRONG), reason="Why", environment="production").exit_code is ExitCode.DONE
    assert [guard for guard, _, _ in ruled(engine)] == ["reason", "environment"]


def test_what_is_wrong_in_its_drill_stops_no_run(engine):
    engine.ansible.environments = {"db1": "production"}
    steps = {phase: WRONG | {"that": "stdout == 'x'"} for phase in ("symptom", "proof")}
    drill = {"probe": {"http": "http://db1"}, "inject": {"command": "halt"}, **steps}

    assert engine.run(change("one"), drill=drill, reason="Why", environment="production").exit_code is ExitCode.DONE


def test_elsewhere_it_is_a_warning(engine):
    assert engine.run(change("one", **WRONG)).exit_code is ExitCode.DONE
    assert [verdict for guard, _, verdict in ruled(engine) if guard == "lint"] == ["warned"]


def test_a_machine_that_works_for_the_hosts_is_looked_at_and_without_it_nothing_is_begun(engine):
    # Given a step that becomes somebody on the balancer, and more hosts may fail than there are
    engine.ansible.hosts = {"all": ["web1", "web2"], "lb": ["lb1"]}
    inventory_says(engine, **{name: {"connection": "ssh"} for name in ("web1", "web2", "lb1")})
    engine.ansible.checks["lb1"] = HostCheck("lb1", problem="lb1: no route to host")

    refused = engine.run(change("drain", on="lb", become_user="www"), max_failures=2)

    assert (refused.exit_code, refused.problems) == (ExitCode.UNREACHABLE, ("lb1: no route to host",))
    assert engine.ansible.preflights == [{"lb1": {"www"}}]
    assert engine.done("web1") == []


def test_a_balancer_of_production_makes_it_a_run_against_production(engine):
    engine.ansible.hosts = {"all": ["web1"], "lb": ["lb1"]}
    engine.ansible.environments = {"web1": "staging", "lb1": "production"}

    refused = engine.run(change("drain", on="lb"))

    assert (refused.exit_code, engine.done("web1")) == (ExitCode.DENIED, [])
    assert refused.problems[0].startswith("Production needs a reason")
