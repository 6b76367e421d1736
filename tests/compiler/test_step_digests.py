"""The digests of steps: what of a runbook makes a proof void, and what does not."""

from __future__ import annotations

import pytest
from harness.fakes import runbook_file

from runner.compiler.step_digests import step_digests
from runner.library.library import Library

ONE = {
    "id": "one",
    "name": "One",
    "command": "cat /etc/app",
    "effect": "read",
    "capture": {"found_port": "stdout"},
    "verify": [{"says": "It answers", "command": "curl localhost", "that": "rc == 0"}, {"confirm": "It is well"}],
}
TWO = {"id": "two", "name": "Two", "command": ["echo", "{{ found_port }}"], "verify": [{"exit": 0}]}
THREE = {"id": "three", "name": "Three", "command": "true", "verify": [{"exit": 0}]}


@pytest.fixture
def changed(tmp_path):
    """Which of the two halves differ, for each step, when the first step has these keys."""

    def halves(**keys):
        source = Library(tmp_path).source(str(runbook_file(tmp_path, steps=[{**ONE, **keys}, TWO, THREE])))
        return {name: digest.split(":") for name, digest in step_digests(source).items()}

    def compare(**keys):
        before, after = halves(), halves(**keys)
        return {name: [old != new for old, new in zip(before[name], after[name], strict=True)] for name in before}

    return compare


SAME = {"one": [False, False], "two": [False, False], "three": [False, False]}


@pytest.mark.parametrize(
    "keys", [{}, {"name": "Another name"}, {"why": "Because"}, {"approve": "Go?"}, {"on_failure": "stop"}]
)
def test_words_for_people_and_what_follows_are_no_part_of_a_proof(changed, keys):
    assert changed(**keys) == SAME


def test_another_action_voids_the_proofs_of_the_step_and_of_whatever_uses_what_it_found(changed):
    assert changed(command="cat /etc/other") == {"one": [True, False], "two": [True, False], "three": [False, False]}


@pytest.mark.parametrize(
    "verify",
    [
        [{"says": "It answers", "command": "curl localhost:1", "that": "rc == 0"}, ONE["verify"][1]],
        [{"says": "It answers", "command": "curl localhost", "that": "stdout == ''"}, ONE["verify"][1]],
        [ONE["verify"][0], {"confirm": "It is very well"}],
        [ONE["verify"][0]],
    ],
)
def test_another_verification_voids_what_was_verified_and_not_what_was_done(changed, verify):
    assert changed(verify=verify) == {**SAME, "one": [False, True]}


def test_whom_it_becomes_is_part_of_both(changed):
    assert changed(become=True)["one"] == [True, True]


def test_where_it_is_done_for_others_is_part_of_both(changed):
    assert changed(on="lb1")["one"] == [True, True]
