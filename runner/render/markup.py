"""Templates, and the text of runbooks, hosts and people in them: in HTML and in Markdown it is never more than text."""

import csv
import io
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import jinja2
from jinja2 import Environment, FileSystemBytecodeCache, FileSystemLoader, StrictUndefined
from jinja2.bccache import Bucket

from runner.core.deferred import regex

_MARKDOWN = regex(r"[\\|<>&\[\]`*]|(?<![^\W_])_|_(?![^\W_])")
"""What Markdown or HTML would take for its own; within a word, as in a_b, an underscore means nothing."""

_BEGINS_TAG = regex(r"<(?=[A-Za-z/!?])")

_BEGINS_BLOCK = regex(r"^(?:([0-9]{1,9}(?=[.)](?:\s|$)))|(?=(?:[-+=~]|#{1,6})(?:\s|$)|[-=~]{2}))(.)")
"""What makes a line a heading, an item of a list, or a rule."""

# What a spreadsheet takes for the beginning of a formula: https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA = ("=", "+", "-", "@", "\t")

_VERSION = f"jinja-{jinja2.__version__}.{sys.implementation.cache_tag}"
"""Who can read what a template was compiled to."""


def visible(value: Any, *, kept: str = "\n\t", instead: str = "\N{REPLACEMENT CHARACTER}") -> str:
    """`value` as text without characters that do not show or change how others do."""
    text = str(value)
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() or each in kept else instead for each in text)


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
    templates = Path(str(import_module(package).__file__)).with_name("templates")
    settings = f"{'html' if html else 'plain'}-{text.__name__}"
    return Environment(
        loader=FileSystemLoader(templates),
        bytecode_cache=_BesideTemplates(str(templates / "__pycache__"), f"%s.{settings}.{_VERSION}.pyc"),
        autoescape=html,  # noqa: S701 - Markdown has marks of its own, which `markdown` escapes
        finalize=lambda value: value if hasattr(value, "__html__") else text(value),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        optimized=False,  # so that no result of a filter is part of what is kept of a template
    )


class _BesideTemplates(FileSystemBytecodeCache):
    """Keeps what templates are compiled to where it may write, as Python does: a report is made by each run."""

    def load_bytecode(self, bucket: Bucket) -> None:
        with suppress(OSError):
            super().load_bytecode(bucket)

    def dump_bytecode(self, bucket: Bucket) -> None:
        if sys.dont_write_bytecode:
            return
        with suppress(OSError):
            Path(self.directory).mkdir(exist_ok=True)
            super().dump_bytecode(bucket)
