"""What pydantic finds wrong with a value: where in the value, and in a person's words."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from functools import reduce
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, get_args, get_origin

from pydantic import BaseModel, ValidationError

from runner.model.yaml.finding import Place, did_you_mean, kind_of, quoted

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "none_required": "empty",
    **dict.fromkeys(("list_type", "tuple_type", "set_type", "frozen_set_type"), "a list"),
    **dict.fromkeys(
        ("dict_type", "mapping_type", "model_type", "model_attributes_type", "dataclass_type"), "a mapping"
    ),
}
_CHOICES = ("literal_error", "enum", "union_tag_invalid")
_BOOLEANS = {**dict.fromkeys(("true", "yes", "on", "y"), "true"), **dict.fromkeys(("false", "no", "off", "n"), "false")}


class ModelProblem(NamedTuple):
    """What is wrong with the value at a place."""

    place: Place
    rule: str
    message: str
    hint: str = ""


def problems(error: ValidationError, value: Any, *, model: Any = None, most: int) -> Iterator[ModelProblem]:
    """What `error` says about `value`: its first `most` faults, each once.

    The alternatives of a union complain one by one: those that do not fit at all are named in one sentence, or left out
    when another fits well enough to be looked into, or only its value is wrong. A custom error whose type is kebab-case
    names its own rule. Without the `model` (or type) that was tried, an unknown key gets no hint.
    """
    by_place: dict[Place, list[ErrorDetails]] = {}
    for detail in islice(error.errors(include_url=False), most):
        by_place.setdefault(_place(detail, value), []).append(detail)
    for place, details in by_place.items():
        misfits = [detail for detail in details if _alternatives(detail)]
        if any(detail["type"] == "value_error" for detail in details):  # it is what one of them takes, but a bad one
            misfits = [detail for detail in misfits if detail["type"] not in _EXPECTED]
        if misfits and not any(len(other) > len(place) and other[: len(place)] == place for other in by_place):
            yield _misfit(place, misfits)
        rest = [detail for detail in details if not _alternatives(detail)]
        yield from dict.fromkeys(_problem(place, detail, value, model) for detail in rest)


def _place(detail: ErrorDetails, value: Any) -> Place:
    """Where in `value` an error stands.

    Pydantic mixes the labels of a union's alternatives into the path, and a label may be a key as well: that path is
    taken which leads to the very value pydantic complains about. The bound keeps a hostile file from making many.
    """
    labels: Place = detail["loc"]
    end: Place = ()
    if detail["type"] == "missing":
        labels, end = labels[:-1], labels[-1:]
    elif detail["type"].startswith("union_tag_"):
        end = tuple(re.findall("^'(.+)'$", detail["ctx"]["discriminator"]))
    paths = list(islice(_paths(value, labels), 64))
    place = next((path for path, value_there in paths if value_there == detail["input"]), paths[0][0])
    if detail["type"] == "extra_forbidden" and place[-1:] != labels[-1:]:  # a key that is not in `value` itself
        end = labels[-1:]
    return place + end


def _paths(value: Any, labels: Place) -> Iterator[tuple[Place, Any]]:
    """Each way to follow `labels` into `value`, leaving some out, and what it leads to; the longest comes first."""
    if not labels:
        yield (), value
        return
    head, rest = labels[0], labels[1:]
    if head in _parts(value):
        for path, value_there in _paths(value[head], rest):
            yield (head, *path), value_there
    yield from _paths(value, rest)


def _parts(value: Any) -> Collection[str | int]:
    if isinstance(value, dict):
        return value.keys()
    return range(len(value)) if isinstance(value, list) else ()


def _alternatives(detail: ErrorDetails) -> list[str]:
    """What the value must be instead, when it is not a matter of its parts."""
    if detail["type"] in _EXPECTED:
        return [_EXPECTED[detail["type"]]]
    if detail["type"] not in _CHOICES:
        return []
    choices: str = detail["ctx"].get("expected_tags") or detail["ctx"]["expected"]
    return re.findall("'([^']*)'", choices) or [choices]


def _misfit(place: Place, details: Sequence[ErrorDetails]) -> ModelProblem:
    *most, last = dict.fromkeys(alternative for detail in details for alternative in _alternatives(detail))
    choice = next((detail for detail in details if detail["type"] in _CHOICES), None)
    value = (choice or details[0]).get("ctx", {}).get("tag", details[0]["input"])
    message = f"must be {', '.join(most)}{' or ' if most else ''}{last}"
    if choice and isinstance(value, str):
        return ModelProblem(place, "wrong-value", f"{message}, not {quoted(value)}", did_you_mean(value, [*most, last]))
    return ModelProblem(place, "wrong-type", f"{message}, not {kind_of(value)}", _type_hint(value, [*most, last]))


def _type_hint(value: Any, expected: Collection[str]) -> str:
    if "text" in expected and isinstance(value, bool | int | float):
        return "put it in quotes"
    boolean = _BOOLEANS.get(value.casefold()) if "true or false" in expected and isinstance(value, str) else None
    return f"did you mean {boolean}?" if boolean else ""


def _problem(place: Place, detail: ErrorDetails, value: Any, model: Any) -> ModelProblem:
    around = reduce(lambda part, key: part[key], place[:-1], value)
    no_tag = detail["type"] == "union_tag_not_found" and place and place[-1] not in _parts(around)
    if detail["type"] == "missing" or no_tag:
        return ModelProblem(place, "missing-key", "is missing")
    if detail["type"] == "extra_forbidden":
        keys = _keys(model, place[:-1]).difference(_parts(around))
        hint = did_you_mean(place[-1], keys) or (f"possible keys are {', '.join(sorted(keys))}" if keys else "")
        return ModelProblem(place, "unknown-key", f"unknown key {quoted(place[-1])}", hint)
    return ModelProblem(place, detail["type"] if "-" in detail["type"] else "wrong-value", _sentence(detail))


def _sentence(detail: ErrorDetails) -> str:
    if isinstance(raised := detail.get("ctx", {}).get("error"), Exception):
        return str(raised)
    sentence = re.sub("^[A-Z][a-z]+ should ", "must ", detail["msg"]).replace(" after validation", "")
    value = detail["input"]
    quotes = "-" not in detail["type"] and isinstance(value, str | int | float)
    return f"{sentence}, not {quoted(value)}" if quotes else sentence


def _keys(annotation: Any, place: Place) -> set[str]:
    """The keys that a value of type `annotation` may have at `place`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        fields = {field.alias or name: field.annotation for name, field in annotation.model_fields.items()}
        return _keys(fields.get(str(place[0])), place[1:]) if place else set(fields)
    origin = get_origin(annotation)
    if isinstance(origin, type) and issubclass(origin, Collection):
        if not place:
            return set()
        place = place[1:]
    return set().union(*(_keys(argument, place) for argument in get_args(annotation)))
