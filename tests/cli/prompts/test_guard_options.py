"""What production wants is given by flags in a pipe, or typed on a terminal; a broken glass is heard everywhere."""

from __future__ import annotations

import pytest
from harness.engine import NOBODY
from harness.scripted_terminal import ended, terminals

from runner.store.log.log_reader import read

RUN = ("run", "RUN-001", "-i", "inventory.yml")
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
FAILED = ("failed", {"rc": 1, "msg": "non-zero return code"})
GIVEN = ("--reason", "The pool is full", "--environment", "production")


@pytest.fixture
def production(library, ansible):
    library(steps=STEPS, escalation=NOBODY)
    ansible.environments = {"db1": "production"}
    return ansible


def records(here, kind):
    return [record.data for record in read(here / ".runbook" / "audit" / "audit.jsonl") if record.type == kind]


def test_in_a_pipe_flags_are_all_it_takes_and_without_them_they_are_named(runbook, production):
    refused = runbook(*RUN)
    passed = runbook(*RUN, *GIVEN)

    assert (refused.code, passed.code) == (4, 0)
    assert refused.err.splitlines()[-4:] == [
        "error: Production needs a reason; you gave none",
        "Production needs --environment production; you gave none",
        "hint: say why with --reason; it is recorded",
        "if production is what you mean, say --environment production",
    ]


def test_a_broken_glass_is_said_on_stderr_and_recorded_even_if_nothing_was_in_the_way(runbook, production, here):
    ran = runbook(*RUN, "--environment", "production", "--break-glass", "The shop is down", "--json")

    assert ran.code == 0
    assert ran.err.splitlines()[:2] == [
        "BREAK GLASS: The shop is down",
        "the guards of this run do not stop it; that is recorded, reported and paged",
    ]
    assert [(data["reason"], data["overrides"]) for data in records(here, "glass.broken")] == [("The shop is down", [])]


@pytest.mark.parametrize("again", ["resume", "undo"])
def test_what_is_gone_on_with_or_taken_back_in_production_is_named_again(runbook, production, here, again):
    production.answers["two", "action"] = FAILED
    assert runbook(*RUN, *GIVEN).code == 1
    production.answers.clear()

    refused, done = runbook(again, "last", "--yes"), runbook(again, "last", "--yes", "--environment", "production")

    assert (refused.code, done.code) == (4, 0 if again == "resume" else 9)
    assert "Production needs --environment production; you gave none" in refused.err
    assert records(here, "guard.checked")[-2]["given"] == "The pool is full"


def test_a_new_reason_to_go_on_takes_the_place_of_the_first(runbook, production, here):
    production.answers["two", "action"] = FAILED
    runbook(*RUN, *GIVEN)
    production.answers.clear()

    assert runbook("resume", "last", "--environment", "production", "--reason", "The disk is mended").code == 0
    assert records(here, "guard.checked")[-2]["given"] == "The disk is mended"


def test_a_secret_in_the_reason_of_a_broken_glass_is_not_said(library, runbook, production, monkeypatch):
    monkeypatch.setenv("SHOP_KEY", "hunter2-of-the-shop")
    library(
        steps=STEPS, escalation=NOBODY, inputs={"key": {"type": "secret", "default": "env:SHOP_KEY", "help": "A key"}}
    )

    ran = runbook(*RUN, "--environment", "production", "--break-glass", "hunter2-of-the-shop is known")

    assert (ran.code, ran.err.splitlines()[0]) == (0, "BREAK GLASS: *** is known")


def test_a_glass_that_was_broken_is_heard_again_when_the_run_is_gone_on_with(runbook, production, here):
    production.answers["two", "action"] = FAILED
    runbook(*RUN, "--environment", "production", "--break-glass", "The shop is down")
    production.answers.clear()

    ran = runbook("resume", "last", "--environment", "production")

    lines = [
        line for line in ran.err.splitlines() if not line.startswith("page ")
    ]  # of the first, which is still on its way
    assert (ran.code, lines[0]) == (0, "BREAK GLASS: The shop is down")
    assert len(records(here, "glass.broken")) == 2


@pytest.fixture
def terminal(here, production):
    with terminals(here, RUN, columns=120, environments={"db1": "production"}) as start:
        yield start


@pytest.mark.parametrize(("typed", "code"), [("production", 0), ("yes", 4), ("", 4)])
def test_on_a_terminal_the_name_is_typed_below_what_the_run_would_change(terminal, typed, code):
    child = terminal("--reason", "Why")
    child.expect("This is production")
    child.expect("changes 1 of 1 hosts in production")
    child.expect("hosts: db1")
    child.expect("type production to continue: ")
    child.sendline(typed)

    shown, found = ended(child)

    assert found == code, shown


def test_who_gives_the_name_in_advance_and_who_asks_nobody_is_not_asked(terminal):
    given, found = ended(terminal(*GIVEN))
    auto, refused = ended(terminal("--reason", "Why", "--auto"))

    assert ("to continue" in given, found) == (False, 0), given
    assert ("to continue" in auto, refused) == (False, 8), auto  # nobody is at the terminal, and nobody is reached


@pytest.mark.parametrize("stop", [lambda child: child.sendintr(), lambda child: child.sendeof()])
def test_the_question_can_be_interrupted_and_nothing_was_done(terminal, stop, here):
    child = terminal("--reason", "Why")
    child.expect("to continue: ")
    stop(child)

    shown, code = ended(child)

    last, _filed = list(read(here / ".runbook" / "audit" / "audit.jsonl"))[-2:]
    assert (code, last.type, "Traceback" in shown) == (130, "run.finished", False), shown
    assert records(here, "step.intended") == []
