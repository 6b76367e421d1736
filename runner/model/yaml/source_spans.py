"""Where each value of a YAML text begins and ends, so that a finding can point into it and an edit can change it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from runner.model.yaml.finding import Place, Position

# The reader's own choice: PyYAML and libyaml do not read everything alike (`{a: b?, c: d}`).
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Span:
    """The characters of a value: from the offset `start` up to `end`; `style` is its quote, `|`, `>` or none."""

    start: int
    end: int
    style: str | None = None


class Tree:
    """The spans of a text that has been read already, so that it is known to be neither deep nor large."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._lines = _starts(text)
        node = yaml.compose(text, Loader=_LOADER)
        self._spans: Mapping[Place, Span] = dict(self._walk(node, ())) if node else {}

    def span(self, place: Place) -> Span | None:
        """The characters of the value at `place`."""
        return self._spans.get(place)

    def offset(self, place: Place, fragment: str, nth: int = 0) -> int | None:
        """Where `fragment` stands in the value at `place` for the time `nth`, when it is written there as it is."""
        span = self.span(place)
        found = span.start - 1 if span and fragment else None
        for _ in range(nth + 1):
            if span and found is not None:
                next_one = self.text.find(fragment, found + 1, span.end)
                found = None if next_one < 0 else next_one
        return found

    def position(self, offset: int) -> Position:
        """The line and column of a character."""
        line = self.text.count("\n", 0, offset)
        return Position(line + 1, offset - self._lines[line] + 1)

    def line(self, number: int) -> str:
        """The text of a line, which is counted from 1."""
        return self.text[self._lines[number - 1] :].partition("\n")[0].rstrip("\r")

    def _walk(self, node: Any, place: Place) -> Iterator[tuple[Place, Span]]:
        yield place, Span(self._at(node.start_mark), self._at(node.end_mark), getattr(node, "style", None))
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                yield from self._walk(value, (*place, key.value))
        elif isinstance(node, yaml.SequenceNode):
            for number, item in enumerate(node.value):
                yield from self._walk(item, (*place, number))

    def _at(self, mark: Any) -> int:
        return min(self._lines[mark.line] + int(mark.column), len(self.text)) if mark.line < len(self._lines) else 0


def _starts(text: str) -> list[int]:
    starts = [0]
    starts += [number + 1 for number, character in enumerate(text) if character == "\n"]
    return starts
