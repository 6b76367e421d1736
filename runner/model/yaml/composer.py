"""The guard around PyYAML: makes values of its events, with their positions, and refuses what hides something."""

import math
from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple, NoReturn

import yaml

from runner.core.deferred import regex
from runner.model.yaml.finding import Faults, Place, Position, kind_of, quoted

MAX_DEPTH = 24
MAX_NODES = 20_000

# libyaml where PyYAML was built with it: ten times faster. Only its events are used: its loader recurses in C, and
# 400 KB of brackets overflow the stack.
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

# Only what YAML 1.1 and 1.2 read alike is not text. So `no`, `010`, `1:30:00`, `1e3` and `2025-02-20` are text.
_CONSTANTS = {"": None, "~": None, "null": None, "true": True, "false": False}
_NUMBER = regex(
    r"(?P<whole>[-+]?(?:0|[1-9][0-9]*))"
    r"|(?P<finite>(?:[-+]?[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+][0-9]+)?)"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
_MOST = 2**63 - 1
_LONGEST_NUMBER = len(f"-{_MOST}")
_CONTROL = regex(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_HINTS = {
    "cannot start any token": "indent with spaces, not tabs, and put text that starts with @ or ` in quotes",
    "mapping values are not allowed": "put text with a colon in quotes",
}


class Marks(NamedTuple):
    """Where PyYAML has seen a value: its key (or itself, where it has none), its first character, and its end."""

    key: Any
    start: Any
    end: Any
    style: str | None
    """Its quote, `|`, `>` or none."""


class Composer:
    """Makes one value of a YAML text, and notes every fault on the way; recurses no deeper than `MAX_DEPTH`.

    `marks` has those of each key and each item of a list, and of the whole.
    """

    def __init__(self, text: str, faults: Faults, loader: Any = LOADER) -> None:
        self.marks: dict[Place, Marks] = {}
        self._faults = faults
        self._events = events(text, loader)
        self._end: Any = None  # of the mapping or list that was read last
        self._nodes = 0

    def compose(self) -> Any:
        """The value of the one document; after a fault it is not to be used.

        Raises:
            InvalidFileError: the rest of the file cannot be read, or must not.
        """
        start = Position(1, 1)
        try:
            values = [self._document(event) for event in self._events if isinstance(event, yaml.DocumentStartEvent)]
        except yaml.MarkedYAMLError as error:
            malformed(error, self._faults)
        except (ValueError, OverflowError):  # PyYAML's own parser; libyaml's error is a YAMLError
            self._faults.stop("yaml-syntax", "is not valid YAML: an escape beyond Unicode", position=start)
        if not values:
            self._faults.stop("yaml-mapping", "must be a mapping of keys to values, not empty", position=start)
        return values[0]

    def _document(self, start: Any) -> Any:
        if self.marks:
            message = "must be one document, and a second one starts here"
            self._faults.stop("yaml-documents", message, position=position_of(start.start_mark))
        event = next(self._events)
        self.marks[()] = Marks(event.start_mark, event.start_mark, event.end_mark, None)
        value = self._value(event.start_mark, event, ())
        if not isinstance(value, dict):
            message = f"must be a mapping of keys to values, not {kind_of(value)}"
            self._faults.add("yaml-mapping", message, position=position_of(event.start_mark))
        return value

    def _value(self, key: Any, event: Any, place: Place) -> Any:
        """The value that begins with `event`, whose marks are kept."""
        value = self._node(event, place)
        end = self._end if isinstance(value, dict | list) else event.end_mark
        self.marks[place] = Marks(key, event.start_mark, end, getattr(event, "style", None))
        return value

    def _node(self, event: Any, place: Place) -> Any:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            self._faults.stop(
                "yaml-nodes", f"has more than {MAX_NODES:,} keys and values", position=position_of(event.start_mark)
            )
        if event.anchor is not None:
            kind = "alias" if isinstance(event, yaml.AliasEvent) else "anchor"
            self._refuse(
                event, place, kind, f"{kind} {quoted(event.anchor)} is not allowed", hint="write the value out"
            )
        if isinstance(event, yaml.AliasEvent):
            return None
        if event.tag is not None:
            self._refuse(event, place, "tag", f"tag {quoted(event.tag)} is not allowed")
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, place)
        if len(place) >= MAX_DEPTH:
            message = f"is more than {MAX_DEPTH} levels deep"
            self._faults.stop("yaml-depth", message, position=position_of(event.start_mark), place=place)
        return self._mapping(place) if isinstance(event, yaml.MappingStartEvent) else self._sequence(place)

    def _sequence(self, place: Place) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._value(event.start_mark, event, (*place, len(items))))
        self._end = event.end_mark
        return items

    def _mapping(self, place: Place) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = event.value if isinstance(event, yaml.ScalarEvent) else "?"
            self._key(event, (*place, key), known=key in mapping)
            mapping[key] = self._value(event.start_mark, next(self._events), (*place, key))
        self._end = event.end_mark
        return mapping

    def _key(self, event: Any, place: Place, *, known: bool) -> None:
        value = self._node(event, place)
        if isinstance(event, yaml.AliasEvent):
            return
        scalar = isinstance(event, yaml.ScalarEvent)
        if value == "<<" and not event.style:
            self._refuse(event, place, "merge", "merge key '<<' is not allowed", hint="write the keys out")
        if not isinstance(value, str):
            hint = "put it in quotes" if scalar else "put a {{ template }} in quotes"
            self._refuse(event, place, "key", f"a key must be text, not {kind_of(value)}", hint=hint)
        if known and scalar:
            message = f"key {quoted(event.value)} is already given in line {position_of(self.marks[place].key).line}"
            self._refuse(event, place, "duplicate-key", message)

    def _scalar(self, event: Any, place: Place) -> Any:
        text: str = event.value
        if not event.style:
            try:
                return _plain(text)
            except ValueError as error:
                self._refuse(event, place, "number", str(error), hint="if it is text, put it in quotes")
        elif event.style == '"' and (control := _CONTROL.search(text)):  # made by an escape: the file itself has none
            self._refuse(event, place, "character", f"U+{ord(control[0]):04X} is not allowed in text")
        return text

    def _refuse(self, event: Any, place: Place, rule: str, message: str, *, hint: str = "") -> None:
        self._faults.add(f"yaml-{rule}", message, position=position_of(event.start_mark), place=place, hint=hint)


def malformed(error: yaml.MarkedYAMLError, faults: Faults) -> NoReturn:
    """Note as the last fault what PyYAML says is wrong.

    Raises:
        InvalidFileError: always.
    """
    position, message = position_of(error.problem_mark), f"is not valid YAML: {error.problem}"
    if error.context and error.context_mark:
        message += f" {error.context}"
        message += f" (from line {line})" if (line := error.context_mark.line + 1) < position.line else ""
    hint = next((hint for words, hint in _HINTS.items() if words in str(error.problem)), "")
    faults.stop("yaml-syntax", message, position=position, hint=hint)


def events(text: str, loader: Any = LOADER) -> Iterator[Any]:
    """The parser's events. libyaml 0.2.6 refuses what is very deep before it says where; PyYAML itself does not."""
    count = 0
    try:
        for event in yaml.parse(text, Loader=loader):
            yield event
            count += 1
    except yaml.scanner.ScannerError as error:
        if "nesting depth" not in str(error.problem):
            raise
        yield from islice(yaml.parse(text, Loader=yaml.SafeLoader), count, None)


def position_of(mark: Any) -> Position:
    """Where PyYAML's `mark` is."""
    return Position(mark.line + 1, mark.column + 1)


def is_text(text: str) -> bool:
    """Whether `text`, written without quotes, is read as text."""
    try:
        return isinstance(_plain(text), str)
    except ValueError:
        return False


def _plain(text: str) -> str | int | float | bool | None:
    """What a plain scalar means.

    Raises:
        ValueError: a number that is not finite, or a whole one that does not fit in 64 bits.
    """
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    number = _NUMBER.fullmatch(text)
    if number is None:
        return text
    if number.lastgroup == "whole":
        # The length first: Python refuses, or takes long over, a number of thousands of digits.
        whole = int(text) if len(text) <= _LONGEST_NUMBER else _MOST + 1
        if not -_MOST - 1 <= whole <= _MOST:
            raise ValueError("a whole number must fit in 64 bits")
        return whole
    if number.lastgroup != "finite" or math.isinf(float(text)):
        raise ValueError("a number must be finite")
    return float(text)
