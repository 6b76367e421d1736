"""The words of a text, and how alike two words are: a person at 3 AM types other endings, and typos."""

import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches

from runner.core.deferred import regex

_ID = regex(r"(?<![A-Za-z0-9])([A-Za-z]{2,8})[-_]([0-9]{1,6})(?![A-Za-z0-9])")
_SHORT_ID = regex(r"(?<![A-Za-z0-9])([A-Za-z]{2,8})[-_]?([0-9]{1,6})(?![A-Za-z0-9])")
_WORD = regex(r"[^\W_]+")
_CAMEL = regex(r"(?<=[a-z0-9])(?=[A-Z])")
_NOISE = regex(r"[0-9]{1,2}|[0-9]{6,}|(?=[a-z]*[0-9])[0-9a-f]{8,}")  # counters, hashes
_MOMENT = regex(r"(?<![\w.])[0-9]+(?:[-:.T][0-9]+)+(?![\w.])")  # a date, a time, an address, a version
_SAYS_NOTHING = """
a an and any are as at be by can do does for from has have how i if in into is it its my no not of on or our so that the
then there these they this to was we what when which while why will with you error fatal info warn warning log
"""
_EMPTY = frozenset(_SAYS_NOTHING.split())
MOST = 60
"""Words of a question that are looked for; a pasted log is mostly the same again."""

EXACT, FORM, TYPO = 1.0, 0.8, 0.6
_LONG, _SHARED, _LIKE, _SLIPS = 5, 0.7, 0.8, 2


def words(text: str) -> Iterator[str]:
    """The words of `text` in small letters, an id such as `MON-005` as one; of `PoolSaturated` also its parts."""
    yield from (_spelled(match).casefold() for match in _ID.finditer(text))
    for word in _WORD.findall(_ID.sub(" ", text)):
        parts = _CAMEL.split(word)
        yield from (part.casefold() for part in dict.fromkeys([word, *parts]))


def asked(text: str) -> list[str]:
    """The words of a question that say something, each once; what changes from one log line to the next does not."""
    useful = (
        word
        for word in words(_MOMENT.sub(" ", text))
        if len(word) > 1 and word not in _EMPTY and not _NOISE.fullmatch(word)
    )
    return list(dict.fromkeys(useful))[:MOST]


def ids(text: str) -> list[str]:
    """The ids that `text` names, spelled as they are written: `mon5`, `MON_005` and `MON-005` are one."""
    return list(dict.fromkeys(map(_spelled, _SHORT_ID.finditer(text))))


def _spelled(match: re.Match[str]) -> str:
    return f"{match[1].upper()}-{int(match[2]):03d}"


def stem(word: str) -> str:
    """The beginning that a word shares with each of its forms."""
    return word[: _LONG - 1]


def forms(word: str, known: Iterable[str]) -> Mapping[str, float]:
    """Each of the `known` words that is `word` or a form of it, and how well it is meant, up to 1."""
    return {other: EXACT if other == word else FORM for other in known if other == word or _same(word, other)}


def typos(word: str, known: Iterable[str]) -> Mapping[str, float]:
    """Those of the `known` words, the nearest first, that `word` may be a slip of; they count less than a form."""
    if not word.isalpha() or len(word) < _LONG - 1:
        return {}
    near = [other for other in known if abs(len(other) - len(word)) <= _SLIPS and _may_be_like(word, other)]
    return dict.fromkeys(get_close_matches(word, near, n=len(near) or 1, cutoff=_LIKE), TYPO)


def _may_be_like(one: str, other: str) -> bool:
    """Whether enough letters of `other` stand in `one`: what takes long to compare is not compared in vain."""
    return other.isalpha() and 2 * sum(map(one.__contains__, other)) >= _LIKE * (len(one) + len(other))


def _same(one: str, other: str) -> bool:
    """Whether two words are forms of one: connection, connections; exhausted, exhaustion; deploy, deployment."""
    short, long = sorted((one, other), key=len)
    if not (short.isalpha() and long.isalpha()) or len(short) < _LONG - 1:
        return False
    if long.startswith(short):
        return len(short) >= _LONG or len(long) - len(short) <= 1
    shared = next((n for n, pair in enumerate(zip(short, long, strict=False)) if pair[0] != pair[1]), len(short))
    return shared > _LONG and shared >= _SHARED * len(long)
