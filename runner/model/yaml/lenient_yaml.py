"""YAML that is read leniently: that of other programs as those read it, and for completion what is there of a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml
from yaml.composer import Composer
from yaml.resolver import Resolver

from runner.core.deferred import dataclass
from runner.model.yaml.composer import LOADER, events, malformed, position_of
from runner.model.yaml.finding import Faults, Finding, Level, Place, Position, quoted, show

MAX_BYTES = 8 * 1024 * 1024
"""The largest file that is read."""

_MOST_MERGED = 100_000
_MERGE, _NULL = "tag:yaml.org,2002:merge", "tag:yaml.org,2002:null"


@dataclass(frozen=True)
class Value:
    """A value of the file, and where it stands: below which keys and items, and at which character."""

    file: str
    place: Place
    position: Position
    node: yaml.Node

    @property
    def text(self) -> str | None:
        """What is written, be it a number or text; None for what has parts and for nothing."""
        return self.node.value if isinstance(self.node, yaml.ScalarNode) and self.node.tag != _NULL else None

    @property
    def kind(self) -> str:
        """What a person would call it."""
        if isinstance(self.node, yaml.ScalarNode):
            return "empty" if self.text is None else "text"
        return "a list" if isinstance(self.node, yaml.SequenceNode) else "a mapping"

    @property
    def is_mapping(self) -> bool:
        """Whether it has keys."""
        return isinstance(self.node, yaml.MappingNode)

    def get(self, key: str) -> Value | None:
        """What stands at `key`; None where nothing does, or where this has no keys."""
        return next((value for value in self.values() if value.place[-1] == key), None)

    def values(self) -> Iterator[Value]:
        """What stands at each key, which gives the position; nothing for what has no keys."""
        if isinstance(self.node, yaml.MappingNode):
            for key, value in self.node.value:
                if isinstance(key, yaml.ScalarNode):
                    yield self._part(key.value, key, value)

    def items(self) -> Iterator[Value]:
        """The items of a list; nothing for what is none."""
        if isinstance(self.node, yaml.SequenceNode):
            for number, item in enumerate(self.node.value):
                yield self._part(number, item, item)

    def finding(self, rule: str, message: str, *, hint: str = "", level: Level = Level.ERROR) -> Finding:
        """The finding that something is wrong here."""
        return Finding(self.file, *self.position, show(self.place), level, rule, message, hint)

    def _part(self, name: str | int, start: yaml.Node, node: yaml.Node) -> Value:
        return Value(self.file, (*self.place, name), position_of(start.start_mark), node)


def documents(data: bytes, *, file: str) -> list[Value]:
    """The documents in `data`, whose findings call it `file`; one that is empty is left out.

    Raises:
        InvalidFileError: it cannot be read.
    """
    faults, start = Faults(file), Position(1, 1)
    if len(data) > MAX_BYTES:
        faults.stop("yaml-size", f"is larger than {MAX_BYTES // 1024 // 1024} MiB", position=start)
    text = _decode(data, faults)
    if odd := yaml.reader.Reader.NON_PRINTABLE.search(text):
        message = f"U+{ord(odd[0]):04X} is not allowed"
        faults.stop("yaml-character", message, position=Position.at(text, odd.start()))
    roots = []
    try:
        nodes = _Nodes(text)
        while nodes.check_node():
            roots.append(nodes.get_node())
    except yaml.MarkedYAMLError as error:
        malformed(error, faults)
    except (ValueError, OverflowError):  # PyYAML's own parser; libyaml's error is a YAMLError
        faults.stop("yaml-syntax", "is not valid YAML: an escape beyond Unicode", position=start)
    except RecursionError:
        faults.stop("yaml-depth", "is too deep", position=start)
    return [
        Value(file, (), position_of(node.start_mark), node) for node in roots if node is not None and node.tag != _NULL
    ]


def plain(text: str) -> Any:
    """The mappings, lists and texts of the first document in `text`, which is not checked; None where it is no YAML.

    A number is the text that it is written with, and a tag such as `!vault` is not followed.
    """
    try:
        return _plain(yaml.compose(text, Loader=LOADER))
    except (yaml.YAMLError, RecursionError):
        return None


def _plain(node: Any) -> Any:
    if isinstance(node, yaml.MappingNode):
        return {key.value: _plain(item) for key, item in node.value if isinstance(key.value, str)}
    return [_plain(item) for item in node.value] if isinstance(node, yaml.SequenceNode) else node and node.value


class _Nodes(Composer, Resolver):
    """PyYAML's composer upon the events of its fastest parser, with merge keys resolved as it goes."""

    def __init__(self, text: str) -> None:
        Composer.__init__(self)
        Resolver.__init__(self)
        self._events = events(text)
        self._next = next(self._events)
        self._merged = 0

    def check_event(self, *choices: type) -> bool:
        return isinstance(self._next, choices)

    def peek_event(self) -> Any:
        return self._next

    def get_event(self) -> Any:
        event, self._next = self._next, next(self._events, None)
        return event

    def compose_node(self, parent: Any, index: Any) -> Any:
        if not isinstance(self._next, yaml.AliasEvent):
            self.anchors.pop(self._next.anchor, None)  # YAML lets a name be given again; PyYAML does not
        return super().compose_node(parent, index)

    def compose_mapping_node(self, anchor: Any) -> Any:
        node = super().compose_mapping_node(anchor)
        own: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        merged: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        for key, value in node.value:
            if key.tag == _MERGE:
                merged = self._sources(key, value) | merged
            elif isinstance(key, yaml.ScalarNode):
                if key.value in own:
                    raise _marked(f"key {quoted(key.value)} is given twice", key)
                own[key.value] = key, value
        node.value = list((merged | own).values())
        return node

    def _sources(self, key: yaml.Node, value: yaml.Node) -> dict[str, tuple[yaml.Node, yaml.Node]]:
        """What a merge key takes from its mapping, or from several, of which the first one wins."""
        merged: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        for mapping in value.value if isinstance(value, yaml.SequenceNode) else [value]:
            if not isinstance(mapping, yaml.MappingNode):
                raise _marked("only a mapping can be merged", key)
            self._merged += len(mapping.value)
            if self._merged > _MOST_MERGED:
                raise _marked(f"more than {_MOST_MERGED:,} keys are merged", key)
            pairs = [pair for pair in mapping.value if isinstance(pair[0], yaml.ScalarNode) and pair[0].tag != _MERGE]
            merged = {name.value: (name, item) for name, item in pairs} | merged
        return merged


def _marked(problem: str, node: yaml.Node) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)


def _decode(data: bytes, faults: Faults) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8-sig")
        position = Position.at(before, len(before))
        faults.stop("yaml-encoding", f"byte 0x{data[error.start]:02X} is not UTF-8", position=position)
