"""The guards rule: what is required of a run, what was given, and what follows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.executor.inventory.connection_facts import ConnectionFacts
from runner.executor.target import CLASSES, Target
from runner.kinds.steps.command_step import CommandStep
from runner.kinds.steps.manual_step import ManualStep
from runner.kinds.verifications.exit_code import Exit
from runner.library.last_tested import Proof
from runner.model.category import Category
from runner.model.contacts import Contact
from runner.model.runbook import Runbook
from runner.model.step import Approval, Effect, Step
from runner.model.verification import Verification
from runner.orchestrator.start import guards
from runner.orchestrator.start.guards import Case

NOW = datetime(2026, 1, 8, tzinfo=UTC)
ZERO = Verification(says="Zero", kinds=(Exit(exit=0),))
SHA = "ab" * 32


def step(**keys):
    return Step(**{"id": "act", "name": "Act", "action": CommandStep(command="ls"), "verify": (ZERO,), **keys})


def runbook(*steps, **keys):
    kind = {"category": Category.DEPLOYMENT, **keys}
    return Runbook.model_construct(id="RUN-001", hosts="all", steps=steps or (step(),), **kind)


def target(environment="production", **hosts):
    """One host or more, each with what its inventory says about runs."""
    facts = {name: ConnectionFacts.read(name, told) for name, told in (hosts or {"db1": {}}).items()}
    return Target({"all": tuple(facts)}, dict.fromkeys(facts, environment), connection_facts=facts)


def case(environment="production", **changes):
    given = {
        "runbook": runbook(),
        "target": target(environment),
        "limit": None,
        "reason": "",
        "typed": "",
        "break_glass": "",
        "login": "alice",
        "groups": ("staff",),
        "contacts": {"release-managers": Contact(name="Release managers", members=("Bob", "carol"))},
        "asks_nobody": False,
        "playbooks": {"RUN-001": SHA},
        "proofs": list,
        "now": NOW,
    }
    return Case(**{**given, **changes})


def verdicts(rulings):
    return [(ruling.guard, ruling.verdict) for ruling in rulings]


@pytest.mark.parametrize("environment", ["local", "lab", "staging"])
def test_where_one_tries_out_nothing_is_asked(environment):
    assert [*guards.rules(case(environment)), *guards.environment(case(environment))] == []


@pytest.mark.parametrize(("reason", "verdict"), [("", "refused"), ("  ", "refused"), ("The pool is full", "met")])
def test_production_wants_a_reason(reason, verdict):
    assert verdicts(guards.rules(case(reason=reason))) == [("reason", verdict)]


@pytest.mark.parametrize(
    ("environment", "typed", "verdict"),
    [
        ("production", "", "refused"),
        ("production", "prod", "refused"),
        ("production", "Production", "refused"),
        ("production", "production", "met"),
        ("production", "staging", "refused"),
        ("staging", "production", "refused"),
        ("staging", "staging", "met"),
    ],
)
def test_who_names_an_environment_must_be_right_and_in_production_it_must_be_named(environment, typed, verdict):
    assert verdicts(guards.environment(case(environment, typed=typed))) == [("environment", verdict)]


def test_who_is_wrong_is_told_where_they_are():
    (ruling,) = guards.environment(case("production", typed="staging"))

    assert ruling.sentence == "Production needs --environment production; you gave staging"
    assert ruling.hint == "look at the inventory and at --limit: db1 is production"


@pytest.mark.parametrize(
    ("most", "policy", "glass", "found"),
    [
        (None, None, "", []),
        (2, 3, "", [("max_hosts", "met"), ("max_hosts", "met")]),
        (1, None, "", [("max_hosts", "refused")]),
        (None, 1, "", [("max_hosts", "refused")]),
        (1, 2, "The shop is down", [("max_hosts", "overridden"), ("max_hosts", "met")]),
    ],
)
def test_no_more_hosts_than_the_runbook_and_the_policy_allow(most, policy, glass, found):
    policy = {"policy": {"max_hosts": policy}} if policy else {}
    two = target("staging", db1={}, db2=policy)

    ruled = guards.rules(case(target=two, runbook=runbook(max_hosts=most), break_glass=glass))

    assert verdicts(ruled) == found


def test_too_many_hosts_are_named():
    (ruling,) = guards.rules(case(target=target("lab", db1={}, db2={}), runbook=runbook(max_hosts=1)))

    assert ruling.sentence == "RUN-001 allows at most 1 host; this is a run on 2 hosts: db1, db2"
    assert ruling.hint.startswith("do fewer at a time with --limit; ")


@pytest.mark.parametrize(
    ("limit", "reason", "glass", "verdict"),
    [
        (None, "Why", "", "refused"),
        ("all", "Why", "", "refused"),
        ("db*", "Why", "", "refused"),
        ("db:!app", "Why", "", "refused"),
        ("!db1", "Why", "", "refused"),
        ("db1", "", "", "refused"),
        ("db1", "Why", "", "met"),
        ("app1,db1", "Why", "", "met"),
        (None, "", "The ledger burns", "overridden"),
    ],
)
def test_a_protected_host_is_changed_only_when_it_is_named_itself_and_with_a_reason(limit, reason, glass, verdict):
    told = target("lab", db1={"protected": "Holds the ledger"}, db2={"protected": False})

    ruled = guards.rules(case(target=told, limit=limit, reason=reason, break_glass=glass))

    assert verdicts(ruled) == [("protected", verdict)]
    assert ruled[0].required == "db1 in --limit by its own name, and a reason (Holds the ledger)"


@pytest.mark.parametrize(
    "steps",
    [
        [step(effect="read")],
        [step(action=ManualStep(manual="Do it"))],
        [step(hosts="others")],
    ],
)
def test_a_protected_host_may_be_looked_at_and_others_be_changed(steps):
    told = target("lab", db1={"protected": True})

    assert guards.rules(case(target=told, runbook=runbook(*steps))) == []


def proof(**changes):
    given = {"runbook": "RUN-001", "runbook_sha256": "-", "playbook_sha256": SHA, "environment": "staging"}
    return Proof(**{**given, "run": "run-7", "time": NOW - timedelta(days=2), **changes})


@pytest.mark.parametrize(
    ("proofs", "given", "verdict"),
    [
        ([proof()], "the run run-7, 2d ago", "met"),
        ([], "no such run", "refused"),
        ([proof(time=NOW - timedelta(days=8)), proof()], "the run run-7, 2d ago", "met"),
        ([proof(time=NOW - timedelta(days=7, seconds=1))], "the run run-7, 7d1s ago", "refused"),
        ([proof(environment="production")], "no such run", "refused"),
        ([proof(environment="lab")], "no such run", "refused"),
        ([proof(playbook_sha256="cd" * 32)], "no such run", "refused"),
    ],
)
def test_what_runs_in_production_has_passed_on_staging_as_it_is_compiled_now(proofs, given, verdict):
    told = target(db1={"policy": {"proof": {"within": "7d"}}})

    *_, ruling = guards.rules(case(target=told, reason="Why", proofs=lambda: proofs))

    assert (ruling.guard, ruling.given, ruling.verdict) == ("proof", given, verdict)
    assert ruling.required == f"that RUN-001 as it is compiled now ({SHA[:12]}) has passed on staging within 7d"


def test_the_runbooks_that_may_take_over_are_proven_as_well():
    told = target(db1={"policy": {"proof": {}}})
    playbooks = {"RUN-001": SHA, "RUN-010": "cd" * 32}

    ruled = guards.rules(case(target=told, reason="Why", playbooks=playbooks, proofs=lambda: [proof()]))

    assert verdicts(ruled) == [("reason", "met"), ("proof", "met"), ("proof", "refused")]


def test_a_runbook_that_only_looks_needs_no_proof_and_no_second_person():
    told = target(db1={"policy": {"proof": {}, "four_eyes": True}})

    ruled = guards.rules(case(target=told, runbook=runbook(step(effect="read")), reason="Why"))

    assert verdicts(ruled) == [("reason", "met")]


LOOK = step(id="look", effect="read")
ASKS = Approval(says="Go?")


@pytest.mark.parametrize(
    ("steps", "changes", "verdict", "given"),
    [
        ([LOOK, step()], {}, "refused", "no question"),
        ([step(), step(id="later", approve=ASKS)], {}, "refused", "no question"),
        ([LOOK, step(approve=ASKS), step(id="later")], {}, "met", "such a question"),
        ([step(effect="destructive")], {}, "met", "such a question"),
        ([step(approve=ASKS)], {"asks_nobody": True}, "refused", "no question"),
        ([step()], {"break_glass": "It burns"}, "overridden", "no question"),
        (
            [step(approve=ASKS)],
            {"break_glass": "It burns"},
            "overridden",
            "a question that whoever began the run may answer",
        ),
    ],
)
def test_what_two_people_must_see_asks_one_of_them_before_anything_is_changed(steps, changes, verdict, given):
    told = target(db1={"policy": {"four_eyes": True}})

    *_, ruling = guards.rules(case(target=told, runbook=runbook(*steps), reason="Why", **changes))

    assert (ruling.guard, ruling.verdict, ruling.given) == ("four_eyes", verdict, given)


def test_what_is_changed_only_when_a_run_is_cancelled_is_asked_of_nobody():
    told = target(db1={"policy": {"four_eyes": True}})

    *_, ruling = guards.rules(case(target=told, runbook=runbook(LOOK, on_cancel=(step(id="free"),)), reason="Why"))

    assert (ruling.guard, ruling.verdict, ruling.given) == ("four_eyes", "refused", "no question")


def test_that_one_may_approve_alone_in_production_with_a_broken_glass_is_said():
    asking = runbook(step(approve=ASKS))

    assert verdicts(guards.rules(case(runbook=asking, reason="Why"))) == [("reason", "met")]
    assert verdicts(guards.rules(case(runbook=asking, break_glass="It burns"))) == [
        ("reason", "met"),
        ("four_eyes", "overridden"),
    ]


def test_to_take_back_what_was_done_only_a_reason_is_wanted():
    told = target(db1={"policy": {"proof": {}, "max_hosts": 1}, "protected": True}, db2={})

    assert verdicts(guards.undoing(case(target=told, reason="Why"))) == [("reason", "met")]


@given(
    environment=st.sampled_from(CLASSES),
    reason=st.sampled_from(["", "Why"]),
    glass=st.sampled_from(["", " ", "It burns"]),
    limit=st.sampled_from([None, "db1", "all"]),
    policy=st.fixed_dictionaries({}, optional={"proof": st.just({}), "max_hosts": st.just(1)}),
)
def test_a_broken_glass_goes_past_every_guard_but_never_past_the_typed_name(environment, reason, glass, limit, policy):
    told = target(environment, db1={"policy": policy, "protected": True}, db2={})
    plain = case(target=told, reason=reason, limit=limit)

    with_glass = guards.rules(replace(plain, break_glass=glass))

    assert [ruling.guard for ruling in with_glass] == [ruling.guard for ruling in guards.rules(plain)]
    if glass.strip():
        assert "refused" not in {ruling.verdict for ruling in with_glass}
    else:
        assert "overridden" not in {ruling.verdict for ruling in with_glass}
    refused = {ruling.verdict for ruling in guards.environment(replace(plain, break_glass=glass))}
    assert refused == ({"refused"} if environment == "production" else set())


@pytest.mark.parametrize(
    ("environment", "asks_nobody", "break_glass", "verdict"),
    [
        ("production", False, "", "refused"),
        ("production", False, "Data is lost", "overridden"),
        ("staging", True, "", "refused"),
        ("staging", False, "", "warned"),
    ],
)
def test_a_runbook_with_errors_of_lint_runs_only_where_somebody_watches(environment, asks_nobody, break_glass, verdict):
    found = {"RUN-001.yml:7: one": False, "RUN-001.yml:9: two": False}
    judged = case(
        environment, asks_nobody=asks_nobody, break_glass=break_glass, reason="Why", lint_errors=lambda: found
    )

    (ruling,) = [ruling for ruling in guards.rules(judged) if ruling.guard == "lint"]

    assert (ruling.verdict, ruling.given) == (verdict, "2 errors: RUN-001.yml:7: one; RUN-001.yml:9: two")


def test_one_by_which_it_would_fail_half_done_stops_it_everywhere_and_is_told_first():
    judged = case("local", lint_errors=lambda: {"RUN-001.yml:7: one": False, "RUN-001.yml:9: two": True})

    (ruling,) = [ruling for ruling in guards.rules(judged) if ruling.guard == "lint"]

    assert (ruling.verdict, ruling.given) == ("refused", "2 errors: RUN-001.yml:9: two; RUN-001.yml:7: one")


RELEASE = {"may_run": {"deployment": ["release-managers", "unix:wheel", "dave"]}}


@pytest.mark.parametrize(
    ("login", "groups", "verdict"),
    [
        ("bob", (), "met"),
        ("dave", (), "met"),
        ("alice", ("wheel",), "met"),
        ("alice", ("staff",), "refused"),
        ("wheel", (), "refused"),
        ("release-managers", (), "refused"),
    ],
)
def test_who_may_run_a_category_is_said_by_login_contact_or_group_of_the_system(login, groups, verdict):
    asked = case("staging", target=target("staging", db1={"policy": RELEASE}), login=login, groups=groups)

    assert verdicts(guards.rules(asked)) == [("may_run", verdict)]
    assert verdicts(guards.undoing(asked)) == [("may_run", verdict)]


@pytest.mark.parametrize(
    ("owner", "verdict"),
    [
        ("release-managers", "met"),  # who is named
        ("deployers", "met"),  # each of whom is a release manager, or dave
        ("mixed", "refused"),  # alice is not
        ("empty", "refused"),
        ("gone", "refused"),
    ],
)
def test_a_schedule_may_run_what_the_owner_of_its_runbook_may(owner, verdict):
    people = {"deployers": ("bob", "dave"), "mixed": ("bob", "alice"), "empty": ()}
    asked = case("staging", target=target("staging", db1={"policy": RELEASE}), login="schedule:run-002/nightly")
    others = {name: Contact(name=name, channels=(), members=members) for name, members in people.items()}
    asked = replace(asked, runbook=asked.runbook.model_copy(update={"owner": owner}), contacts=asked.contacts | others)

    (ruling,) = guards.rules(asked)

    assert (ruling.verdict, ruling.given) == (verdict, f"schedule:run-002/nightly of {owner}")


def test_whoever_may_not_is_told_who_may_and_no_broken_glass_changes_that():
    hosts = target("staging", db1={"policy": RELEASE}, db2={})

    (ruling,) = guards.rules(case("staging", target=hosts, break_glass="It burns"))

    assert (ruling.verdict, ruling.sentence, ruling.hint) == (
        "refused",
        "Only release-managers, unix:wheel, dave may run deployment runbooks; you are alice",
        "ask one of them: Bob, carol, unix:wheel, dave",
    )


def test_another_category_is_for_everybody():
    hosts = target("staging", db1={"policy": RELEASE})

    assert guards.rules(case("staging", target=hosts, runbook=runbook(category=Category.INCIDENT))) == []


def test_each_host_has_a_word_in_who_may_run():
    hosts = target("staging", db1={"policy": RELEASE}, db2={"policy": {"may_run": {"deployment": ["erin"]}}})

    assert verdicts(guards.rules(case("staging", target=hosts, login="bob"))) == [
        ("may_run", "met"),
        ("may_run", "refused"),
    ]


@pytest.mark.parametrize(
    ("on", "reason", "verdict"),
    [("db1", "Why", "met"), ("db1", "", "refused"), ("balancers", "Why", "refused")],
)
def test_a_protected_host_that_works_for_others_is_named_by_the_runbook_itself(on, reason, verdict):
    told = target("lab", app1={}, db1={"protected": "Holds the ledger"})
    told = replace(told, hosts={"all": ("app1",)}, delegates={on: ("db1",)})

    ruled = guards.rules(case(target=told, runbook=runbook(step(on=on)), reason=reason))

    assert verdicts(ruled) == [("protected", verdict)]


@pytest.mark.parametrize(
    ("closed", "glass", "verdict"),
    [
        (("Year's end", ""), "", ["refused"]),
        (("Year's end", ""), "fire", ["overridden"]),
        (("", "x.ics is larger than 1 MiB"), "", ["warned"]),
        (("", ""), "", []),
    ],
)
def test_a_calendar_that_counts_by_hand_lets_nobody_change_anything(closed, glass, verdict):
    given = case("local", closed=lambda: closed, break_glass=glass)
    rulings = [each for each in guards.rules(given) if each.guard == "calendar"]

    assert [each.verdict for each in rulings] == verdict
    only_looks = case("local", closed=lambda: closed, runbook=runbook(step(effect=Effect.READ)))
    assert [each for each in guards.rules(only_looks) if each.guard == "calendar"] == []


def test_an_approved_schedule_is_the_yes_of_somebody_else():
    given = case(target=target(db1={"policy": {"four_eyes": True}}), asks_nobody=True)
    verdict = lambda one: [each.verdict for each in guards.rules(one) if each.guard == "four_eyes"]  # noqa: E731

    assert (verdict(given), verdict(replace(given, approved="bob"))) == (["refused"], ["met"])
