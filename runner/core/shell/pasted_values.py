"""Where a value is pasted into shell code as it is, so that the shell takes what it says for code."""

from collections import Counter
from collections.abc import Iterator
from itertools import accumulate
from typing import NamedTuple

from runner.core.deferred import regex
from runner.core.shell.shell_reader import Shell
from runner.core.templates import NUMBERS, last_filter, pieces

_ASKS = regex(r"\{%[-+]?\s*(?:el)?(?:if|se)\b|\{%[-+]?\s*end|\{#")
_QUOTING = frozenset(
    {"string", "raw_string", "ansi_c_string", "translated_string", "comment", "heredoc_body", "arithmetic_expansion"}
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
    parts, counts = pieces(code), Counter[str]()
    shell = Shell("".join(piece for _, piece in parts))
    for at, (is_template, piece) in zip(accumulate((len(piece) for _, piece in parts), initial=0), parts, strict=False):
        if is_template and not _ASKS.match(piece):
            within, last = bool(surroundings(shell, at)), last_filter(piece)
            if last not in NUMBERS and (within or last != "quote"):
                yield Pasted(piece, counts[piece], within)
        counts[piece] += is_template


def surroundings(shell: Shell, at: int) -> list[str]:
    """In what the character number `at` stands where quotation marks do not quote, or do not last, inmost first.

    The words are those of the grammar: quotations, comments, here-documents, what is computed, what stands between
    backticks (which a backtick in a quotation ends), and `ERROR`, where the code is not understood.
    """
    node, found = shell.root.descendant_for_byte_range(at, at + 1), list[str]()
    while node is not None:
        begin = shell.text[node.start_byte : node.start_byte + 2]
        ends_early = (node.type == "command_substitution" and begin[0] == "`") or node.type == "ERROR"
        computes = node.type == "compound_statement" and begin == "(("
        found += [node.type] * (node.type in _QUOTING or ends_early or computes)
        node = node.parent
    return found
