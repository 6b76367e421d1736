"""What pydantic finds is told in a person's words, at the place in the file where it is."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    TypeAdapter,
    ValidationError,
)
from pydantic_core import PydanticCustomError

from runner.model.yaml.pydantic_errors import ModelProblem, problems


class Model(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


class Category(StrEnum):
    INCIDENT = "incident"
    RECOVERY = "recovery"


class Sql(Model):
    kind: Literal["sql"] = "sql"
    sql: str
    params: dict[str, int] = {}


class Shell(Model):
    kind: Literal["shell"] = "shell"
    shell: str
    if_: Annotated[str | None, Field(alias="if")] = None


def even(number: int) -> int:
    if number % 2:
        raise ValueError(f"{number} is odd")
    return number


def verified(steps: list[Any]) -> list[Any]:
    if not steps:
        raise PydanticCustomError("no-verification", "every step needs a verification")
    return steps


def action(value: Any) -> str | None:
    return next((key for key in ("sql", "shell") if isinstance(value, dict) and key in value), None)


ByKey = Annotated[Annotated[Sql, Tag("sql")] | Annotated[Shell, Tag("shell")], Discriminator(action)]
ByField = Annotated[Sql | Shell, Field(discriminator="kind")]
Even = Annotated[int, AfterValidator(even)]
Ident = Annotated[str, StringConstraints(pattern="^RUN-[0-9]+$")]


def found(model, value):
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(model).validate_json(json.dumps(value), strict=True)
    return list(problems(caught.value, value, model=model, most=100))


@pytest.mark.parametrize(
    ("model", "value", "message", "hint"),
    [
        (str, 1.1, "must be text, not the number 1.1", "put it in quotes"),
        (str, True, "must be text, not true", "put it in quotes"),
        (str, None, "must be text, not empty", ""),
        (str, ["a"], "must be text, not a list", ""),
        (int, "5", "must be a whole number, not text", ""),
        (int, 1.5, "must be a whole number, not the number 1.5", ""),
        (float, {}, "must be a number, not a mapping", ""),
        (bool, "Yes", "must be true or false, not text", "did you mean true?"),
        (bool, "off", "must be true or false, not text", "did you mean false?"),
        (bool, "perhaps", "must be true or false, not text", ""),
        (list[str], "a", "must be a list, not text", ""),
        (dict[str, str], [], "must be a mapping, not a list", ""),
        (Sql, "a", "must be a mapping, not text", ""),
        (None, 1, "must be empty, not the number 1", ""),
        (str | Sql, 1, "must be text or a mapping, not the number 1", "put it in quotes"),
        (int | str | Sql, [], "must be a whole number, text or a mapping, not a list", ""),
        (Literal["stop"] | Sql, 5, "must be stop or a mapping, not the number 5", ""),
        (Literal[1, 2], [], "must be 1 or 2, not a list", ""),
    ],
)
def test_a_value_of_the_wrong_kind(model, value, message, hint):
    assert found(model, value) == [ModelProblem((), "wrong-type", message, hint)]


@pytest.mark.parametrize(
    ("model", "value", "message", "hint"),
    [
        (Literal["stop", "undo"], "Stop", "must be stop or undo, not 'Stop'", "did you mean 'stop'?"),
        (Category, "Incidnt", "must be incident or recovery, not 'Incidnt'", "did you mean 'incident'?"),
        (Literal["stop"], "xyz", "must be stop, not 'xyz'", ""),
        (Literal["stop"] | Sql, "stp", "must be stop or a mapping, not 'stp'", "did you mean 'stop'?"),
        (Annotated[int, Field(ge=3)], 1, "must be greater than or equal to 3, not 1", ""),
        (Annotated[str, Field(min_length=1)], "", "must have at least 1 character, not ''", ""),
        (Annotated[list[int], Field(min_length=1)], [], "must have at least 1 item, not 0", ""),
        (Ident, "RUN-\x1b", r"must match pattern '^RUN-[0-9]+$', not 'RUN-\x1b'", ""),
        (Even, 3, "3 is odd", ""),
    ],
)
def test_a_value_that_is_not_allowed(model, value, message, hint):
    assert found(model, value) == [ModelProblem((), "wrong-value", message, hint)]


def test_a_custom_error_names_its_own_rule():
    model = dict[str, Annotated[list[Any], AfterValidator(verified)]]
    assert found(model, {"verify": []}) == [
        ModelProblem(("verify",), "no-verification", "every step needs a verification"),
    ]


def test_keys_that_are_missing_and_keys_that_are_unknown():
    assert found(list[Shell], [{"Shell": "a", "iff": "b", "other": 1}]) == [
        ModelProblem((0, "shell"), "missing-key", "is missing"),
        ModelProblem((0, "Shell"), "unknown-key", "unknown key 'Shell'", "did you mean 'shell'?"),
        ModelProblem((0, "iff"), "unknown-key", "unknown key 'iff'", "did you mean 'if'?"),
        ModelProblem((0, "other"), "unknown-key", "unknown key 'other'", "possible keys are if, kind, shell"),
    ]


def test_a_key_that_is_there_already_was_not_meant():
    assert found(Sql, {"kind": "sql", "sql": "a", "sqll": "b", "params": {}}) == [
        ModelProblem(("sqll",), "unknown-key", "unknown key 'sqll'")
    ]


@pytest.mark.parametrize(
    ("model", "value", "place"),
    [
        (Sql | None, {"sql": "a", "parms": {}}, ("parms",)),
        (tuple[Sql, ...], [{"sql": "a", "parms": {}}], (0, "parms")),
        (dict[str, list[Sql] | str], {"x": [{"sql": "a", "parms": {}}]}, ("x", 0, "parms")),
        (Annotated[list[ByKey], Field(max_length=3)], [{"sql": "a", "parms": {}}], (0, "parms")),
    ],
)
def test_the_keys_of_a_model_are_known_wherever_it_stands(model, value, place):
    assert ModelProblem(place, "unknown-key", "unknown key 'parms'", "did you mean 'params'?") in found(model, value)


def test_without_the_model_an_unknown_key_gets_no_hint():
    with pytest.raises(ValidationError) as caught:
        Sql.model_validate(value := {"sql": "a", "parms": {}})
    assert list(problems(caught.value, value, most=100)) == [
        ModelProblem(("parms",), "unknown-key", "unknown key 'parms'")
    ]


def test_the_labels_of_a_union_are_no_part_of_the_place():
    # Given a step whose action key is also the label of its alternative
    step = {"sql": "a", "params": {"x": "y"}}
    # Then the place is the one in the file
    assert found(list[ByKey], [step]) == [
        ModelProblem((0, "params", "x"), "wrong-type", "must be a whole number, not text")
    ]
    assert found(dict[str, int | list[Even]], {"a": ["b"]}) == [
        ModelProblem(("a", 0), "wrong-type", "must be a whole number, not text")
    ]
    assert found(dict[Ident, int], {"a": 1}) == [
        ModelProblem(("a",), "wrong-value", "must match pattern '^RUN-[0-9]+$', not 'a'")
    ]


def test_an_alternative_that_does_not_fit_at_all_was_not_meant():
    assert found(int | Literal["none"] | Sql, {"sql": 1}) == [
        ModelProblem(("sql",), "wrong-type", "must be text, not the number 1", "put it in quotes")
    ]


def test_an_alternative_that_takes_the_value_but_not_this_one_is_the_one_that_was_meant():
    assert found(Even | Sql, 3) == [ModelProblem((), "wrong-value", "3 is odd")]


def test_the_key_that_tells_alternatives_apart():
    assert found(ByField, {"sql": "a"}) == [ModelProblem(("kind",), "missing-key", "is missing")]
    assert found(ByField, {"kind": "sq"}) == [
        ModelProblem(("kind",), "wrong-value", "must be sql or shell, not 'sq'", "did you mean 'sql'?")
    ]


def test_the_same_complaint_of_two_alternatives_is_told_once():
    assert (
        found(Sql | Shell, {"kind": "sql", "shell": "a", "other": 1}).count(
            ModelProblem(("other",), "unknown-key", "unknown key 'other'", "possible keys are if, params, sql")
        )
        == 1
    )


def test_a_value_that_was_changed_before_it_was_tried_is_explained_too():
    # Given a file's mapping to which its reader added a key, took one away and changed one
    value = {"shell": "a", "kind": "shell"}
    with pytest.raises(ValidationError) as caught:
        Shell.model_validate({"iff": 1, "kind": 2})
    # Then no fault is lost
    assert list(problems(caught.value, value, model=Shell, most=100)) == [
        ModelProblem(("kind",), "wrong-type", "must be shell, not the number 2"),
        ModelProblem(("shell",), "missing-key", "is missing"),
        ModelProblem(("iff",), "unknown-key", "unknown key 'iff'", "did you mean 'if'?"),
    ]


def test_no_more_is_told_than_asked_for():
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(list[int]).validate_python(value := ["x"] * 50)
    assert len(list(problems(caught.value, value, most=7))) == 7


def test_a_path_that_can_be_read_in_many_ways_takes_no_time():
    # Given a place that is named alike on every level, and a value that a validator changed on its way
    value: Any = {"a": "x"}
    model: Any = dict[str, Annotated[int, AfterValidator(even)]]
    for _ in range(40):
        value, model = {"a": value}, dict[str, model]
    # Then it is found nevertheless
    assert [each.place for each in found(model, value)] == [("a",) * 41]


TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["sql", "kind", "shell", "x"]), inner),
)


@given(TREES, st.sampled_from([Sql, list[ByKey], dict[str, ByField | int | str], list[Sql | Shell | Literal["x"]]]))
def test_any_value_is_accepted_or_explained(value, model):
    try:
        TypeAdapter(model).validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        told = list(problems(error, value, model=model, most=100))
    else:
        return
    assert told
    assert all(each.message.isprintable() and each.rule for each in told)
