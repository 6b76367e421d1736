"""Entries of the registry out of Markdown: the tables that teams keep, and lines like `DEP-002: All tests pass`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from markdown_it import MarkdownIt

from runner.core.deferred import dataclass, regex
from runner.core.identifiers import REFERENCE_ID
from runner.core.wording import grouped
from runner.library.registry.entry_kinds import to_entry
from runner.library.registry.id_meanings import Gloss, glosses, senses
from runner.library.registry.registry import Reference, prefix
from runner.model.yaml.document import Document
from runner.model.yaml.finding import Finding, InvalidFileError, Level

_ID = regex(REFERENCE_ID)
_LOOSE = regex(r"[A-Za-z]{2,8}[-_ ][0-9]{1,6}")
_LINE = regex(r"^\s*[-*]?\s*(?:\[[ xX]\]\s*)?([A-Z]{2,8}-[0-9]{3,6}): +(\S.*)$")
_LONGEST = 200
"""The longest line that can be a title."""


@dataclass(frozen=True)
class Imported:
    """What was found: the entries as the registry writes them, by their ids, and what is wrong."""

    entries: Mapping[str, Mapping[str, Any]]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class _Raw:
    """An entry as a line of the text says it."""

    id: str
    line: int
    keys: Mapping[str, Any]


def entries(text: str, *, file: str, owner: str | None, known: Mapping[str, Reference]) -> Imported:
    """The entries in the Markdown `text`, which findings call `file`; `owner` keeps those that name nobody.

    What the registry knows already is left out, and must mean the same there. Runbooks are none: they are imported as
    what they are.
    """
    findings: list[Finding] = []
    raw = [*_of_tables(text, file, findings), *_of_lines(text)]
    findings += _two_meanings(text, raw, file, known)
    found: dict[str, Mapping[str, Any]] = {}
    for each in raw:
        if each.id in found or each.id in known:
            continue
        keys = {"title": each.keys.get("title"), "owner": owner, **each.keys}
        found[each.id] = {key: item for key, item in keys.items() if item is not None}
        findings += _faults(each, found[each.id], file)
    return Imported(dict(sorted(found.items())), tuple(sorted(set(findings))))


def _of_tables(text: str, file: str, findings: list[Finding]) -> Iterator[_Raw]:
    for table in tables(text):
        ids = _id_column(table)
        if ids is None:
            continue
        keys = _keys(table, ids)
        for number in keys.keys() ^ {column for column in range(len(table.head.cells)) if column != ids}:
            message = f"the column {table.head.cells[number]!r} is left out"
            hint = f"possible columns are {', '.join(sorted(set(KEYS.values())))}"
            findings.append(Finding(file, table.head.number, 1, "", Level.WARNING, "unknown-column", message, hint))
        for row in table.rows:
            name = _bare(row.cells[ids])
            if prefix(name) != "RUN" and name:
                yield _Raw(name, row.number, _written(name, {keys[n]: row.cells[n] for n in keys}))


def _id_column(table: Table) -> int | None:
    """The column with the ids: one that is called so, or that has nothing else in it."""
    for number, title in enumerate(table.head.cells):
        cells = [_bare(cell) for cell in table.column(number) if cell]
        spelled = _LOOSE if title.casefold() in {"id", "ids", "entry"} else _ID
        if cells and all(spelled.fullmatch(cell) for cell in cells):
            return number
    return None


def _bare(cell: str) -> str:
    """An id without what it links to."""
    return re.sub(r" \S+://\S+$", "", cell)


def _keys(table: Table, ids: int) -> dict[int, str]:
    """The key that each column is for; a second one with a title's name is a note."""
    found: dict[int, str] = {}
    for number, title in enumerate(table.head.cells):
        key = KEYS.get(title.casefold().strip(" :*"))
        key = "note" if key == "title" and "title" in found.values() else key
        if number != ids and key and key not in found.values():
            found[number] = key
    return found


def _written(name: str, cells: Mapping[str, str]) -> dict[str, Any]:
    """The keys of the entry `name` as the registry writes them."""
    keys = {key: found for key, cell in cells.items() if (found := value(key, cell)) is not None}
    if prefix(name) == "DEP" and (trigger := keys.pop("rollback", keys.pop("condition", None))):
        rollback = {"trigger": trigger, "runbook": keys.pop("runbook", None)}
        keys["rollback"] = {key: item for key, item in rollback.items() if item}
    return keys


def _of_lines(text: str) -> Iterator[_Raw]:
    for number, line in enumerate(text.splitlines(), 1):
        match = _LINE.match(line)
        if match and prefix(match[1]) != "RUN" and len(match[2]) <= _LONGEST:
            yield _Raw(match[1], number, {"title": match[2].strip()})


def _faults(raw: _Raw, keys: Mapping[str, Any], file: str) -> Iterator[Finding]:
    """What is wrong with an entry, told at its line of the text."""
    document = Document.of_line({raw.id: keys}, file=file, line=raw.line)
    try:
        to_entry(document, raw.id)
    except InvalidFileError as error:
        for finding in error.findings:
            missing = finding.rule == "missing-key"
            key = finding.path.rpartition(".")[2]
            hint = "name one with --owner" if key == "owner" else f"add a column for it: {key}"
            yield replace(finding, hint=hint) if missing else finding


def _two_meanings(text: str, raw: list[_Raw], file: str, known: Mapping[str, Reference]) -> Iterator[Finding]:
    titles = (Gloss(each.id, str(each.keys.get("title", "")), each.line) for each in raw)
    for name, found in grouped((gloss.id, gloss) for gloss in (*titles, *glosses(text))).items():
        first, *others = senses(sorted(found, key=lambda gloss: gloss.line)) or [[]]
        for other in others:
            message = f"{name} is {other[0].text!r} here and {first[0].text!r} in line {first[0].line}"
            hint = "one id is one thing: give one of them another"
            place = (other[0].line, other[0].column)
            yield Finding(file, *place, "", Level.ERROR, "two-meanings", message, hint)
        if name in known and first:
            yield from _differs(known[name], first[0], file, entered=any(each.id == name for each in raw))


def _differs(there: Reference, gloss: Gloss, file: str, *, entered: bool) -> Iterator[Finding]:
    """What the registry says otherwise; or, where the text has the entry as well, a note that it says the same."""
    place = (file, gloss.line, gloss.column, "")
    if len(senses([Gloss(there.id, there.words), gloss])) > 1:
        message = f"{there.id} is {gloss.text!r} here and {there.title!r} in {there.where}"
        yield Finding(*place, Level.ERROR, "two-meanings", message, "one id is one thing: give one of them another")
    elif entered:
        message = f"{there.id} is in {there.where} already, and left out"
        yield Finding(*place, Level.INFO, "duplicate-id", message)


@dataclass(frozen=True, slots=True)
class Line:
    """A row: its line in the text, from 1, and what its cells say, without marks; a link says its target as well."""

    number: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its head, and its rows."""

    head: Line
    rows: tuple[Line, ...]

    def column(self, number: int) -> list[str]:
        """What the rows say in a column."""
        return [row.cells[number] for row in self.rows]


def tables(text: str) -> Iterator[Table]:
    """The tables of `text`; what stands in a block of code is none."""
    lines: list[Line] = []
    cells: list[str] = []
    number = 0
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        if token.type == "table_open":
            lines = []
        elif token.type == "tr_open":
            cells, number = [], token.map[0] + 1 if token.map else number + 1
        elif token.type == "inline" and token.level and token.children is not None:
            cells.append(_text_of(token.children))
        elif token.type == "tr_close":
            lines.append(Line(number, tuple(cells)))
        elif token.type == "table_close":
            yield Table(lines[0], tuple(lines[1:]))


def _text_of(tokens: Sequence[Any]) -> str:
    """The text in `tokens`, without marks, and the target of each link behind what it says."""
    text, targets = "", []
    for token in tokens:
        if token.type == "link_open":
            targets.append(str(token.attrs["href"]))
        elif token.type == "link_close":
            target = targets.pop()
            text += f" {target}" if "://" in target else ""
        elif token.type in {"softbreak", "hardbreak"} or token.content in {"<br>", "<br/>"}:
            text += " "
        elif token.type != "html_inline":
            text += token.content
    return " ".join(text.split())


_COLUMNS = {
    "title": (
        *("title", "name", "alert", "risk", "description", "what", "criterion", "criteria", "scenario", "technology"),
        *("decision", "endpoint", "journey", "flow", "metric", "component", "meaning"),
    ),
    "owner": ("owner", "team", "responsible"),
    "severity": ("severity", "priority", "alert type", "type"),
    "level": ("level", "risk level", "rating", "impact"),
    "condition": ("condition", "threshold", "trigger", "fires when", "when"),
    "alertname": ("alertname", "alert name", "rule"),
    "symptoms": ("symptoms", "symptom", "error", "errors"),
    "commands": ("commands", "command", "tools", "programs"),
    "runbook": ("runbook", "runbooks", "run-", "response", "procedure", "response runbook"),
    "rollback": ("rollback", "rollback trigger", "rollback when", "rollback condition"),
    "category": ("category",),
    "page": ("page", "documentation", "reference", "docs"),
    "note": ("note", "notes", "comment", "details", "mitigation"),
    "links": ("links", "linked ids", "related", "see"),
}
KEYS: Mapping[str, str] = MappingProxyType({title: key for key, titles in _COLUMNS.items() for title in titles})
"""The key of an entry by the titles, in small letters, that a column for it may have."""

_NOTHING = frozenset({"", "-", "\u2013", "\u2014", "n/a", "none", "tbd", "?"})
_SEVERITY = regex(r"(?:P|SEV|S)[- ]?([0-3])", re.IGNORECASE)
_LEVELS = {"med": "medium", "hi": "high", "lo": "low"}


def value(key: str, cell: str) -> Any:
    """What `cell` says under `key`; None where it says nothing. What makes no sense is left for the model to tell."""
    if cell.casefold() in _NOTHING:
        return None
    return _READERS.get(key, str)(cell)


def _severity(cell: str) -> str:
    """Either scale; SEV1 is P1."""
    match = _SEVERITY.fullmatch(cell)
    return f"P{match[1]}" if match else cell.casefold()


def _several(cell: str) -> list[str]:
    return [item.strip() for item in re.split(r"[,;]", cell) if item.strip()]


_READERS: Mapping[str, Callable[[str], Any]] = MappingProxyType(
    {
        "owner": lambda cell: re.sub(r"[\s_]+", "-", cell.casefold()),
        "severity": _severity,
        "level": lambda cell: _LEVELS.get(cell.casefold(), cell.casefold()),
        "category": str.casefold,
        "runbook": lambda cell: next(iter(re.findall(r"RUN-[0-9]+", cell)), cell),
        "page": lambda cell: cell.rpartition(" ")[2] if "://" in cell else cell,
        "symptoms": _several,
        "commands": _several,
        "links": lambda cell: re.findall(r"[A-Z]{2,8}-[0-9]{3,6}", cell),
    }
)
