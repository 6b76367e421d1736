"""`<placeholder>` and `${VARIABLE}` in commands: each becomes an input that is bound, and never pasted."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from runner.core.shell.shell_code import SET_BY_BASH
from runner.model.names import RESERVED

_INSIDE = r"[A-Za-z][\w.-]*(?: [\w.-]+){0,7}"
_PLACEHOLDER = re.compile(rf"(?<![<\w])<(?P<name>{_INSIDE})>")
_SQL = re.compile(
    r"(?P<quoted>'(?:[^']|'')*'|\"[^\"]*\")|(?P<comment>--[^\n]*)"
    r"|(?<![<\w])<(?P<name>[A-Za-z][\w-]*)>|\$\{(?P<variable>[A-Za-z_]\w*)\}"
)
_ONLY = re.compile(r"'<(?P<name>[A-Za-z][\w -]*)>'|'\$\{(?P<variable>[A-Za-z_]\w*)\}'")
_SHELL = re.compile(
    rf"(?P<escape>\\.)|(?P<single>'[^']*')|(?P<double>\")|(?P<comment>(?:(?<=\s)|(?<![\s\S]))#[^\n]*)"
    rf"|(?P<variable>\$(?:\{{(?P<braced>[A-Za-z_]\w*)(?P<how>[^}}]*)\}}|(?P<bare>[A-Za-z_]\w*)))"
    rf"|(?P<placeholder>(?<![<\w])<(?P<name>{_INSIDE})>)",
    re.DOTALL,
)
_ASSIGNED = re.compile(
    r"(?:^|[\s;&|({])(?:(?P<set>[A-Za-z_]\w*)(?:\[[^\]]*\])?\+?=|for\s+(?P<each>[A-Za-z_]\w*)"
    r"|(?:read|mapfile|readarray|getopts|local|declare|export|typeset)\s(?P<read>[^\n;|&)=]*))",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Bound:
    """A command whose placeholders are bound: `names` gives the input for each variable or parameter.

    `stands_for` has what each input was called in the Markdown.
    """

    text: str
    names: dict[str, str] = field(default_factory=dict)
    stands_for: dict[str, str] = field(default_factory=dict)


def input_name(word: str) -> str:
    """The name of the input that `word` stands for."""
    name = re.sub(r"[^a-z0-9]+", "_", word.encode("ascii", "ignore").decode().casefold()).strip("_")[:50].strip("_")
    if not name or not name[0].isalpha():
        name = f"value_{name}".rstrip("_")
    return f"{name}_value" if name in RESERVED or name.startswith(("ansible_", "runbook_")) else name


def bind_sql(statement: str) -> Bound:
    """`statement` with a parameter for each placeholder.

    Raises:
        ValueError: one stands within a longer quotation.
    """
    bound = Bound("")

    def parameter(match: re.Match[str]) -> str:
        if match["comment"]:
            return match[0]
        only = _ONLY.fullmatch(match[0]) if match["quoted"] else match
        if only is None and (_PLACEHOLDER.search(match[0]) or re.search(r"\$\{\w+\}", match[0])):
            raise ValueError("a placeholder stands within a quotation, where nothing can be bound")
        if only is None:
            return match[0]
        word = only["name"] or only["variable"]
        name = input_name(word)
        bound.names[name] = name
        bound.stands_for[name] = f"<{word}>" if only["name"] else f"${{{word}}}"
        return f"%({name})s"

    return Bound(_SQL.sub(parameter, statement), bound.names, bound.stands_for)


def bind_shell(text: str) -> Bound:
    """`text` with an environment variable for each placeholder, quoted; and those it expects anyway.

    Raises:
        ValueError: where a placeholder stands cannot be told.
    """
    return _Shell(text).bound()


class _Shell:
    """Walks shell code with just enough of its grammar to know what is quoted."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._quoted = False
        self._names: dict[str, str] = {}
        self._stands_for: dict[str, str] = {}
        self._replaced = False
        self._assigned = SET_BY_BASH | {
            name
            for match in _ASSIGNED.finditer(text)
            for name in re.findall(r"[A-Za-z_]\w*", match["set"] or match["each"] or match["read"] or "")
        }

    def bound(self) -> Bound:
        done, at = [], 0
        while match := _SHELL.search(self._text, at):
            piece, end = self._piece(match)
            done += [self._text[at : match.start()], piece]
            at = end
        if self._replaced and (self._quoted or re.search(r"<<[^<]", self._text)):
            raise ValueError("how the placeholder is quoted cannot be told")
        return Bound("".join(done) + self._text[at:], self._names, self._stands_for)

    def _piece(self, match: re.Match[str]) -> tuple[str, int]:
        if match["double"]:
            self._quoted = not self._quoted
        elif match["single"] or match["comment"]:
            if self._quoted:  # plain text there, except for what it may hold
                return match[0][0], match.start() + 1
            if match["single"]:
                return _PLACEHOLDER.sub(lambda found: f"'\"{self._variable(found)}\"'", match[0]), match.end()
        elif match["placeholder"]:
            variable = self._variable(match)
            return variable if self._quoted else f'"{variable}"', match.end()
        elif match["variable"]:
            self._expected(match["braced"] or match["bare"], match["how"] or "", match[0])
        return match[0], match.end()

    def _variable(self, match: re.Match[str]) -> str:
        name = input_name(match["name"])
        self._names[name.upper()] = name
        self._stands_for[name] = f"<{match['name']}>"
        self._replaced = True
        return f"${{{name.upper()}}}"

    def _expected(self, name: str, how: str, written: str) -> None:
        if name not in self._assigned and not re.match(r":?[-=+]", how):
            self._names[name] = input_name(name)
            self._stands_for[input_name(name)] = written
