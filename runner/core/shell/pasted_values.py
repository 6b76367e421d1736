"""Where a value is pasted into shell code as it is, so that the shell takes what it says for code."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from runner.core.templates import NUMBERS, last_filter, pieces

_ASKS = re.compile(r"\{%[-+]?\s*(?:el)?(?:if|se)\b|\{%[-+]?\s*end|\{#")
_BEGINS = r"<<-?[ \t]*\\?(['\"]?)(\w+)\1[^\n]*\n"
_OPEN_DOCUMENT = re.compile(_BEGINS)
_DOCUMENT = re.compile(rf"{_BEGINS}.*?^\t*\2$", re.DOTALL | re.MULTILINE)
_TOKEN = re.compile(
    r"""(?P<skip>\\.)
      | (?P<closed>'[^']*'|\$'(?:[^'\\]|\\.)*'|\$?"(?:[^"\\]|\\.)*")
      | (?P<open>\$?['"])
      | (?:^|(?<=[\s;&|()]))(?P<remark>\#[^\n]*)
      | (?P<other>.)""",
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)


class Pasted(NamedTuple):
    """A template in shell code: the `nth` of those that are written so (from 0), perhaps within quotation marks."""

    template: str
    nth: int
    within_quotes: bool


def pasted(code: str) -> Iterator[Pasted]:
    """Every template in `code` whose value reaches the shell unquoted; `| quote` helps only outside quotation marks.

    Raises:
        ValueError: it is no template.
    """
    before, counts = "", Counter[str]()
    for is_template, piece in pieces(code):
        if is_template and not _ASKS.match(piece):
            within, last = _is_within(before), last_filter(piece)
            if last not in NUMBERS and (within or last != "quote"):
                yield Pasted(piece, counts[piece], within)
        counts[piece] += is_template
        before += "x" if is_template else piece


def _is_within(before: str) -> bool:
    """Whether what follows `before` is where quotation marks are no quotation, or do not last.

    That is in one, in a here-document, a remark, between backticks, which a backtick in a quotation ends, and in
    arithmetic.
    """
    before = _DOCUMENT.sub("x", before)
    if _OPEN_DOCUMENT.search(before):
        return True
    tokens = list(_TOKEN.finditer(before))
    if any(token["open"] or (token["remark"] and token.end() == len(before)) for token in tokens):
        return True
    backticks = sum(token["other"] == "`" for token in tokens)
    return backticks % 2 == 1 or before.count("((") > before.count("))")
