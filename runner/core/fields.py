"""What every model of a written file shares: frozen, strict, nothing unknown, nothing empty."""

from datetime import timedelta
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetJsonSchemaHandler,
    PlainSerializer,
    Strict,
    WithJsonSchema,
)
from pydantic_core import CoreSchema

from runner.core import duration


class Model(BaseModel):
    """A piece of a written file; an unknown key is a fault, and text is never read as a number."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)


class Keywords:
    """What JSON Schema can say of a check that is made in Python, so that an editor complains where the reader does."""

    def __init__(self, **keywords: Any) -> None:
        self._keywords = keywords

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(schema), **self._keywords}


class Short:
    """A shorter way to write a value, which a validator reads first; `keywords` say it in JSON Schema."""

    def __init__(self, **keywords: Any) -> None:
        self._keywords = keywords

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"anyOf": [self._keywords, handler(schema)]}


class OrItem:
    """A list whose only item may be written without the brackets."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        keywords = handler(schema)
        return {"anyOf": [keywords["items"], keywords]}


Item = TypeVar("Item")

Several = Annotated[tuple[Item, ...], Strict(strict=False)]
"""A YAML list, kept as a tuple."""


def _not_empty(items: tuple[Item, ...]) -> tuple[Item, ...]:
    if not items:
        raise ValueError("is an empty list")
    return items


# Not `min_length`, which complains about an item that is wrong as if it were not there.
AtLeastOne = Annotated[tuple[Item, ...], Strict(strict=False), AfterValidator(_not_empty), Keywords(minItems=1)]
"""The same, with something in it."""

OneOrSeveral = Annotated[
    tuple[Item, ...],
    Strict(strict=False),
    BeforeValidator(lambda value: value if isinstance(value, list | tuple) else [value]),
    AfterValidator(_not_empty),
    Keywords(minItems=1),
    OrItem(),
]
"""A YAML list, or its only item without the brackets."""


def _something(text: str) -> str:
    if not text.strip():
        raise ValueError("is empty")
    return text.strip()


def _as_it_is(text: str) -> str:
    if any(mark in text for mark in ("{{", "{%", "{#")):
        raise ValueError("is shown to people as it is written, so templates are not filled in here")
    return text


def _one_line(text: str) -> str:
    if "\n" in text:
        raise ValueError("must be one line")
    return text


Text = Annotated[str, AfterValidator(_something), Keywords(pattern=r"\S")]
"""Text that says something."""

Prose = Annotated[Text, AfterValidator(_as_it_is), Keywords(**{"not": {"pattern": r"\{[{%#]"}})]
"""Text for people, who see it in a prompt or a report."""

Title = Annotated[Prose, AfterValidator(_one_line), Keywords(pattern=r"^\s*\S[^\n]*\s*$")]
"""One line of it."""

Duration = Annotated[
    timedelta,
    BeforeValidator(duration.read),
    PlainSerializer(duration.show, return_type=str),
    WithJsonSchema({"type": "string", "pattern": duration.PATTERN, "examples": ["30s", "5m", "1h30m"]}),
]
Limit = Annotated[Duration, BeforeValidator(duration.read_limit)]
"""A duration of at least a millisecond: no time at all is no limit to coreutils' `timeout`."""
