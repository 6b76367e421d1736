"""Where a value is pasted into shell code as it is, so that the shell takes what it says for code."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from runner.tasks import pieces

_QUOTED = re.compile(r"\|\s*quote\s*-?\}\}$")
_ASKS = re.compile(r"\{%[-+]?\s*(?:el)?(?:if|se)\b|\{%[-+]?\s*end|\{#")


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
    before, seen = "", Counter[str]()
    for is_template, piece in pieces(code):
        if is_template and not _ASKS.match(piece):
            within = bool(before.count('"') % 2 or before.count("'") % 2)
            if within or not _QUOTED.search(piece):
                yield Pasted(piece, seen[piece], within)
        seen[piece] += is_template
        before += "x" if is_template else piece
