"""The blast radius says what may be changed, where, and until when all of it can be taken back."""

from __future__ import annotations

import pytest

from runner.compiler.blast_radius import blast_radius
from runner.executor.target import Target
from runner.kinds.steps.command_step import CommandStep
from runner.kinds.steps.manual_step import ManualStep
from runner.kinds.steps.run_step import RunStep
from runner.kinds.verifications.exit_code import Exit
from runner.model.runbook import Runbook
from runner.model.step import BranchLabel, Step, Undo
from runner.model.verification import Verification

ZERO = Verification(says="Zero", kinds=(Exit(exit=0),))
UNDO = Undo(action=CommandStep(command="ls"), verify=(ZERO,))
TARGET = Target({"all": ("db1", "app1"), "db": ("db1",)}, {"db1": "production", "app1": "staging"})


def step(**keys):
    return Step(**{"id": "a", "name": "A", "action": CommandStep(command="ls"), "verify": (ZERO,), **keys})


@pytest.mark.parametrize(
    ("steps", "sentence", "last_safe"),
    [
        ([step(effect="read")], "changes nothing, and looks at 2 of 14 hosts in production", None),
        (
            [step(undo=UNDO, hosts="db")],
            "changes 1 of 14 hosts in production, 0 destructive steps, all of it can be undone",
            None,
        ),
        (
            [step(), step(action=ManualStep(manual="Do it"))],
            "changes 2 of 14 hosts in production, 0 destructive steps, step 1 without an undo",
            None,
        ),
        (
            [step(undo=UNDO), step(effect="read"), step(effect="destructive", hosts="db"), step()],
            "changes 2 of 14 hosts in production, 1 destructive step, cannot be undone after step 3",
            2,
        ),
        (
            [step(reversible=False)],
            "changes 2 of 14 hosts in production, 0 destructive steps, cannot be undone after step 1",
            0,
        ),
    ],
)
def test_one_sentence(steps, sentence, last_safe):
    found = blast_radius(Runbook.model_construct(hosts="all", steps=tuple(steps)), TARGET, total=14)
    assert (str(found), found.last_safe) == (sentence, last_safe)


def test_what_one_machine_does_for_others_changes_that_machine():
    runbook = Runbook.model_construct(id="RUN-001", hosts="all", steps=(step(on="lb"), step(effect="read")))
    target = Target({"all": ("a", "b")}, {"a": "lab"}, delegates={"lb": ("lb1",)})

    assert (
        str(blast_radius(runbook, target)) == "changes 1 of 3 hosts in lab, 0 destructive steps, step 1 without an undo"
    )


def test_what_another_runbook_does_counts_as_what_the_step_does():
    destroys = step(effect="destructive", hosts="db")
    found = {"RUN-002": Runbook.model_construct(hosts="all", steps=(step(undo=UNDO), destroys))}
    runs = step(action=RunStep(run="RUN-002"))
    runbook = Runbook.model_construct(hosts="all", steps=(step(effect="read"), runs))

    radius = blast_radius(runbook, TARGET, total=14, find=found.get)

    assert str(radius) == "changes 2 of 14 hosts in production, 1 destructive step, cannot be undone after step 2"
    assert (radius.last_safe, str(blast_radius(runbook, TARGET))[-23:]) == (1, "all of it can be undone")


def test_a_step_is_called_as_the_plan_calls_it():
    taken = step(branch=BranchLabel(of="why", label="b.1", condition="else"), reversible=False)
    asked = step(id="why", branch=BranchLabel(of="why", label="", branches={"a": "if x", "b": "else"}), effect="read")
    runbook = Runbook.model_construct(hosts="all", steps=(step(effect="read"), asked, taken))

    radius = blast_radius(runbook, TARGET, total=14)

    assert (str(radius).rpartition(", ")[2], radius.last_safe) == ("cannot be undone after step 2b.1", 2)
