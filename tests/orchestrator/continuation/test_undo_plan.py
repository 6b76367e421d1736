"""Taking back: newest first, exactly where it was begun, and what cannot be is owed."""

from __future__ import annotations

import pytest
from harness.engine import FAILED, LOST, change, undoing
from harness.fake_run import SURVEY
from harness.fakes import RUN_ID

import runner.orchestrator.run_loop
from runner.core.errors import DeniedError, ExitCode
from runner.core.events import EventType
from runner.orchestrator.continuation.undo_plan import UndoPlan
from runner.orchestrator.run_environment import GateAnswer
from runner.store.owed_undos import ArmedHost, OwedUndo


def debts(engine):
    return [(debt.host, debt.step) for debt in engine.env.state.owed_undos.all()]


def test_on_the_operators_word_exactly_what_was_begun_is_taken_back_newest_first(engine):
    engine.ansible.hosts = {"all": ["a", "b"]}
    engine.ansible.answers["two", "action", "b"] = FAILED
    engine.run(undoing("one"), undoing("two"), undoing("three"), max_failures=1)

    result = engine.undo()

    assert (result.outcome, result.exit_code, engine.state["outcome"]) == ("undone", ExitCode.DONE, "undone")
    assert engine.ansible.calls == [
        SURVEY,
        (("step-undo-three",), ("a",)),
        (("step-undo-two",), ()),
        (("step-undo-one",), ()),
    ]
    assert debts(engine) == []
    again, before = engine.undo(), len(engine.records)
    assert (again.outcome, again.exit_code, again.hint) == (
        "undone",
        ExitCode.DONE,
        f"nothing to undo in the run {RUN_ID} of RUN-001: it has changed nothing that is not undone",
    )
    assert (engine.ansible.calls, len(engine.records)) == ([], before)


def test_each_host_goes_back_from_where_it_stands_once_and_from_there_forward_again(engine):
    # Given hosts that failed at different steps; live, it is shown in tests/live/test_three_hosts_live.py
    names, hosts = ("one", "two", "three", "four"), ("a", "b", "c")
    engine.ansible.hosts = {"all": list(hosts)}
    failing = [("one", "action", "a"), ("two", "action", "b"), ("three", "verify/1", "c")]
    engine.ansible.answers = dict.fromkeys(failing, FAILED)
    engine.run(*map(undoing, names), max_failures=2)
    begun = {host: list(names[: number + 1]) for number, host in enumerate(hosts)}
    assert {host: engine.done(host) for host in hosts} == begun
    # When it is undone twice, and gone on with
    engine.ansible.answers = {}
    ended = [engine.undo(), engine.undo(), engine.resume()]
    # Then there was nothing left to take back the second time, and all of it is done anew
    assert [(result.exit_code, result.outcome) for result in ended] == [
        (ExitCode.DONE, "undone"),
        (ExitCode.DONE, "undone"),
        (ExitCode.DONE, "passed"),
    ]
    back = {host: [f"undo-{name}" for name in reversed(begun[host])] for host in hosts}
    assert {host: engine.done(host) for host in hosts} == {host: [*begun[host], *back[host], *names] for host in hosts}


def test_a_host_that_can_not_be_reached_keeps_a_debt_until_it_is_paid(engine):
    engine.ansible.hosts = {"all": ["a", "b"]}
    engine.run(undoing("one"))
    engine.ansible.answers["undo-one", "action", "b"] = LOST

    owed = engine.undo()
    before = debts(engine)
    engine.ansible.answers = {}
    paid = engine.undo()

    assert (owed.outcome, owed.exit_code, before) == ("partly undone", ExitCode.PARTLY_UNDONE, [("b", "one")])
    assert owed.problems == ("One is not undone on b: its undo ended as unreachable (no route to host)",)
    assert (paid.outcome, debts(engine), engine.ansible.calls) == (
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


@pytest.mark.parametrize(("own", "shown"), [(False, 1), (True, 0)])
def test_what_another_drill_has_left_is_shown_and_what_the_own_one_has_broken_is_not(engine, own, shown):
    drill = RUN_ID if own else "20260101T000000Z-0000000d"
    armed = ArmedHost("db1", "", ("/x",), "2026-01-01T00:05:00", 1, 1, "boot", broken=True)
    engine.env.state.owed_undos.add(OwedUndo("db1", "RUN-001", "drill/undo", drill, "2026-01-01T00:00:00", armed))

    engine.run(undoing("one"))

    assert len([event for event in engine.heard if event.type is EventType.DEBT_FOUND]) == shown


def test_a_host_that_may_fail_is_taken_back_alone(engine):
    engine.ansible.hosts = {"all": ["a", "b"]}
    engine.ansible.answers["one", "action", "b"] = FAILED

    result = engine.run(undoing("one", on_failure="undo"), change("two"), max_failures=1)

    assert result.problems == ("partial: passed on a; failed on b",)
    assert [span for span in engine.ansible.calls if "undo" in span[0][0]] == [(("step-undo-one",), ("b",))]
    assert engine.outcomes["two", "a"] == "passed"


ESCALATES = {"when": ["step_failed"], "contacts": ["on-call"], "provide": ["timeline"]}


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ({}, "it has no `undo:`"),
        ({"effect": "destructive", "reversible": False}, "nothing undoes it (`reversible: no`)"),
        ({"command": None, "manual": "Pull the plug", "verify": [{"confirm": "It is out"}]}, "it was done by hand"),
    ],
)
def test_what_nothing_takes_back_is_told_and_the_run_is_not_undone(engine, keys, why):
    # Given a change that stays between two that are taken back
    stays = {key: value for key, value in {**change("two"), **keys}.items() if value is not None}
    engine.ansible.answers["three", "action"] = FAILED
    engine.run(undoing("one"), stays, undoing("three"))
    # When
    result = engine.undo()
    # Then
    assert (result.outcome, result.exit_code, engine.state["outcome"]) == (
        "partly undone",
        ExitCode.PARTLY_UNDONE,
        "partly undone",
    )
    assert result.problems == (f"Two is not undone on db1: {why}",)
    assert engine.done("db1")[-2:] == ["undo-three", "undo-one"]
    planned = [record.data for record in engine.records if record.type == EventType.UNDO_PLANNED]
    assert [[item["step"] for item in planned[0][key]] for key in ("takes_back", "stays")] == [
        ["three", "one"],
        ["two"],
    ]


def test_what_only_looked_is_no_change(engine):
    engine.run(change("look", effect="read", verify=[{"exit": 0}]), undoing("one"))

    assert engine.undo().outcome == "undone"


def test_what_was_begun_once_stands_though_it_was_to_be_done_again_and_never_was(engine):
    # Given a change that failed half way, and a resume that comes to its end before it is done again
    engine.ansible.answers["two", "action"] = FAILED
    engine.run(undoing("one"), change("two"))
    engine.ansible.answers = {("one", "verify/1"): FAILED}
    engine.operator.answers["one"] = GateAnswer(yes=False, by="alice")
    engine.resume()
    # When
    engine.ansible.answers = {}
    result = engine.undo()
    # Then
    assert (result.outcome, result.problems) == (
        "partly undone",
        ("Two is not undone on db1: it has no `undo:`",),
    )


def test_a_change_that_was_taken_back_and_made_anew_is_taken_back_once_more(engine):
    engine.ansible.answers["two", "action"] = FAILED
    engine.run(undoing("one"), undoing("two"))
    engine.undo()
    engine.resume()

    result = engine.undo()

    assert (result.outcome, engine.done("db1").count("undo-one")) == ("undone", 2)


def test_taking_back_resolves_nothing_and_a_run_that_passes_does(engine):
    engine.ansible.answers["two", "action"] = FAILED
    engine.run(undoing("one"), undoing("two", on_failure="escalate"), escalation=ESCALATES)

    engine.undo()
    taken_back = list(engine.channel.actions)
    engine.ansible.answers = {}
    engine.resume()

    assert (taken_back, engine.channel.actions) == (["trigger"], ["trigger", "resolve"])


@pytest.mark.parametrize("mode", ["dry-run", "preflight"])
def test_what_only_looked_has_nothing_to_undo_and_stays_what_it_was(engine, mode):
    engine.run(undoing("one"), mode=mode)
    before = engine.state, engine.records

    result = engine.undo()

    assert (result.outcome, result.exit_code, result.hint) == (
        "planned",
        ExitCode.DONE,
        f"nothing to undo in the run {RUN_ID} of RUN-001: it only looked",
    )
    assert (engine.state, engine.records, engine.ansible.calls) == (*before, [])


def test_something_else_than_was_shown_is_not_taken_back(engine):
    engine.run(undoing("one"))

    refused = runner.orchestrator.run_loop.undo_all(*engine._again(), expected=UndoPlan((), ()))

    assert (refused.exit_code, engine.ansible.calls, engine.state["outcome"]) == (ExitCode.DENIED, [], "passed")
    assert refused.problems == ("the run has continued since its undo was shown: something else is to be undone",)
    assert engine.records[-1].type == "run.refused"


def test_a_refused_undo_leaves_the_run_as_it_was(engine):
    engine.run(undoing("one"))
    before = engine.state

    def refuse(*_, **__):
        raise DeniedError("Production needs --environment production")

    engine.ansible.resolve = refuse
    result = engine.undo()

    assert (result.outcome, result.exit_code, engine.state) == ("passed", ExitCode.DENIED, before)
    assert [str(record.type) for record in engine.records][-2:] == ["run.resumed", "run.refused"]


def test_an_undo_on_failure_says_what_stays(engine):
    engine.ansible.answers["three", "action"] = FAILED

    result = engine.run(undoing("one"), change("two"), undoing("three", on_failure="undo"))

    assert (result.outcome, result.problems) == ("failed", ("Two is not undone on db1: it has no `undo:`",))
    assert engine.done("db1") == ["one", "two", "three", "undo-three", "undo-one"]


def test_what_was_done_host_after_host_is_taken_back_host_after_host_the_last_one_first(engine):
    # Given that a balancer loses only one of its hosts at a time, on the way there and on the way back
    engine.ansible.hosts = {"all": ["a", "b", "c"]}
    engine.ansible.answers["check", "action", "b"] = FAILED
    steps = [undoing("drain"), change("check", on_failure="undo"), undoing("refill")]

    result = engine.run(*steps, serial=1)

    assert (result.outcome, engine.done("c")) == ("failed", [])
    backward = [call for call in engine.ansible.calls if "undo" in call[0][0]]
    assert backward == [
        (("step-undo-drain",), ("b",)),
        (("step-undo-refill",), ("a",)),
        (("step-undo-drain",), ("a",)),
    ]
    assert debts(engine) == []
