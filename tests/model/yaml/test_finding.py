"""A finding says where, what and what was probably meant, in words that a terminal can show."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.model.yaml.finding import (
    MAX_FINDINGS,
    Faults,
    Finding,
    InvalidFileError,
    Level,
    Position,
    did_you_mean,
    kind_of,
    leaves,
    quoted,
    show,
)

FINDING = Finding(
    file="RUN-001.yml",
    line=12,
    column=5,
    path="steps[2].verfy",
    level=Level.ERROR,
    rule="unknown-key",
    message="unknown key 'verfy'",
    hint="did you mean 'verify'?",
)


@pytest.mark.parametrize(
    ("finding", "text"),
    [
        (
            FINDING,
            "RUN-001.yml:12:5: steps[2].verfy: unknown key 'verfy'; did you mean 'verify'? [error: unknown-key]",
        ),
        (
            replace(FINDING, hint=""),
            "RUN-001.yml:12:5: steps[2].verfy: unknown key 'verfy' [error: unknown-key]",
        ),
        (
            Finding("f.yml", 1, 1, "", Level.WARNING, "no-drill", "has no drill"),
            "f.yml:1:1: has no drill [warning: no-drill]",
        ),
    ],
)
def test_a_finding_begins_with_its_place_as_editors_and_compilers_write_it(finding, text):
    assert str(finding) == text


def test_a_finding_can_not_be_changed():
    with pytest.raises(FrozenInstanceError):
        FINDING.line = 1


def test_findings_sort_as_they_stand_in_the_files():
    later = [
        replace(FINDING, column=6),
        replace(FINDING, line=13, column=1),
        replace(FINDING, file="RUN-002.yml", line=1),
    ]
    assert sorted([*reversed(later), FINDING]) == [FINDING, *later]


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ((), ""),
        (("steps", 2, "verify", 0, "that"), "steps[2].verify[0].that"),
        ((0, "a"), "[0].a"),
        (("module", "ansible.builtin.service", "on-failure"), "module['ansible.builtin.service'].on-failure"),
        (("a b", "\x1b[1A", ""), "['a b']['\\x1b[1A']['']"),
    ],
)
def test_a_place_is_shown_as_people_write_it(place, text):
    assert show(place) == text


@given(st.lists(st.text() | st.integers(0, 99), max_size=5))
def test_whatever_a_file_says_is_shown_in_short_and_harmless(parts):
    assert show(tuple(parts)).isprintable()
    assert len(show(tuple(parts))) < 5 * 200
    assert all(quoted(part).isprintable() for part in parts)


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("verfy", "did you mean 'verify'?"),
        ("Verify", "did you mean 'verify'?"),
        ("p1", "did you mean 'P1'?"),
        ("on-failure", "did you mean 'on_failure'?"),
        ("quite different", ""),
        ("", ""),
        ("verify" * 10_000, ""),
        (5, ""),
        (None, ""),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_close_word_was_probably_meant(word, hint):
    assert did_you_mean(word, ["verify", "P1", "on_failure"]) == hint


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "empty"),
        (True, "true"),
        (False, "false"),
        (0, "the number 0"),
        (1.1, "the number 1.1"),
        ("1", "text"),
        ([], "a list"),
        ({}, "a mapping"),
    ],
)
def test_a_value_is_called_what_a_person_calls_it(value, words):
    assert kind_of(value) == words


def test_without_faults_there_is_no_complaint():
    Faults("f.yml").settle()


def test_faults_are_complained_about_together():
    # Given two faults, noted out of order
    faults = Faults("f.yml")
    faults.add("late", "comes second", position=Position(2, 1), place=("a", 0), hint="mend it")
    faults.add("early", "comes first", position=Position(1, 3))
    # When all is read
    with pytest.raises(InvalidFileError) as caught:
        faults.settle()
    # Then both are in the error, in the order of the file
    assert caught.value.findings == (
        Finding("f.yml", 1, 3, "", Level.ERROR, "early", "comes first"),
        Finding("f.yml", 2, 1, "a[0]", Level.ERROR, "late", "comes second", "mend it"),
    )


def test_the_last_fault_ends_the_reading():
    faults = Faults("f.yml")
    faults.add("first", "is wrong", position=Position(1, 1))
    with pytest.raises(InvalidFileError) as caught:
        faults.stop("last", "cannot be read", position=Position(2, 1))
    assert [each.rule for each in caught.value.findings] == ["first", "last"]


def test_enough_is_enough():
    faults = Faults("f.yml")
    for line in range(1, MAX_FINDINGS):
        faults.add("again", "is wrong", position=Position(line, 1))
    with pytest.raises(InvalidFileError) as caught:
        faults.add("again", "is wrong", position=Position(MAX_FINDINGS, 1))
    assert len(caught.value.findings) == MAX_FINDINGS


def test_leaves_are_what_has_no_parts():
    assert list(leaves({"a": [1, {"b": None}], "c": {}})) == [(("a", 0), 1), (("a", 1, "b"), None)]
