"""The procedure is cut where a person decides; nothing is lost, and nothing is done out of order."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from runner.compiler.segments import CROSSING, Gate, Segment, after, before, cut
from runner.core.step_tags import step_tag, undo_id
from runner.kinds.steps.command_step import CommandStep
from runner.kinds.steps.manual_step import ManualStep
from runner.kinds.verifications.confirm import Confirm
from runner.kinds.verifications.exit_code import Exit
from runner.model.step import Step
from runner.model.verification import Verification

ZERO = Verification(says="Zero", kinds=(Exit(exit=0),))
FINE = Verification(says="Fine", kinds=(Confirm(confirm="Fine"),))


def step(name, *verify, action="machine", **keys):
    actions = {"machine": CommandStep(command="ls"), "person": ManualStep(manual="Do it"), "nobody": None}
    return Step(id=name, name=name.upper(), action=actions[action], verify=verify, **keys)


def test_steps_without_a_person_are_done_in_one_go():
    a, b = step("a", ZERO), step("b", ZERO)
    assert list(cut((a, b))) == [Segment((a, b))]


def test_whether_a_step_is_needed_is_decided_before_anybody_is_asked_about_it():
    a = step("a", ZERO)
    b = step("b", ZERO, approve="Really?", only_if="used > 90")
    c = step("c", FINE, action="nobody", only_if="used > 90")
    d = step("d", ZERO, FINE, only_if="used > 90")
    assert list(cut((a, b, c, d))) == [
        Segment((a, b), decides=b),
        Gate(b, "approve", "Really?"),
        Segment((b, c), decides=c),
        Gate(c, "confirm", "Fine", 1),
        Segment((d,)),
        Gate(d, "confirm", "Fine", 2),
    ]


def test_a_person_is_asked_before_and_after():
    a = step("a", ZERO)
    b = step("b", ZERO, FINE, approve="Really?")
    c = step("c", FINE, action="person")
    assert list(cut((a, b, c))) == [
        Segment((a,)),
        Gate(b, "approve", "Really?"),
        Segment((b,)),
        Gate(b, "confirm", "Fine", 2),
        Gate(c, "manual", "Do it"),
        Gate(c, "confirm", "Fine", 1),
    ]


def test_what_a_machine_verifies_of_a_manual_step_comes_before_what_a_person_does():
    a = step("a", FINE, ZERO, action="person", approve="Really?")
    assert [type(item).__name__ for item in cut((a,))] == ["Gate", "Gate", "Segment", "Gate"]
    assert [gate.kind for gate in (*before(a), *after(a))] == ["approve", "manual", "confirm"]
    assert {gate.name for gate in before(a)} == {"a"}


STEPS = st.lists(
    st.builds(
        lambda name, verify, action, approve: step(
            name, *verify, action=action, **({"approve": "?"} if approve else {})
        ),
        st.sampled_from("abcdef"),
        st.lists(st.sampled_from([ZERO, FINE]), min_size=1, max_size=3),
        st.sampled_from(["machine", "person", "nobody"]),
        st.booleans(),
    ),
    min_size=1,
    max_size=6,
)


@given(STEPS)
def test_every_step_and_every_question_has_its_place(steps):
    # Given any procedure
    items = list(cut(steps))
    # Then each step that a machine has a part in is in one span, in order
    done = [each for item in items if isinstance(item, Segment) for each in item.steps]
    assert done == [each for each in steps if (each.action and not each.manual) or each.automated]
    # and each question is asked, in order
    asked = [item for item in items if isinstance(item, Gate)]
    assert asked == [gate for each in steps for gate in (*before(each), *after(each))]
    # and segments are never empty, and never cut without a question
    assert all(item.steps for item in items if isinstance(item, Segment))
    assert not any(isinstance(one, Segment) and isinstance(two, Segment) for one, two in pairwise(items))


def test_a_run_that_goes_step_by_step_asks_before_each():
    a, b = step("a", ZERO), step("b", ZERO, approve="Really?")
    assert list(cut((a, b), stepwise=True)) == [
        Gate(a, "step", "Go on with A?"),
        Segment((a,)),
        Gate(b, "step", "Go on with B?"),
        Gate(b, "approve", "Really?"),
        Segment((b,)),
    ]


def test_what_nothing_takes_back_is_asked_about_and_choosing_comes_before_approving():
    a = step("a", ZERO, effect="destructive")
    b = step("b", ZERO, reversible=False, choose={"pids": {"from": "stuck", "field": "pid"}})
    assert [(gate.kind, gate.text, gate.id) for each in (a, b) for gate in before(each)] == [
        ("approve", CROSSING, "a-approve-0"),
        ("choose", "Which of stuck?", "b-choose-pids"),
        ("approve", CROSSING, "b-approve-0"),
    ]


def test_the_tags_by_which_a_part_is_run():
    assert (step_tag("a-b"), undo_id("a-b"), step_tag(undo_id("a-b"))) == ("step-a-b", "undo-a-b", "step-undo-a-b")
