"""A YAML file becomes a document that knows where everything is, and parts of it become models."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from runner.core.errors import ExitCode, InvalidInputError
from runner.model.yaml.document import load, located, validate
from runner.model.yaml.finding import Finding, InvalidFileError, Level, Position


def test_the_error_is_invalid_input_and_shows_every_finding():
    error = InvalidFileError(
        [Finding("f", 2, 1, "", Level.ERROR, "r", "b"), Finding("f", 1, 1, "", Level.ERROR, "r", "a")]
    )
    assert isinstance(error, InvalidInputError)
    assert error.exit_code is ExitCode.INVALID
    assert str(error) == error.message == "f:1:1: a [error: r]\nf:2:1: b [error: r]"


def test_a_document_knows_where_everything_is():
    data = "\ufeff# é😀\r\nid: RUN-001\r\nsteps:\r\n- name: é\r\n  verify: [{that: a}, b]\r\n'x y':\r\n".encode()
    document = load(data, file="f.yml")

    assert (document.file, document.text) == ("f.yml", data.decode("utf-8-sig"))
    assert document.value == {"id": "RUN-001", "steps": [{"name": "é", "verify": [{"that": "a"}, "b"]}], "x y": None}
    assert {place: document.position(place) for place in document.marks} == {
        (): Position(2, 1),
        ("id",): Position(2, 1),
        ("steps",): Position(3, 1),
        ("steps", 0): Position(4, 3),
        ("steps", 0, "name"): Position(4, 3),
        ("steps", 0, "verify"): Position(5, 3),
        ("steps", 0, "verify", 0): Position(5, 12),
        ("steps", 0, "verify", 0, "that"): Position(5, 13),
        ("steps", 0, "verify", 1): Position(5, 23),
        ("x y",): Position(6, 1),
    }


def test_what_is_not_in_a_document_stands_where_its_nearest_ancestor_does():
    document = load(b"a:\n- b: 1\n", file="f.yml")
    assert document.position(("a", 0, "c", 5)) == Position(2, 3)
    assert document.position(("z",)) == Position(1, 1)
    assert document.at(("a", 0, "b")) == 1
    with pytest.raises(LookupError):
        document.at(("a", 1))
    assert document.finding(("a", 0, "b"), "r", "what", hint="why", level=Level.INFO) == Finding(
        "f.yml", 2, 3, "a[0].b", Level.INFO, "r", "what", "why"
    )


class Verification(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")
    that: str


class Step(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")
    verify: tuple[Verification, ...]


STEPS = b"steps:\n- verify: [{that: a}]\n- verfy: []\n  verify:\n  - {that: 1}\n"


def test_a_part_of_a_document_is_validated_in_its_place():
    document = load(STEPS, file="f.yml")
    assert validate(document, Step, at=("steps", 0)) == Step(verify=(Verification(that="a"),))
    with pytest.raises(InvalidFileError) as caught:
        validate(document, Step, at=("steps", 1))
    assert str(caught.value).splitlines() == [
        "f.yml:3:3: steps[1].verfy: unknown key 'verfy' [error: unknown-key]",
        "f.yml:5:6: steps[1].verify[0].that: must be text, not the number 1; put it in quotes [error: wrong-type]",
    ]


def test_the_faults_of_several_parts_can_be_collected():
    document = load(b"a: {that: 1}\nb: {}\n", file="f.yml")
    found = []
    for key in document.value:
        with pytest.raises(ValidationError) as caught:
            TypeAdapter(Verification).validate_python(document.at((key,)))
        found += located(document, caught.value, at=(key,))
    assert list(map(str, found)) == [
        "f.yml:1:5: a.that: must be text, not the number 1; put it in quotes [error: wrong-type]",
        "f.yml:2:1: b.that: is missing [error: missing-key]",
    ]
