"""An Ansible playbook as data, and the one way it is written down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

_WIDTH = 110
_LONGEST_LINE = 160
"""The longest line that ansible-lint takes."""

_LONG_TEMPLATE = 80
_LONG_LINES = ("", "yamllint disable rule:line-length", "(a line of the runbook's own is longer)")


@dataclass(frozen=True, slots=True)
class Task:
    """One Ansible task: `module` with `args`, and keywords such as `register` or `until` in their written order."""

    name: str
    module: str
    args: Mapping[str, Any]
    keywords: Mapping[str, Any] = field(default_factory=dict)

    def data(self) -> dict[str, Any]:
        """The mapping that stands in the playbook."""
        return {"name": self.name, self.module: dict(self.args), **self.keywords}


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
class Playbook:
    """Plays under a comment, given by its lines, that says where the file comes from and how it is used."""

    header: Sequence[str]
    plays: Sequence[Play]

    def render(self) -> str:
        """The file's text: the same playbook always gives the same bytes."""
        text = dump([play.data() for play in self.plays])
        # What an author wrote is not broken into other lines, which would make it harder to review.
        remark = _LONG_LINES if any(len(line) > _LONGEST_LINE for line in text.splitlines()) else ()
        comment = "".join(f"# {line}".rstrip() + "\n" for line in (*self.header, *remark))
        return comment + text


class _Dumper(yaml.SafeDumper):
    """YAML as Ansible people write it: lists indented, several lines as a literal block, no anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        del data
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: FBT001, FBT002
        del indentless
        super().increase_indent(flow, False)  # noqa: FBT003 - PyYAML's signature


def _text(dumper: Any, value: str) -> Any:
    quoted = "{{" in value or ("'" in value and not dumper.analyze_scalar(value).allow_block_plain)
    return dumper.represent_scalar("tag:yaml.org,2002:str", str(value), style=_style(value, quoted=quoted))


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


def dump(value: Any) -> str:
    """`value` as one YAML document, in the order it was built."""
    return yaml.dump(
        value,
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        explicit_start=True,
        default_flow_style=False,
        width=_WIDTH,
    )
