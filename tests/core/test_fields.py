"""What the models of written files share."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from runner.core.fields import AtLeastOne, Model, OneOrSeveral, Prose, Several, Text, Title


class Piece(Model):
    number: int = 1


def refusal(kind, value):
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(kind).validate_python(value)
    return [error["msg"].removeprefix("Value error, ") for error in caught.value.errors()]


def test_a_piece_is_frozen_and_strict_and_knows_its_keys():
    with pytest.raises(ValidationError, match="frozen"):
        Piece().number = 2
    assert refusal(Piece, {"number": "1"}) == ["Input should be a valid integer"]
    assert refusal(Piece, {"nummer": 1}) == ["Extra inputs are not permitted"]


@pytest.mark.parametrize(
    ("kind", "value", "read"),
    [
        (Several[int], [1, 2], (1, 2)),
        (Several[int], [], ()),
        (AtLeastOne[int], [1], (1,)),
        (OneOrSeveral[int], 1, (1,)),
        (OneOrSeveral[int], [1, 2], (1, 2)),
        (Text, "  a \n", "a"),
        (Prose, "a\nb", "a\nb"),
        (Title, "{a} 90 %", "{a} 90 %"),
    ],
)
def test_lists_become_tuples_and_text_loses_the_space_around_it(kind, value, read):
    assert TypeAdapter(kind).validate_python(value) == read


@pytest.mark.parametrize(
    ("kind", "value", "sentence"),
    [
        (AtLeastOne[int], [], "is an empty list"),
        (OneOrSeveral[int], [], "is an empty list"),
        (Text, " \n", "is empty"),
        (Prose, "use {{ x }}", "is shown to people as it is written, so templates are not filled in here"),
        (Title, "{% if x %}", "is shown to people as it is written, so templates are not filled in here"),
        (Title, "a\nb", "must be one line"),
    ],
)
def test_what_says_nothing_or_too_much_is_refused(kind, value, sentence):
    assert refusal(kind, value) == [sentence]


def test_a_wrong_item_is_one_fault():
    assert refusal(AtLeastOne[int], [None]) == ["Input should be a valid integer"]
