"""`announce`: whom a step tells what, and what it leaves to others."""

from __future__ import annotations

import pytest

from runner.kinds.invocation import Invocation
from runner.kinds.steps.delivery.announce_step import AnnounceStep
from runner.kinds.values import Notice


def test_it_is_told_to_each_contact_and_printed_by_plain_ansible(minute, no_file):
    step = AnnounceStep.model_validate(
        {"announce": {"to": ["a", "b"], "stage": "done", "says": "{{ version }} is out"}}
    )
    assert step.announces == Notice(to=("a", "b"), stage="done", says="{{ version }} is out")
    assert step.invocation(minute, no_file) == Invocation("ansible.builtin.debug", {"msg": "{{ version }} is out"})
    assert (step.describe(), step.programs(no_file)) == ("tell a, b: {{ version }} is out", [])


@pytest.mark.parametrize(
    ("written", "sentences"),
    [
        ({"to": "a"}, ["Field required"]),
        ({"to": [], "says": "x"}, ["is an empty list"]),
        ({"to": "A b", "says": "x"}, ["must be a word of contacts.yml, like database-lead, not 'A b'"]),
        ({"to": "a", "says": ""}, ["is empty"]),
        ({"to": "a", "says": "x", "stage": "later"}, ["Input should be 'initial', 'progress' or 'done'"]),
    ],
)
def test_what_it_refuses(written, sentences, refusals):
    assert refusals(AnnounceStep, announce=written) == sentences
