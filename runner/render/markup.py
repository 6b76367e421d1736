"""Templates, and the text of runbooks, hosts and people in them: in HTML and in Markdown it is never more than text."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from types import CodeType
from typing import Any

from jinja2 import BytecodeCache, Environment, PackageLoader, StrictUndefined
from jinja2.bccache import Bucket

_MARKDOWN = re.compile(r"[\\|<>&\[\]`*]|(?<![^\W_])_|_(?![^\W_])")
"""What Markdown or HTML would take for its own; within a word, as in a_b, an underscore means nothing."""

_BEGINS_TAG = re.compile(r"<(?=[A-Za-z/!?])")

_BEGINS_BLOCK = re.compile(r"^(?:([0-9]{1,9}(?=[.)](?:\s|$)))|(?=(?:[-+=~]|#{1,6})(?:\s|$)|[-=~]{2}))(.)")
"""What makes a line a heading, an item of a list, or a rule."""

# What a spreadsheet takes for the beginning of a formula: https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA = ("=", "+", "-", "@", "\t")


def visible(value: Any, *, kept: str = "\n\t", instead: str = "\N{REPLACEMENT CHARACTER}") -> str:
    """`value` as text without characters that do not show or change how others do."""
    return "".join(each if each.isprintable() or each in kept else instead for each in str(value))


def one_line(value: Any) -> str:
    """`value`, as JSON where it is no text, in one line of visible characters."""
    text = value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
    return " ".join(visible(text, kept="", instead=" ").split())


def untagged(value: Any) -> str:
    """The same for a plain text, which may be shown as Markdown all the same: nothing in it is a tag of HTML."""
    return _BEGINS_TAG.sub(r"\\<", one_line(value))


def markdown(value: Any) -> str:
    """The same as a line of Markdown or the cell of a table, in which Markdown and HTML mean nothing."""
    escaped = _MARKDOWN.sub(lambda mark: f"\\{mark[0]}", one_line(value))
    return _BEGINS_BLOCK.sub(lambda match: f"{match[1] or ''}\\{match[2]}", escaped)


def table_row(cells: Iterable[str]) -> str:
    """A row of a table in Markdown, of `cells` in which nothing is a mark."""
    return f"| {' | '.join(cells)} |"


def comma_separated(rows: Iterable[Sequence[str]]) -> str:
    """`rows` for a spreadsheet, in which nothing is a formula."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in row] for row in rows)
    return text.getvalue()


def template_environment(package: str, *, html: bool = True, text: Callable[[Any], str] = visible) -> Environment:
    """The templates of `package`: whatever they print goes through `text`, unless it is HTML already."""
    return Environment(
        loader=PackageLoader(package),
        autoescape=html,  # noqa: S701 - Markdown has marks of its own, which `markdown` escapes
        finalize=lambda value: value if hasattr(value, "__html__") else text(value),
        undefined=StrictUndefined,
        bytecode_cache=_compiled(html, text),
        trim_blocks=True,
        lstrip_blocks=True,
        optimized=False,  # that takes a third of the time of reading a template, which a command uses once
    )


class _Compiled(BytecodeCache):
    """The templates that this process has compiled, which the next environment of its kind takes over."""

    def __init__(self) -> None:
        self._code: dict[tuple[str, str], CodeType | None] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._code.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._code[bucket.key, bucket.checksum] = bucket.code


@cache
def _compiled(html: bool, text: Callable[[Any], str]) -> _Compiled:  # noqa: FBT001, ARG001 - each kind has its own
    return _Compiled()
