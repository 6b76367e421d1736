"""A finding: what is wrong in a file, where it stands, and what was probably meant."""

from __future__ import annotations

import reprlib
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, Self

from runner.core.deferred import regex
from runner.core.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

Place = tuple[str | int, ...]
"""Where a value stands in a document: the keys and the item numbers (from 0) that lead to it; `()` is the whole."""

MAX_FINDINGS = 100
"""As many faults of one file are shown; nobody mends more at once."""

_LONGEST = 60
_SHORT = reprlib.Repr()
_SHORT.maxstring = _LONGEST
_BARE = regex(rf"[A-Za-z0-9_-]{{1,{_LONGEST}}}")


class Position(NamedTuple):
    """A character of a text; line and column count from 1."""

    line: int
    column: int

    @classmethod
    def at(cls, text: str, offset: int) -> Self:
        """Where the character number `offset` (from 0) of `text` stands."""
        return cls(text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset))


class Level(StrEnum):
    """How bad a finding is: an error stops, a warning asks for attention, an info is good to know."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, order=True)
class Finding:
    """One fault of a file; findings sort as they stand in it.

    `line` and `column` count from 1, columns in characters. `path` is what `show` makes of a place
    (`steps[2].verify[0].that`; empty for the whole file), `rule` a kebab-case name such as `unknown-key`.
    """

    file: str
    line: int
    column: int
    path: str
    level: Level
    rule: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}:{self.column}: " + (f"{self.path}: " if self.path else "")
        return where + self.message + (f"; {self.hint}" if self.hint else "") + f" [{self.level}: {self.rule}]"


class InvalidFileError(InvalidInputError):
    """A file with faults; the message shows them all, one per line."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(sorted(findings))
        super().__init__("\n".join(map(str, self.findings)))


class Faults:
    """The faults of one file as they are found, until there are `MAX_FINDINGS`; every method may raise the error."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._findings: list[Finding] = []

    def add(self, rule: str, message: str, *, position: Position, place: Place = (), hint: str = "") -> None:
        """Note one fault."""
        self._findings.append(Finding(self._file, *position, show(place), Level.ERROR, rule, message, hint))
        if len(self._findings) >= MAX_FINDINGS:
            self.settle()

    def stop(self, rule: str, message: str, *, position: Position, place: Place = (), hint: str = "") -> NoReturn:
        """Note the last fault: what comes after it cannot be read, or must not."""
        self.add(rule, message, position=position, place=place, hint=hint)
        raise InvalidFileError(self._findings)

    def settle(self) -> None:
        """Complain about all faults, if there are any."""
        if self._findings:
            raise InvalidFileError(self._findings)


def leaves(value: Any, place: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Each value in `value` that has no parts, and where it stands."""
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(item, (*place, key))
    else:
        yield place, value


def show(place: Place) -> str:
    """`place` as people write it, `steps[2].verify`; a key that is not a plain word is quoted: `vars['a b']`."""
    parts = (f".{part}" if isinstance(part, str) and _BARE.fullmatch(part) else f"[{quoted(part)}]" for part in place)
    return "".join(parts).removeprefix(".")


def quoted(value: Any) -> str:
    """`value` as Python writes it, shortened, with whatever could disturb a terminal escaped."""
    return _SHORT.repr(value)


def did_you_mean(word: Any, known: Collection[str]) -> str:
    """The hint that names the one of `known` closest to `word`, letter case aside; empty when none is close."""
    if not isinstance(word, str) or len(word) > _LONGEST:  # comparing takes time in the square of the length
        return ""
    spellings = {name.casefold(): name for name in known}
    close = get_close_matches(word.casefold(), spellings, n=1)
    return f"did you mean {spellings[close[0]]!r}?" if close else ""


def kind_of(value: Any) -> str:
    """What a person would call `value`, which is made of dict, list, str, int, float, bool and None."""
    match value:
        case None:
            return "empty"
        case bool():
            return str(value).lower()
        case int() | float():
            return f"the number {value}"
        case str():
            return "text"
        case list():
            return "a list"
    return "a mapping"
