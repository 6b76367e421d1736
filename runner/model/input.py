"""An input of a runbook: a typed value within limits, that whoever starts the run gives."""

import math
import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from runner.core import duration, secrets
from runner.core.characters import unfit
from runner.core.deferred import dataclass
from runner.core.fields import Model, Several, Text, Title
from runner.core.templates import has_template
from runner.model.yaml.finding import did_you_mean, kind_of

Value = str | int | float | bool
Bound = int | float | str

_TEXTS, _ORDERED = frozenset({"string", "secret"}), frozenset({"int", "number", "duration", "date"})
_FIT: Mapping[str, frozenset[str]] = {
    "values": frozenset({"enum"}),
    "pattern": _TEXTS,
    "min_length": _TEXTS,
    "max_length": _TEXTS,
    "min": _ORDERED,
    "max": _ORDERED,
}
"""The types that a limit goes with."""


def _is_pattern(text: str) -> str:
    try:
        re.compile(text)
    except (re.error, RecursionError) as error:
        raise ValueError(f"is not a regular expression: {error}") from None
    return text


class Input(Model):
    """A value that is given with `-e name=value`, or asked for.

    `values` are all that an enum may be. `pattern` is a Python regular expression that matches the whole text, `min`
    and `max` are written like the value itself. The `default` of a secret says where it is.
    """

    type: Literal["string", "int", "number", "bool", "enum", "duration", "date", "host", "secret"] = "string"
    help: Title
    default: Value | None = None
    values: Several[Text] = ()
    pattern: Annotated[str, AfterValidator(_is_pattern)] | None = None
    min: Bound | None = None
    max: Bound | None = None
    min_length: Annotated[int, Field(ge=0)] | None = None
    max_length: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        for name, types in _FIT.items():
            if getattr(self, name) not in {None, ()} and self.type not in types:
                raise ValueError(f"`{name}` goes with {' or '.join(sorted(types))}, not with {self.type}")
        if self.type == "enum" and len(set(self.values)) < max(1, len(self.values)):
            raise ValueError("`values` names each value that an enum may have, once")
        for name in ("min", "max"):
            if (bound := getattr(self, name)) is not None:
                self._typed(bound, f"`{name}`")
        if self._crossed(self.min, self.max) or (self.max_length or math.inf) < (self.min_length or 0):
            raise ValueError("leaves no value: the least is more than the most")
        self._check_default()
        return self

    def _check_default(self) -> None:
        if self.default is None:
            return
        if isinstance(self.default, str) and has_template(self.default):
            raise ValueError("the default is taken as it is written, so templates are not filled in here")
        self._typed(self.default, "the default")
        try:
            self.read(self.default)
        except ValueError as error:
            raise ValueError(f"the default: {error}") from None
        if self.default == "prompt" and self.type == "secret":
            raise ValueError("the default: a secret without one is asked for, so leave it out")

    def _typed(self, value: Value, what: str) -> None:
        """That `value`, which the file has for `what`, is written as its type is."""
        kinds: tuple[type, ...] = _WRITTEN.get(self.type, (str,))
        if not isinstance(value, kinds) or isinstance(value, bool) != (self.type == "bool"):
            raise ValueError(f"{what} of type {self.type} must be {_WORDS[self.type]}, not {kind_of(value)}")
        if what != "the default":
            try:
                _READ.get(self.type, str)(str(value))
            except ValueError as error:
                raise ValueError(f"{what}: {error}") from None

    def read(self, value: Value) -> Value:
        """The typed value, given as text by a person or as the file has it; of a secret, the reference.

        Raises:
            ValueError: it is not of this type, or not within its limits.
        """
        text = str(value).lower() if isinstance(value, bool) else str(value)
        if self.type == "secret":
            return str(secrets.SecretReference.parse(text))
        value_read = _READ.get(self.type, _text)(text)
        if self.type == "enum" and text not in self.values:
            raise ValueError(f"{text!r} is not one of {', '.join(self.values)}")
        self._bounded(text, value_read)
        if self.type == "string" and (wrong := self._spelled(text)):
            raise ValueError(f"{text[:_SHOWN]!r} {wrong}")
        return value_read

    def check_secret(self, value: str) -> str:
        """`value`, which is what a secret's reference led to.

        Raises:
            ValueError: it is not within the limits; the message does not quote it.
        """
        if wrong := self._spelled(secrets.check(value)):
            raise ValueError(wrong)
        return value

    def _spelled(self, text: str) -> str:
        """What is wrong with the length or the spelling of `text`."""
        if self.min_length is not None and len(text) < self.min_length:
            return f"is shorter than {self.min_length} characters"
        if self.max_length is not None and len(text) > self.max_length:
            return f"is longer than {self.max_length} characters"
        if self.pattern is not None and not re.fullmatch(self.pattern, text):
            return f"does not match {self.pattern}"
        return ""

    def _bounded(self, text: str, value: Value) -> None:
        if self._crossed(self.min, value):
            raise ValueError(f"{text} is less than {self.min}")
        if self._crossed(value, self.max):
            raise ValueError(f"{text} is more than {self.max}")

    def _crossed(self, least: Value | None, most: Value | None) -> bool:
        if self.type not in _ORDERED or least is None or most is None:
            return False
        order = _ORDER.get(self.type, lambda value: value)
        return bool(order(least) > order(most))

    @property
    def takes(self) -> str:
        """What may be given, in words: what it is, and its limits."""
        return ", ".join([*([] if self.values else [_WORDS[self.type]]), *self.limits])

    @property
    def limits(self) -> list[str]:
        """What it is held to besides its type, in words."""
        limits = [
            f"one of {', '.join(self.values)}" if self.values else "",
            f"at least {self.min}" if self.min is not None else "",
            f"at most {self.max}" if self.max is not None else "",
            f"of at least {self.min_length} characters" if self.min_length else "",
            f"of at most {self.max_length} characters" if self.max_length is not None else "",
            f"that matches {self.pattern}" if self.pattern is not None else "",
        ]
        return [limit for limit in limits if limit]


_SHOWN = 60
_WRITTEN: Mapping[str, tuple[type, ...]] = {"int": (int,), "number": (int, float), "bool": (bool,)}
_WORDS: Mapping[str, str] = {
    "string": "text",
    "int": "a whole number",
    "number": "a number",
    "bool": "true or false",
    "enum": "text",
    "duration": "a duration, like 5m",
    "date": "a date, like 2026-01-31",
    "host": "the name of a host of the inventory",
    "secret": "a secret",
}


def _text(text: str) -> str:
    if reason := unfit(text):
        raise ValueError(reason)
    return text


def _truth(text: str) -> bool:
    if text not in {"true", "yes", "false", "no"}:
        raise ValueError(f"{text[:_SHOWN]!r} is neither true nor false")
    return text in {"true", "yes"}


def _number(text: str, *, whole: bool = False) -> int | float:
    pattern = r"[-+]?[0-9]{1,300}" if whole else r"[-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?"
    if not re.fullmatch(pattern, text) or not math.isfinite(float(text)):
        raise ValueError(f"{text[:_SHOWN]!r} is not a {'whole ' * whole}number")
    return int(text) if whole else float(text)


def _duration(text: str) -> str:
    duration.parse(text)
    return text


def _date(text: str) -> str:
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise ValueError(f"{text[:_SHOWN]!r} is not a date; write year, month and day, like 2026-01-31")
    try:
        date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"there is no day {text} in the calendar") from None
    return text


def _host(text: str) -> str:
    if not re.fullmatch(r"[^\s,;\x00-\x1f]+", text):
        raise ValueError(f"{text[:_SHOWN]!r} is not the name of a host")
    return text


_READ: Mapping[str, Callable[[str], Value]] = {
    "int": lambda text: _number(text, whole=True),
    "number": _number,
    "bool": _truth,
    "duration": _duration,
    "date": _date,
    "host": _host,
}
_ORDER: Mapping[str, Callable[[Any], Any]] = {"duration": duration.parse, "date": date.fromisoformat}


@dataclass(frozen=True, slots=True)
class InputFault:
    """What is wrong with the value that was given for the input `name`, and how it is mended."""

    name: str
    what: str
    mend: str = ""

    def __str__(self) -> str:
        return f"{self.name}: {self.what}" + (f"; {self.mend}" if self.mend else "")


def read_all(declared: Mapping[str, Input], arguments: Mapping[str, Any]) -> tuple[dict[str, Value], list[InputFault]]:
    """The value of every input that has one, of the `arguments` before the default; and all that is wrong."""
    values = {name: item.default for name, item in declared.items() if item.default is not None}
    wrong = []
    for name, value in arguments.items():
        item = declared.get(name)
        if item is None:
            hint = f"it takes {', '.join(declared) or 'none'}"
            wrong.append(InputFault(name, "there is no such input", did_you_mean(name, declared) or hint))
            continue
        try:
            values[name] = item.read(value)
        except ValueError as error:
            mend = "" if item.type == "secret" else f"write {item.takes} ({item.help})"
            wrong.append(InputFault(name, str(error), mend))
    return {name: values[name] for name in declared if name in values}, wrong


def missing(declared: Mapping[str, Input], values: Mapping[str, Any]) -> list[InputFault]:
    """A complaint about each input that has no value in `values`."""
    return [
        InputFault(name, "has no value", f"write {item.takes} ({item.help})")
        for name, item in declared.items()
        if name not in values
    ]
