"""Reads a YAML file into a document that knows where everything stands, and into a model; finds all faults at once.

This is the one reader of our own files. Those of other programs are read by `lenient_yaml`.
"""

from __future__ import annotations

import json
import re
import unicodedata
from bisect import bisect_right
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Mapping
from dataclasses import field, replace
from functools import cached_property
from typing import Any, Self, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from runner.core.deferred import dataclass, regex
from runner.model.yaml.composer import LOADER, Composer, Marks, position_of
from runner.model.yaml.finding import MAX_FINDINGS, Faults, Finding, InvalidFileError, Level, Place, Position, show
from runner.model.yaml.pydantic_errors import problems
from runner.model.yaml.yaml_file import MAX_BYTES

# What YAML readers or people disagree about: bytes that are not UTF-8 (decoded to surrogates), control characters, line
# breaks that only some count (NEL, LS, PS, a lone CR), and what makes text look different from what it is (direction
# overrides, a byte order mark in the middle).
_UNSAFE = regex(
    r"[^\t\n\r -~\xa0-\u2027\u202f-\u2065\u206a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]|\r(?!\n)"
)
_DIRECTIVE = regex(r"^%", re.MULTILINE)

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Span:
    """The characters of a value: from the offset `start` up to `end`; `style` is its quote, `|`, `>` or none."""

    start: int
    end: int
    style: str | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a part of a document is written: at `place` of `document`, and named at `used_at` of the file that uses it.

    `used_at` is None for what stands in the file itself, at another place. `through` are the names of the shared files
    by which one comes there, of which each but the first is used by the one before it.
    """

    document: Document
    place: Place
    used_at: Place | None = None
    through: tuple[str, ...] = ()


@dataclass(frozen=True)
class Document:
    """What a file says, and where it says it.

    `value` is made of dict, list, str, int, float, bool and None; its keys are text. `marks` has where PyYAML has seen
    each key and each item of a list. `origins` has the items of `value` that are written elsewhere than at their place.
    `before` is what it said before plain steps took the place of those that decide.
    """

    file: str
    text: str
    value: dict[str, Any]
    marks: Mapping[Place, Marks]
    origins: Mapping[Place, Origin] = field(default_factory=dict, repr=False)
    before: dict[str, Any] | None = field(default=None, repr=False)

    @classmethod
    def of_positions(cls, value: dict[str, Any], positions: Mapping[Place, Position], *, file: str) -> Self:
        """A document that says `value`, of which only the positions are known, not the text."""
        marks = {
            place: yaml.Mark(file, 0, line - 1, column - 1, None, 0) for place, (line, column) in positions.items()
        }
        return cls(file, "", value, {place: Marks(mark, mark, mark, None) for place, mark in marks.items()})

    @classmethod
    def of_line(cls, value: dict[str, Any], *, file: str, line: int) -> Self:
        """A document that says `value`, made of one line of a text that is no YAML."""
        return cls.of_positions(value, {(): Position(line, 1)}, file=file)

    def at(self, place: Place) -> Any:
        """The value at `place`.

        Raises:
            LookupError: there is none.
        """
        value: Any = self.value
        for part in place:
            value = value[part]
        return value

    @property
    def written(self) -> dict[str, Any]:
        """What it says as people write it: with the steps that decide, and without those that stand in their place."""
        return self.value if self.before is None else self.before

    @property
    def shared(self) -> tuple[Document, ...]:
        """The other files that parts of it are written in."""
        others = {
            origin.document.file: origin.document for origin in self.origins.values() if origin.used_at is not None
        }
        return tuple(others.values())

    def origin(self, place: Place) -> Origin:
        """Where what is at `place` is written."""
        for length in range(len(place), 0, -1):
            if origin := self.origins.get(place[:length]):
                return replace(origin, place=(*origin.place, *place[length:]))
        return Origin(self, place)

    def position(self, place: Place) -> Position:
        """Where the key or the item at `place` stands; for what is not in its file, where its nearest ancestor does."""
        origin = self.origin(place)
        return _position(origin.document.marks, origin.place)

    def own_position(self, place: Place) -> Position:
        """The same in this very file: what is written in another one stands where that is named."""
        origin = self.origin(place)
        return _position(self.marks, origin.place if origin.used_at is None else origin.used_at)

    def position_at(self, offset: int) -> Position:
        """The line and column of a character."""
        line = bisect_right(self._line_starts, offset)
        return Position(line, offset - self._line_starts[line - 1] + 1)

    def span(self, place: Place) -> Span | None:
        """The characters of the value at `place`, in the file that it is written in."""
        origin = self.origin(place)
        written, marks = origin.document, origin.document.marks.get(origin.place)
        return marks and Span(written.offset_of(marks.start), written.offset_of(marks.end), marks.style)

    def offset(self, place: Place, fragment: str, nth: int = 0) -> int | None:
        """Where `fragment` stands in the value at `place` for the time `nth`, when it is written there as it is."""
        span = self.span(place)
        if span is None or not fragment:
            return None
        text, offset = self.origin(place).document.text, span.start - 1
        for _ in range(nth + 1):
            offset = text.find(fragment, offset + 1, span.end)
            if offset < 0:
                return None
        return offset

    def finding(self, place: Place, rule: str, message: str, *, hint: str = "", level: Level = Level.ERROR) -> Finding:
        """The finding that something is wrong at `place`."""
        return self.finding_at(place, self.position(place), level, rule, message, hint)

    def finding_at(self, place: Place, position: Position, level: Level, rule: str, message: str, hint: str) -> Finding:
        """The same, at this `position` of the file that `place` is written in."""
        origin = self.origin(place)
        if origin.used_at is not None:
            message += f" (used in {self.file}:{self.own_position(place).line})"
        return Finding(origin.document.file, *position, show(origin.place), level, rule, message, hint)

    def offset_of(self, mark: Any) -> int:
        """The number of characters before PyYAML's `mark` in the text."""
        starts = self._line_starts
        return min(starts[mark.line] + int(mark.column), len(self.text)) if mark.line < len(starts) else len(self.text)

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(match.end() for match in re.finditer("\n", self.text))]


def _position(marks: Mapping[Place, Marks], place: Place) -> Position:
    """Where `place` or its nearest ancestor stands."""
    while place not in marks:
        place = place[:-1]
    return position_of(marks[place].key)


def load(data: bytes, *, file: str, loader: Any = LOADER) -> Document:
    """Read the YAML mapping in `data`, whose findings call it `file`.

    Aliases, anchors, tags, merge keys, duplicate keys, keys that are not text, directives and several documents are
    refused: each lets a file say something else than its reader sees. Whatever a file holds, it is read or refused
    within 50 ms where PyYAML has libyaml (the worst known: about 40 ms on two idle cores), else within half a second.

    Raises:
        InvalidFileError: with every fault, up to `MAX_FINDINGS`. A fault that hides the rest of the file (a syntax
            error, too deep, too many values, a second document) is the last one.
    """
    faults = Faults(file)
    text = _decode(data, faults)
    composer = Composer(_disarm(text, faults), faults, loader)
    value = composer.compose()
    faults.settle()
    return Document(file, text, value, composer.marks)


def readable(text: str) -> str:
    """`text` with U+FFFD for each character that no file may hold."""
    return _UNSAFE.sub("\ufffd", text)


def validate(document: Document, model: type[Model], *, at: Place = ()) -> Model:
    """The value at place `at` of `document` as a `model`.

    It is read as pydantic reads JSON: in strict mode, too, a list makes a tuple and text an enum's member. (Not below a
    validator that runs *before* the fields: that hands Python objects on.)

    Raises:
        InvalidFileError: with every fault, up to `MAX_FINDINGS`.
    """
    try:
        return model.model_validate_json(json.dumps(document.at(at)))
    except ValidationError as error:
        raise InvalidFileError(located(document, error, at=at, model=model)) from None


def located(document: Document, error: ValidationError, *, at: Place = (), model: Any = None) -> list[Finding]:
    """The faults that pydantic found in the value at place `at` of `document`, in the order of the file.

    Without the `model` (or type) that was tried, an unknown key gets no hint.
    """
    faults = problems(error, document.at(at), model=model, most=MAX_FINDINGS)
    return sorted(document.finding((*at, *each.place), each.rule, each.message, hint=each.hint) for each in faults)


def _decode(data: bytes, faults: Faults) -> str:
    if len(data) > MAX_BYTES:
        faults.stop("yaml-size", f"is larger than {MAX_BYTES // 1024} KiB", position=Position(1, 1))
    if data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        faults.stop("yaml-encoding", "is UTF-16 or UTF-32 and must be UTF-8", position=Position(1, 1))
    return data.decode("utf-8", "surrogateescape").removeprefix("\ufeff")


def _disarm(text: str, faults: Faults) -> str:
    """`text` with harmless characters for those that would stop the parser, or (directives) keep it busy."""
    for match in _UNSAFE.finditer(text):
        position, code = Position.at(text, match.start()), ord(match[0])
        if 0xDC80 <= code <= 0xDCFF:  # noqa: PLR2004 - where Python's surrogateescape puts the bytes 0x80 to 0xFF
            faults.add("yaml-encoding", f"byte 0x{code - 0xDC00:02X} is not UTF-8", position=position)
        else:
            name = unicodedata.name(match[0], "control character").lower()
            faults.add("yaml-character", f"U+{code:04X} ({name}) is not allowed", position=position)
    for match in _DIRECTIVE.finditer(text):
        message = "a line must not start with '%', which makes it a directive"
        faults.add("yaml-directive", message, position=Position.at(text, match.start()))
    return _DIRECTIVE.sub("#", _UNSAFE.sub("\ufffd", text))
