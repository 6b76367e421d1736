"""Names of things: what they look like, and the marker that ties a task to a step."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from runner.core.identifiers import Marker, ReferenceId, RunbookId, Spelling, StepId, Variable, is_run_id

PARTS = st.sampled_from(["action", "capture", "rescue", "gate", "guard", "verify/1", "verify/99", "verify/1/probe"])
STEPS = st.from_regex(r"[a-z][a-z0-9]{0,30}(-[a-z0-9]{1,20}){0,2}", fullmatch=True)
MARKERS = st.builds(Marker, st.just("RUN-001"), STEPS, PARTS)


@pytest.mark.parametrize(
    ("kind", "good", "bad", "rule"),
    [
        (RunbookId, "RUN-001", "RUN-1", "RUN- and three to six digits, like RUN-001"),
        (RunbookId, "RUN-123456", "run-001", "RUN- and three to six digits, like RUN-001"),
        (ReferenceId, "MON-005", "MON5", "capital letters, - and three to six digits, like MON-001"),
        (StepId, "find-stuck", "find_stuck", "small letters and digits joined by -, like find-stuck"),
        (StepId, "a1", "-a", "small letters and digits joined by -, like find-stuck"),
        (Variable, "stuck_after", "StuckAfter", "small letters, digits and _, like stuck_after"),
        (Variable, "a1", "a\n", "small letters, digits and _, like stuck_after"),
    ],
)
def test_a_name_that_is_spelled_wrong_is_told_the_rule(kind, good, bad, rule):
    adapter = TypeAdapter(kind)
    assert adapter.validate_python(good) == good
    with pytest.raises(ValidationError) as caught:
        adapter.validate_python(bad)
    assert caught.value.errors()[0]["msg"] == f"Value error, must be {rule}, not {bad!r}"


def test_a_name_has_an_end():
    with pytest.raises(ValueError, match="is longer than 3 characters"):
        Spelling("^a+$", "a", longest=3).check("aaaa")


def test_an_editor_is_told_the_pattern_and_the_length():
    told = {"type": "string", "pattern": "^RUN-[0-9]{3,6}$", "maxLength": 64}
    assert TypeAdapter(RunbookId).json_schema() == told


@pytest.mark.parametrize("text", ["20260101T000000Z-0123abcd", "20261231T235959Z-ffffffff"])
def test_the_id_of_a_run(text):
    assert is_run_id(text)


@pytest.mark.parametrize(
    "text",
    ["", "..", "../../etc", "20260101T000000Z-0123ABCD", "20260101T000000Z-0123abcd\n", "x20260101T000000Z-0123abcd"],
)
def test_anything_else_must_not_become_part_of_a_path(text):
    assert not is_run_id(text)


@given(MARKERS, st.text(max_size=30))
def test_a_marker_is_found_again_in_the_name_of_its_task(marker, title):
    assert Marker.parse(marker.task_name(title)) == marker


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Gathering Facts",
        "RUN-001/step/action",
        "RUN-001/step/action |",
        "RUN-001/step/other | x",
        "RUN-001/step/verify/0000 | x",
        "RUN-001/Step/action | x",
        "RUN-1/step/action | x",
        " RUN-001/step/action | x",
        "x\nRUN-001/step/action | x",
        "role : RUN-001/step/action | x",
        "RUN-٠٠١/step/action | x",
    ],
)
def test_a_task_without_a_marker_at_its_head_is_not_ours(name):
    assert Marker.parse(name) is None


@pytest.mark.parametrize(("part", "number"), [("verify/2", 2), ("verify/2/probe", None), ("action", None)])
def test_only_the_assert_has_the_number_of_the_verification(part, number):
    assert Marker("RUN-001", "a", part).verification == number
