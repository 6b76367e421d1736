"""A dry run really looks, shows what it would change, and does not pretend to know what comes after."""

from __future__ import annotations

from harness.engine import FAILED, change

from runner.core.errors import ExitCode
from runner.core.events import EventType
from runner.render.history.recorded_runs import proofs
from runner.render.history.run_history import histories


def look(name, **keys):
    return change(name, effect="read", **keys)


def test_what_only_looks_is_done_and_what_changes_is_shown(engine):
    result = engine.run(
        look("look", capture={"count": "stdout"}),
        look("use", command="test {{ count }}"),
        change("make", capture={"made": "stdout"}, approve="Go?"),
        look("after"),
        look("need", command="test {{ made }}"),
        {"id": "walk", "name": "Walk", "manual": "Walk", "verify": [{"confirm": "There"}]},
        mode="dry-run",
    )

    assert (result.outcome, result.exit_code, engine.operator.asked) == ("planned", ExitCode.DONE, [])
    assert engine.done("db1") == ["look", "use", "after"]
    assert {step: outcome for (step, _), outcome in engine.outcomes.items()} == {
        "look": "passed",
        "use": "passed",
        "make": "planned",
        "after": "passed",
        "need": "unknowable",
        "walk": "planned",
    }
    shown = [record.data["commands"] for record in engine.records if record.type == EventType.COMMANDS_RENDERED]
    assert shown == [{"db1": "touch /make"}]
    assert (list(proofs(histories(engine.records))), engine.channel.sent) == ([], [])


def test_a_runbook_that_only_looks_is_not_proven_by_a_dry_run(engine):
    result = engine.run(look("look"), look("again"), mode="dry-run")

    assert (result.outcome, result.exit_code) == ("planned", ExitCode.DONE)
    assert engine.outcomes == {("look", "db1"): "passed", ("again", "db1"): "passed"}
    assert (list(proofs(histories(engine.records))), engine.channel.sent) == ([], [])


def test_what_does_not_hold_before_any_change_has_failed_and_ends_it(engine):
    engine.ansible.answers["look", "verify/1"] = FAILED

    result = engine.run(look("look"), change("make"), mode="dry-run")

    assert (result.outcome, result.exit_code) == ("failed", ExitCode.FAILED)
    assert engine.outcomes == {("look", "db1"): "failed", ("make", "db1"): "never reached"}


def test_what_does_not_hold_after_a_change_is_unknowable(engine):
    engine.ansible.answers["after", "verify/1"] = FAILED

    result = engine.run(change("make"), look("after"), mode="dry-run")

    assert (result.outcome, engine.outcomes["after", "db1"]) == ("planned", "unknowable")


def test_a_preflight_probes_every_prerequisite_whatever_became_of_the_others_and_does_nothing_else(engine):
    def probe(name):
        return {"name": name, "command": f"test {name}", "verify": [{"exit": 0}]}

    engine.ansible.environments = {"db1": "production"}
    engine.ansible.answers["prerequisite-1", "action"] = FAILED
    needs = [probe("May log in"), {"confirm": "You can open PagerDuty"}, probe("May signal")]

    result = engine.run(change("make", approve="Go?"), prerequisites=needs, mode="preflight")

    assert (result.outcome, result.exit_code) == ("failed", ExitCode.FAILED)
    assert {step: outcome for (step, _), outcome in engine.outcomes.items()} == {
        "prerequisite-1": "failed",
        "prerequisite-2": "planned",
        "prerequisite-3": "passed",
        "make": "planned",
    }
    assert (engine.done("db1"), engine.operator.asked) == (["prerequisite-1", "prerequisite-3"], [])
    # What the guards would want is said, and nobody is called
    wanted = [record.data["guard"] for record in engine.records if record.type == EventType.GUARD_CHECKED]
    assert (wanted, engine.channel.sent) == (["reason", "environment"], [])


def test_a_preflight_with_nothing_in_the_way_is_green(engine):
    result = engine.run(change("make"), mode="preflight")

    assert (result.outcome, result.exit_code, engine.done("db1")) == ("planned", ExitCode.DONE, [])


def test_a_dry_run_that_fails_calls_nobody(engine):
    engine.ansible.answers["look", "action"] = FAILED
    calls = {"when": ["step_failed"], "contacts": ["on-call"], "provide": ["timeline"]}

    result = engine.run(look("look", on_failure="escalate"), mode="dry-run", escalation=calls)

    assert (result.exit_code, engine.channel.sent) == (ExitCode.FAILED, [])
