"""What a text says that an id means, and whether it is the same everywhere: two meanings of one id mislead at 3 AM."""

import re
from collections.abc import Iterable, Iterator, Sequence

from runner.core.deferred import dataclass, regex

_ID = r"[A-Z]{2,8}-[0-9]{3,6}"
_ITEM = rf"{_ID}(?:/[0-9]{{3,6}})*"
_AFTER = regex(rf"(?<![\w-])({_ITEM})[^().;:,]{{0,60}}\(([^()]+)\)")  # MON-005 alert (connection pool above 90 %)
_COLON = regex(rf"^[^\w]*({_ID}): *(\S.*)$")  # DEP-003: No critical blockers
_WITHIN = regex(r"([^().:,]*)\(([^()]*)\)(?=([^().:,]*))")  # Run the smoke tests (per DEP-004)
_TARGET = regex(r"\]\([^()\s]*\)")  # of a link in Markdown
_MARKS = regex(r"^[\s*-]*(?:\[[ xX]\])?[\s*]*")  # of an item, and a box to tick
_SAYS_NOTHING = """
a an and are as at by for from has have in is it its must not of on or per see stays than that the this to via with
within alert source check above below entry id linked run case holds version
"""
_EMPTY = frozenset(_SAYS_NOTHING.split())
_LONG = 4
"""Letters that two forms of one word share: deploy, deployment."""


@dataclass(frozen=True, slots=True)
class Gloss:
    """What a text says about `id`, and the line and column, from 1, where the id stands."""

    id: str
    text: str
    line: int = 1
    column: int = 1


def glosses(text: str) -> Iterator[Gloss]:
    """Every gloss in `text`; one that stands behind several ids names the group, and is none."""
    for number, line in enumerate(text.splitlines(), 1):
        for name, meaning in _of(_TARGET.sub("]", line)):
            yield Gloss(name, _MARKS.sub("", meaning).strip(), number, line.index(name) + 1)


def _of(line: str) -> Iterator[tuple[str, str]]:
    if match := _COLON.match(line):
        yield match[1], match[2]
        return
    for match in _AFTER.finditer(line):
        if "/" not in match[1] and not re.search(_ID, match[2]):
            yield match[1], match[2]
    for match in _WITHIN.finditer(line):
        before, inside, after = match.groups()
        ids = re.findall(_ITEM, inside)
        if len(ids) == 1 and "/" not in ids[0] and not re.search(_ID, before):
            yield ids[0], _around(before, inside.replace(ids[0], ""), after)


def _around(before: str, inside: str, after: str) -> str:
    """What a text says around an id in brackets: before them, else behind, and beside the id."""
    near = before if words(before) else after
    return " ".join(f"{near} {inside if words(inside) else ''}".split())


def words(text: str) -> frozenset[str]:
    """The words of `text` that say something, without ids and endings."""
    bare = re.sub(rf"{_ID}|\b[A-Z]{{2,8}}-(?!\w)", " ", text).casefold()
    found = {word[:-1] if len(word) > _LONG and word.endswith("s") else word for word in re.findall(r"[a-z0-9]+", bare)}
    return frozenset(word for word in found - _EMPTY if len(word) > 1)


def agree(first: Iterable[str], second: Iterable[str]) -> bool:
    """Whether two sets of `words` speak of one thing: they share a word, or the beginning of a long one."""
    return any(_same(one, other) for one in first for other in second)


def _same(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    return short == long or (len(short) > _LONG and long.startswith(short[:-1]))


def senses(found: Sequence[Gloss]) -> list[list[Gloss]]:
    """The glosses of one id in groups that agree; more than one group means more than one meaning."""
    groups: list[list[Gloss]] = []
    for gloss in found:
        meaning = words(gloss.text)
        if not meaning:
            continue
        same = [group for group in groups if any(agree(meaning, words(other.text)) for other in group)]
        groups = [group for group in groups if group not in same]
        groups.append([*(each for group in same for each in group), gloss])
    return sorted(groups, key=lambda group: group[0].line)
