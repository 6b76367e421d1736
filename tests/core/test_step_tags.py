"""The tags of a step, and the ids of undos: each leads back to its step, and to nothing else."""

from __future__ import annotations

from runner.core.step_tags import recheck_tag, step_tag, undo_id, undone_step


def test_each_tag_is_of_one_step_and_one_use():
    names = ("look", "act", "act-again")
    tags = [tag(name) for tag in (step_tag, recheck_tag) for name in names]

    assert len(set(tags)) == len(tags)
    assert tags[:2] == ["step-look", "step-act"]


def test_an_undo_leads_back_to_its_step_and_a_step_to_nothing():
    assert undone_step(undo_id("act")) == "act"
    assert undone_step("act") is None
    assert undone_step(undo_id(undo_id("act"))) == undo_id("act")
