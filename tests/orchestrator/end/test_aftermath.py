"""What a run leaves behind, as its last screen tells it."""

from __future__ import annotations

import pytest
from harness.engine import FAILED, LOST, NOBODY, change, undoing

from runner.core.errors import AuditError, BrokenLogError, ExecutionError
from runner.orchestrator.run_environment import GateAnswer

SO_FAR, CHANGED, UNTOUCHED = "changed, and verified as far as it went", "changed and not verified", "untouched"


@pytest.mark.parametrize(
    ("answer", "happened"),
    [
        (GateAnswer(yes=False, by="alice", note="too risky"), "One was denied by alice on db1: too risky"),
        (
            GateAnswer(yes=False, by="nobody", note="not approved within 1h"),
            "One got no answer on db1: not approved within 1h",
        ),
    ],
)
def test_only_who_has_said_no_has_denied_it(engine, answer, happened):
    engine.operator.answers = {"one": answer}

    assert engine.run(change("one", approve="Go ahead?")).happened == happened


@pytest.mark.parametrize(
    ("request_", "happened"), [("SIGINT", "stopped by Ctrl-C"), ("cancelled by bob", "cancelled by bob")]
)
def test_who_or_what_stopped_the_run_is_called_as_people_call_it(engine, request_, happened):
    def interrupted(*_):
        engine.env.cancellation.request(request_)
        return GateAnswer(yes=False, by="alice")

    engine.operator.answer = interrupted

    assert engine.run(change("one", approve="Do it?")).happened.startswith(happened)


@pytest.mark.parametrize(
    ("refused", "broken", "hosts"),
    [
        ("two", None, {SO_FAR: ["db1"]}),
        ("one", None, {UNTOUCHED: ["db1"]}),
        (None, "two", {CHANGED: ["db1"]}),
    ],
)
def test_a_change_whose_checks_hold_is_not_called_unverified(engine, refused, broken, hosts):
    asked = {"approve": "Do it?"}
    engine.operator.answers = {refused: GateAnswer(yes=False, by="alice")}
    engine.ansible.answers = {(broken, "action"): FAILED}

    result = engine.run(*(change(name, **(asked if name == refused else {})) for name in ("one", "two")))

    assert result.hosts == hosts


@pytest.mark.parametrize(
    ("keys", "does"),
    [
        ({}, "continues where it stopped; look first: it may ask for --done or --redo two"),
        ({"idempotent": True}, "continues where it stopped"),
    ],
)
def test_what_going_on_may_ask_for_is_said_where_a_step_is_in_doubt(engine, keys, does):
    engine.ansible.answers = {("two", "action"): ("failed", {"rc": -9, "module_stdout": "", "msg": "MODULE FAILURE"})}

    result = engine.run(change("one"), change("two", **keys))

    assert [way.does for way in result.ways_on if way.words[0] == "resume"] == [does]


def test_a_command_that_goes_on_says_which_variables_its_secrets_are_in(engine):
    secret = {"type": "secret", "help": "A key"}
    takes = {"key": secret, "same": secret, "other": secret, "typed": secret}
    places = {"key": "env:SHOP_TOKEN", "same": "env:SHOP_TOKEN", "other": "file:/srv/key", "typed": "prompt"}
    engine.ansible.answers = {("two", "action"): FAILED}

    result = engine.run(
        undoing("one"), change("two"), takes=takes, inputs=places, secrets=dict.fromkeys(takes, "hunter2!")
    )

    assert [way.does for way in result.ways_on] == [
        "continues where it stopped; needs SHOP_TOKEN in the environment",
        "undoes what it changed; needs SHOP_TOKEN in the environment",
        "shows what happened",
    ]


def test_an_undo_that_failed_is_told_after_what_made_it_necessary(engine):
    engine.ansible.answers = {("two", "action"): FAILED, ("undo-one", "action"): FAILED}

    result = engine.run(undoing("one"), change("two", on_failure="undo"))

    assert result.happened == "Two failed on db1: exit code 1; then Undo: One failed on db1: exit code 1"


def test_going_on_after_an_undo_does_again_what_is_undone(engine):
    engine.ansible.answers = {("two", "action"): FAILED}
    engine.run(undoing("one"), change("two"))

    result = engine.undo()

    assert {way.words[0]: way.does for way in result.ways_on}["resume"] == "does again what is undone, and continues"


def test_nothing_that_a_broken_log_refuses_is_named_as_the_way_on(engine):
    def broken(_):
        raise BrokenLogError("The audit log is broken at line 3")

    engine.ansible.answers = {("one", "action"): broken}

    result = engine.run(change("one"))

    assert [(way.words[:4], way.does) for way in result.ways_on] == [
        (("audit", "verify"), "says where the log is broken; until it is whole no command goes on"),
        (("--state-dir", "DIR", "run", "RUN-001"), "starts at the first step, and records in DIR"),
    ]


def test_hosts_that_were_lost_are_told_beside_those_on_which_the_step_failed(engine):
    engine.ansible.hosts = {"all": ["a", "b", "c"]}
    engine.ansible.answers = {("one", "action", "a"): LOST, ("one", "action", "b"): FAILED}

    result = engine.run(change("one"))

    assert result.happened == "One failed on b: exit code 1; One could not reach a: no route to host"


def test_a_skip_is_not_what_stopped_a_run_that_failed_later(engine):
    engine.operator.answers = {"one": GateAnswer(yes=False, by="alice", instead="skip")}
    engine.ansible.answers = {("two", "action"): FAILED}

    result = engine.run(change("one"), change("two"), mode="step")

    assert result.happened == "Two failed on db1: exit code 1"


DIED = "the process on this machine that runs Ansible died; what it had started was ended"


@pytest.mark.parametrize("error", [ExecutionError(DIED), AuditError(DIED)])
def test_the_page_and_the_hand_off_name_the_error_that_ended_the_run_as_the_screen_does(engine, error):
    def died(_):
        raise error

    engine.ansible.answers = {("one", "action"): died}

    result = engine.run(change("one", on_failure="escalate"), escalation={**NOBODY, "when": ["step_failed"]})

    (page,) = engine.channel.sent
    assert result.happened == DIED
    assert page.summary == f"RUN-001 Disk is full (local): could not continue: {DIED}"
    assert page.details["what happened"].endswith(f", ended as unknown on db1: {DIED}.")
