"""A dry run really looks, shows what it would change, and does not pretend to know what comes after."""

from __future__ import annotations

from engine import FAILED, change

from runner.errors import ExitCode
from runner.events import EventType
from runner.record.proofs import proofs


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
    assert (list(proofs(engine.records)), engine.channel.sent) == ([], [])


def test_what_does_not_hold_before_any_change_has_failed_and_ends_it(engine):
    engine.ansible.answers["look", "verify/1"] = FAILED

    result = engine.run(look("look"), change("make"), mode="dry-run")

    assert (result.outcome, result.exit_code) == ("failed", ExitCode.FAILED)
    assert engine.outcomes == {("look", "db1"): "failed", ("make", "db1"): "never reached"}


def test_what_does_not_hold_after_a_change_is_unknowable(engine):
    engine.ansible.answers["after", "verify/1"] = FAILED

    result = engine.run(change("make"), look("after"), mode="dry-run")

    assert (result.outcome, engine.outcomes["after", "db1"]) == ("planned", "unknowable")
