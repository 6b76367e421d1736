"""Where in a Markdown file the RUN- entries are: at its top, one after the other, or quoted in a fence."""

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field

from runner.core.deferred import dataclass, regex
from runner.markdown.import_findings import Excerpt
from runner.model.yaml.document import readable

FACTS = (
    "category|type|trigger|owners?|owned by|team|severity|priority"
    "|last tested|last drill|linked ids?|hosts|alert|alert name"
)
"""The words before a colon that say something about the whole runbook."""

_HEAD = regex(
    r"(?P<margin> *)(?P<marks>#{1,6} +)?\**(?P<id>RUN-(?:[0-9]{3,6}|[A-Z]{1,4}))\** ?(?::|--|–|—) ?(?P<title>.*)"  # noqa: RUF001 - dashes that people write
)
_FACT = regex(rf"[\s>*|_-]*(?P<key>{FACTS})\s*(?:[*_]+:|:[*_]*|\|)\s*(?P<value>.*)", re.IGNORECASE)
_FENCE = regex(r"\s*(?P<marks>`{3,}|~{3,})(?P<info>[^`]*)")
_ESCAPED = regex(r"(?P<margin>\s*)(?P<marks>(?:\\[`~]){3,})(?P<info>[^`~\\]*)")
_LINKED = regex(r"[>*_ ]*linked ids?\s*(?:[*_]+:|:[*_]*)\s*(?P<value>.+)", re.IGNORECASE)
_SECTION = regex(r"#{2,6} |```|~~~")
_WRAPPERS = {"", "markdown", "md"}
_NEAR = 12
"""Lines after its head in which an entry says something about itself."""


@dataclass(frozen=True, slots=True)
class PageEntry:
    """One runbook in a Markdown file: what stands below its head, of which the first line is line `line` of the file.

    `facts` are those that stand outside of its sections: in the front matter, or in the last line.
    """

    id: str | None
    title: Excerpt | None
    line: int
    lines: tuple[str, ...]
    facts: Mapping[str, Excerpt] = field(default_factory=dict)
    lost: tuple[Excerpt, ...] = ()


@dataclass(frozen=True, slots=True)
class Manuscript:
    """The entries of a file, the lines with text that belong to none, and the lines where a template's head stands."""

    entries: tuple[PageEntry, ...]
    outside: tuple[int, ...] = ()
    templates: tuple[int, ...] = ()


def decode(data: bytes) -> str:
    """The text in `data` with one kind of line break, and U+FFFD for what is no text or may stand in no file."""
    text = data.decode("utf-8-sig", "replace").replace("\r\n", "\n").replace("\r", "\n")
    return readable(re.sub("[\v\f\x1c-\x1e\x85\u2028\u2029]", " ", text))


def fact(line: str) -> tuple[str, str] | None:
    """The word and the value that `line` gives, if it is like `Owner: Backend Team`, also in bold or in a list."""
    match = _FACT.fullmatch(line.rstrip())
    return (match["key"].casefold(), match["value"].strip(" |*_")) if match else None


def split(text: str) -> Manuscript:
    """The entries in `text`; a file without a RUN- head is one entry without an id."""
    lines = [_ESCAPED.sub(_unescape, line) if "\\" in line else line for line in text.split("\n")]
    inside, walls = _fences(lines)
    heads = [at for at in range(len(lines)) if at not in inside and at not in walls and _is_entry(lines, at)]
    templates = [at for at in heads if not _head(lines[at])["id"][4:].isdigit()]
    if len(heads) == len(templates):
        return Manuscript((_whole(lines),), templates=tuple(at + 1 for at in templates))
    ends = sorted([*heads, *walls, len(lines)])
    spans = [(at, ends[bisect_right(ends, at)]) for at in heads]
    entries = tuple(_entry(lines, at, end, inside) for at, end in spans if at not in templates)
    taken = {at for span in spans for at in range(*span)} | walls
    if any(
        _SECTION.match(lines[at]) for at in range(heads[0]) if at not in walls
    ):  # a runbook of its own that has no id
        entries = (_whole(lines[: heads[0]]), *entries)
        taken |= set(range(heads[0]))
    outside = tuple(at + 1 for at, line in enumerate(lines) if at not in taken and line.strip(" \t-"))
    return Manuscript(entries, outside, tuple(at + 1 for at in templates))


def _unescape(match: re.Match[str]) -> str:
    return match["margin"] + match["marks"].replace("\\", "") + match["info"]


def _head(line: str) -> re.Match[str]:
    match = _HEAD.fullmatch(line)
    if match is None:
        raise ValueError(f"no head of an entry: {line!r}")
    return match


def _is_entry(lines: Sequence[str], at: int) -> bool:
    """Whether an entry begins in line `at`: it is a heading, or says something about itself."""
    match = _HEAD.fullmatch(lines[at])
    if match is None:
        return False
    following = [line for line in lines[at + 1 : at + 1 + _NEAR] if line.strip()]
    return bool(match["marks"]) or any(fact(line) for line in following)


def _fences(lines: Sequence[str]) -> tuple[set[int], set[int]]:
    """The lines of fences; and the first and last line of each fence that only wraps entries."""
    inside: set[int] = set()
    walls: set[int] = set()
    at = 0
    while at < len(lines):
        opening = _FENCE.fullmatch(lines[at])
        if opening and at not in walls:
            wraps = opening["info"].strip().casefold() in _WRAPPERS and _begins_with_head(lines, at + 1)
            end = _end(lines, at, opening["marks"], nested=wraps)
            if wraps:
                walls |= {at, end}
            else:
                inside |= set(range(at, end + 1))
                at = end
        at += 1
    return inside, walls


def _begins_with_head(lines: Sequence[str], at: int) -> bool:
    while at < len(lines) and not lines[at].strip():
        at += 1
    return at < len(lines) and _HEAD.fullmatch(lines[at]) is not None


def _end(lines: Sequence[str], at: int, marks: str, *, nested: bool) -> int:
    """The line that ends the fence opened in line `at`; where fences are nested, each inner one ends before."""
    depth = 0
    for number in range(at + 1, len(lines)):
        match = _FENCE.fullmatch(lines[number])
        if match is None or match["marks"][0] != marks[0]:
            continue
        bare, shorter = not match["info"].strip(), len(match["marks"]) < len(marks)
        if nested and (not bare or (shorter and not depth)):
            depth = 1
        elif bare and depth:
            depth = 0
        elif bare and not shorter:
            return number
    return len(lines)


def _entry(lines: Sequence[str], at: int, end: int, fenced: set[int]) -> PageEntry:
    head = _head(lines[at])
    body = [
        line[len(head["margin"]) :] if line.startswith(head["margin"]) else line.lstrip()
        for line in lines[at + 1 : end]
    ]
    facts = _linked(body, at + 2, {number - at - 1 for number in range(at + 1, end) if number in fenced})
    return PageEntry(head["id"], Excerpt(head["title"].strip(" #*"), at + 1), at + 2, tuple(body), facts)


def _linked(body: list[str], first: int, fenced: set[int]) -> dict[str, Excerpt]:
    """The links in the last line of `body` that gives some; taken out, since a list before it would swallow it."""
    for at in range(len(body) - 1, -1, -1):
        match = _LINKED.fullmatch(body[at].rstrip()) if at not in fenced else None
        if match:
            body[at] = ""
            return {"linked ids": Excerpt(match["value"], first + at)}
    return {}


def _whole(lines: list[str]) -> PageEntry:
    body = list(lines)
    front = list(_front_matter(body))
    given = [(key, value) for line in front if (key := fact(line.text)) and (value := Excerpt(key[1], line.line)).text]
    facts = {key[0]: value for key, value in given}
    title = next((_titled(line) for line in front if re.match(r"title\s*:", line.text, re.IGNORECASE)), None)
    lost = [line for line in front if not fact(line.text) and not re.match(r"title\s*:", line.text, re.IGNORECASE)]
    facts |= _linked(body, 1, _fences(body)[0])
    return PageEntry(None, title, 1, tuple(body), facts, tuple(lost))


def _titled(line: Excerpt) -> Excerpt:
    return Excerpt(line.text.partition(":")[2].strip(" \"'"), line.line)


def _front_matter(body: list[str]) -> Iterator[Excerpt]:
    """The lines of the front matter, which are taken out of `body`."""
    if not body or body[0].rstrip() != "---":
        return
    end = next((at for at, line in enumerate(body[1:], 1) if line.rstrip() in {"---", "..."}), 0)
    if not end or not any(re.match(r"[\w-]+\s*:", line) for line in body[1:end]):
        return
    for at in range(end + 1):
        if body[at].strip(" -."):
            yield Excerpt(body[at].strip(), at + 1)
        body[at] = ""
