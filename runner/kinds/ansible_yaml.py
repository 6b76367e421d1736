"""An Ansible playbook as data, and the one way it is written down."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import field
from functools import lru_cache
from typing import Any, NamedTuple

import yaml
from yaml.emitter import ScalarAnalysis

from runner.core.deferred import dataclass, regex

_WIDTH = 110
_LONGEST_LINE = 160
"""The longest line that ansible-lint takes."""

_LONG_TEMPLATE = 80
_IN_ANY_STYLE = regex(r"(?!.*[:#,?\[\]{}])[A-Za-z0-9_/](?:[ -~]*[!-~])?")
_ESCAPED = regex(r"[^ !#-\[\]-~]")  # or in another alphabet, of which PyYAML knows what it writes as it is
_SHORT_KEY = 100
"""Characters of a key that stands before its colon, whatever its type is."""
_OF_YAML = "tag:yaml.org,2002:"
_LONG_LINES = ("", "yamllint disable rule:line-length", "(a line of the runbook's own is longer)")


FREE_FORM = "_raw_params"
"""What Ansible calls the argument of a module that takes a word in the place of arguments."""


@dataclass(frozen=True, slots=True)
class Task:
    """One Ansible task: `module` with `args`, and keywords such as `register` or `until` in their written order."""

    name: str
    module: str
    args: Mapping[str, Any]
    keywords: Mapping[str, Any] = field(default_factory=dict)

    def data(self) -> dict[str, Any]:
        """The mapping that stands in the playbook."""
        args = self.args[FREE_FORM] if FREE_FORM in self.args else dict(self.args)
        return {"name": self.name, self.module: args, **self.keywords}


@dataclass(frozen=True, slots=True)
class Block:
    """A named group of tasks and groups; `keywords` (tags, vars, become, ...) hold for all of them."""

    name: str
    tasks: Sequence[Task | Block]
    keywords: Mapping[str, Any] = field(default_factory=dict)
    rescue: Sequence[Task | Block] = ()

    def data(self) -> dict[str, Any]:
        """The mapping that stands in the playbook."""
        data = {"name": self.name, **self.keywords, "block": [task.data() for task in self.tasks]}
        return data | ({"rescue": [task.data() for task in self.rescue]} if self.rescue else {})


@dataclass(frozen=True, slots=True)
class Play:
    """Blocks and tasks for the hosts of one pattern, in order."""

    name: str
    hosts: str
    tasks: Sequence[Task | Block]
    keywords: Mapping[str, Any] = field(default_factory=dict)

    def data(self) -> dict[str, Any]:
        """The mapping that stands in the playbook."""
        return {
            "name": self.name,
            "hosts": self.hosts,
            **self.keywords,
            "tasks": [task.data() for task in self.tasks],
        }


@dataclass(frozen=True, slots=True)
class TaskFile:
    """Tasks in a file of their own, which a playbook includes, under a comment that is given by its lines."""

    header: Sequence[str]
    tasks: Sequence[Task | Block]

    def render(self) -> str:
        """The file's text."""
        return _file(self.header, [task.data() for task in self.tasks])


@dataclass(frozen=True, slots=True)
class Playbook:
    """Plays under a comment, given by its lines, that says where the file comes from and how it is used.

    `beside` are the texts of the files that it includes or starts, by how it names them.
    """

    header: Sequence[str]
    plays: Sequence[Play]
    beside: Mapping[str, str] = field(default_factory=dict)

    def render(self) -> str:
        """The file's text: the same playbook always gives the same bytes."""
        return _file(self.header, [play.data() for play in self.plays])


def _file(header: Sequence[str], content: Sequence[Mapping[str, Any]]) -> str:
    text = dump(content)
    # What an author wrote is not broken into other lines, which would make it harder to review.
    remark = _LONG_LINES if any(len(line) > _LONGEST_LINE for line in text.splitlines()) else ()
    comment = "".join(f"# {line}".rstrip() + "\n" for line in (*header, *remark))
    return comment + text


class _Dumper(yaml.SafeDumper):
    """YAML as Ansible people write it: lists indented, several lines as a literal block, no anchors.

    It writes mappings and lists itself, without the events that PyYAML makes of them, in a quarter of the time; how a
    scalar is written is left to PyYAML.
    """

    indent: Any

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: FBT001, FBT002
        super().increase_indent(flow, False)  # noqa: FBT003 - PyYAML's signature, here and below

    def document(self, value: Any) -> None:
        """Write the mapping or list `value`, which is not empty."""
        self.write_indicator("---", True)  # noqa: FBT003
        self._value(value)
        self.write_indent()
        if self.open_ended:
            self.write_indicator("...", True)  # noqa: FBT003
            self.write_indent()

    def _value(self, value: Any) -> None:
        is_list = isinstance(value, (list, tuple))
        if not is_list and not isinstance(value, dict):
            self._scalar(_analysis(value))
        elif value:
            self.increase_indent()
            (self._items if is_list else self._members)(value)
            self.indent = self.indents.pop()
        else:
            self.write_indicator("[]" if is_list else "{}", True)  # noqa: FBT003

    def _items(self, items: Sequence[Any]) -> None:
        for item in items:
            self.write_indent()
            self.write_indicator("-", True, indention=True)  # noqa: FBT003
            self._value(item)

    def _members(self, members: Mapping[Any, Any]) -> None:
        for key, value in members.items():
            scalar = _analysis(key)
            self.write_indent()
            if scalar.is_plain and len(scalar.event.value) < _SHORT_KEY:
                self.write_indicator(f"{scalar.event.value}:", True)  # noqa: FBT003
            elif self._is_simple_key(scalar):
                self._scalar(scalar, is_key=True)
                self.write_indicator(":", False)  # noqa: FBT003
            else:
                self.write_indicator("?", True, indention=True)  # noqa: FBT003
                self._scalar(scalar)
                self.write_indent()
                self.write_indicator(":", True, indention=True)  # noqa: FBT003
            self._value(value)

    def _scalar(self, scalar: _Scalar, *, is_key: bool = False) -> None:
        text = scalar.event.value
        if scalar.is_plain and self.column + len(text) < self.best_width:
            self.write_indicator(text, True)  # noqa: FBT003
            return
        self.indent += self.best_indent
        self.event, self.analysis, self.simple_key_context = scalar.event, scalar.analysis, is_key
        self.process_tag()
        self.process_scalar()
        self.indent -= self.best_indent

    def _is_simple_key(self, scalar: _Scalar) -> bool:
        self.event, self.analysis = scalar.event, scalar.analysis
        return bool(self.check_simple_key())

    def analyze_scalar(self, scalar: str) -> Any:
        """What PyYAML says of `scalar`, in whatever style it may be written; at once where that is any style."""
        if _IN_ANY_STYLE.fullmatch(scalar):
            return ScalarAnalysis(scalar, False, False, True, True, True, True, True)  # noqa: FBT003
        return super().analyze_scalar(scalar)

    def prepare_tag(self, tag: str) -> Any:
        """How `tag` is written: it is one of YAML's own."""
        return tag.replace(_OF_YAML, "!!")

    def write_double_quoted(self, text: str, split: bool = True) -> None:  # noqa: FBT001, FBT002
        """Write `text` at once where nothing in it is escaped and its line is not too long, else as PyYAML does."""
        if _ESCAPED.search(text) or self.column + len(text) + len(' ""') >= self.best_width:
            super().write_double_quoted(text, split)
        else:
            self.write_indicator(f'"{text}"', True)  # noqa: FBT003


class _Scalar(NamedTuple):
    """A scalar as PyYAML writes it: `is_plain` where that is without quotation marks, wherever it stands."""

    event: yaml.ScalarEvent
    analysis: ScalarAnalysis
    is_plain: bool


def _analysis(value: Any) -> _Scalar:
    return _analysis_of_text(value) if isinstance(value, str) else _analyse(value)


def _analyse(value: Any) -> _Scalar:
    node = _ANALYSER.represent_data(value)
    plain_tag = _ANALYSER.resolve(yaml.ScalarNode, node.value, (True, False))
    implicit = (node.tag == plain_tag, node.tag == _ANALYSER.DEFAULT_SCALAR_TAG)
    event = yaml.ScalarEvent(None, node.tag, implicit, node.value, style=node.style)
    analysis = _ANALYSER.analyze_scalar(node.value)
    return _Scalar(event, analysis, bool(node.value and not node.style and implicit[0] and analysis.allow_block_plain))


_analysis_of_text = lru_cache(maxsize=1000)(_analyse)


def _text(dumper: Any, value: str) -> Any:
    quoted = "{{" in value or ("'" in value and not dumper.analyze_scalar(value).allow_block_plain)
    return dumper.represent_scalar(f"{_OF_YAML}str", str(value), style=_style(value, quoted=quoted))


def _style(value: str, *, quoted: bool) -> str | None:
    """How `value` reads best: in quotes as Ansible people write them, unless that needs escapes or several lines."""
    if "\x85" in value:
        return '"'  # in every other style YAML 1.1 reads it as the end of a line
    if "\n" in value:
        return "|"
    if quoted and len(value) < _LONG_TEMPLATE:
        return None if set(value) & set('"\\') else '"'
    return ">" if quoted and value == value.strip() else None


_Dumper.add_representer(str, _text)
_ANALYSER: Any = _Dumper(io.StringIO(), allow_unicode=True)


def dump(value: Any) -> str:
    """The mapping or list `value` as one YAML document, in the order it was built."""
    stream = io.StringIO()
    _Dumper(stream, allow_unicode=True, width=_WIDTH).document(value)
    return stream.getvalue()
