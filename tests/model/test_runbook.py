"""The shape of a runbook: its steps, and the order in which they are done."""

from __future__ import annotations

import pytest
from harness.fakes import runbook_file
from harness.runbook_files import read_runbook
from pydantic import ValidationError

from runner.kinds.steps.command_step import CommandStep
from runner.kinds.steps.manual_step import ManualStep
from runner.kinds.verifications.confirm import Confirm
from runner.kinds.verifications.exit_code import Exit
from runner.model.escalation_policy import Escalation
from runner.model.step import Effect, Step
from runner.model.verification import Verification

CONFIRMED = Verification(says="Fine", kinds=(Confirm(confirm="Fine"),))
ZERO = Verification(says="Zero", kinds=(Exit(exit=0),))


def test_verifications_are_numbered_whoever_makes_them():
    step = Step(id="a", name="A", action=CommandStep(command="ls"), verify=(ZERO, CONFIRMED, ZERO))
    assert step.automated == ((1, ZERO), (3, ZERO))
    assert step.confirmations == ((2, CONFIRMED),)
    assert not step.manual


def test_a_manual_step_is_a_persons():
    assert Step(id="a", name="A", action=ManualStep(manual="Do it"), verify=(CONFIRMED,)).manual
    assert not Step(id="a", name="A", action=None, verify=(CONFIRMED,)).manual


def test_a_step_has_no_more_verifications_than_a_marker_can_count():
    with pytest.raises(ValidationError, match="at most 99"):
        Step(id="a", name="A", action=None, verify=(CONFIRMED,) * 100)


def test_prerequisites_come_first_and_hosts_are_the_runbooks_unless_a_step_narrows_them(tmp_path):
    look = {"id": "look", "name": "Look", "command": "ls", "verify": [{"exit": 0}]}
    runbook = read_runbook(
        runbook_file(
            tmp_path, hosts="app", prerequisites=[{"confirm": "Fine"}], steps=[look, {**look, "id": "b", "hosts": "db"}]
        )
    )
    assert [step.id for step in runbook.procedure] == ["prerequisite-1", "look", "b"]
    assert [runbook.hosts_of(step) for step in runbook.procedure] == ["app", "app", "db"]
    assert runbook.procedure[0].effect is Effect.READ


def test_a_policy_can_be_made_of_its_parts():
    written = {
        "when": ["step_failed", {"declared": "a"}, {"unresolved_for": "5m"}],
        "contacts": ["a"],
        "provide": ["b"],
    }
    policy = Escalation.model_validate(written)
    assert Escalation(when=policy.when, contacts=("a",), provide=("b",)) == policy
