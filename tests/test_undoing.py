"""Taking back: newest first, exactly where it was begun, and what can not be is owed."""

from __future__ import annotations

from engine import FAILED, LOST, change, undoing
from fake_run import SURVEY

from runner.errors import ExitCode
from runner.events import EventType
from runner.record.debts import Debts


def debts(engine):
    return [(debt.host, debt.step) for debt in Debts(engine.around.state.path / "debts").everything()]


def test_on_the_operators_word_exactly_what_was_begun_is_taken_back_newest_first(engine):
    engine.ansible.hosts = {"all": ["a", "b"]}
    engine.ansible.answers["two", "action", "b"] = FAILED
    engine.run(undoing("one"), undoing("two"), undoing("three"), max_failures=1)

    result = engine.undo()

    assert (result.outcome, result.exit_code, engine.state["outcome"]) == ("undone", ExitCode.DONE, "undone")
    assert engine.ansible.spans == [
        SURVEY,
        (("step-undo-three",), ("a",)),
        (("step-undo-two",), ()),
        (("step-undo-one",), ()),
    ]
    assert debts(engine) == []
    assert engine.undo().outcome == "undone"
    assert engine.ansible.spans == [SURVEY]


def test_a_host_that_can_not_be_reached_keeps_a_debt_until_it_is_paid(engine):
    engine.ansible.hosts = {"all": ["a", "b"]}
    engine.run(undoing("one"))
    engine.ansible.answers["undo-one", "action", "b"] = LOST

    owed = engine.undo()
    before = debts(engine)
    engine.ansible.answers = {}
    paid = engine.undo()

    assert (owed.outcome, owed.exit_code, before) == ("failed", ExitCode.FAILED, [("b", "one")])
    assert (paid.outcome, debts(engine), engine.ansible.spans) == (
        "undone",
        [],
        [SURVEY, (("step-undo-one",), ("b",))],
    )
    kinds = [str(record.type) for record in engine.records if record.type.startswith("debt.")]
    assert kinds == ["debt.made", "debt.made", "debt.paid", "debt.made", "debt.paid"]


def test_every_later_run_against_the_host_shows_the_debt(engine):
    engine.run(undoing("one"))
    engine.ansible.answers["undo-one", "action"] = LOST
    engine.undo()

    engine.ansible.answers = {}
    engine.resume()

    found = [
        (event.step, event.host, event.data["runbook"]) for event in engine.heard if event.type is EventType.DEBT_FOUND
    ]
    assert found == [("one", "db1", "RUN-001")]


def test_a_host_that_may_fail_is_taken_back_alone(engine):
    engine.ansible.hosts = {"all": ["a", "b"]}
    engine.ansible.answers["one", "action", "b"] = FAILED

    result = engine.run(undoing("one", on_failure="undo"), change("two"), max_failures=1)

    assert result.problems == ("partial: passed on a; failed on b",)
    assert [span for span in engine.ansible.spans if "undo" in span[0][0]] == [(("step-undo-one",), ("b",))]
    assert engine.outcomes["two", "a"] == "passed"
