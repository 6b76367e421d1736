"""Search: which runbook is about an alert, an error message or a few words, and why.

A rank can be told to a person: each word of the question counts once for a runbook, where it stands best there, and
the more the fewer runbooks speak of it; words that stand together in one passage count half as much again.
"""

import math
import re
from collections.abc import Container, Iterable, Mapping, Sequence
from functools import cached_property
from itertools import islice

from runner.core.deferred import dataclass
from runner.library.alerts.runbook_urls import alertname, leads_to
from runner.library.gates.coverage import Situation, alerts
from runner.library.index.library_index import LibraryIndex
from runner.library.registry.registry import Reference
from runner.library.search import tokens as words
from runner.library.search.passages import Passage
from runner.library.search.subjects import Subject, leading, passages_by_subject, subjects
from runner.library.snapshot import LibrarySnapshot

_TOGETHER = 0.5
_WEAK = 0.25
"""The part of the best score below which nothing is worth showing."""
_CLEAR = 2.0
"""Times the next score, from which on there is no doubt which runbook is meant."""
_FEW = 5
_TYPOS = 3
_REASONS = 3


@dataclass(frozen=True, slots=True)
class Reason:
    """Where a runbook speaks of what was asked for, the text there, and which of its words did; none is all of it."""

    where: str
    text: str = ""
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SearchHit:
    """A runbook that was found; `exact` when the question names it, and `written` unless others only speak of it.

    `words` are those of the question that it speaks of. Where it is `deprecated`, which then tells since when and why,
    `instead` is the runbook that is used in its place.
    """

    runbook: str
    title: str
    written: bool
    exact: bool
    score: float
    words: tuple[str, ...]
    reasons: tuple[Reason, ...]
    deprecated: str = ""
    instead: str | None = None


def search(question: str, snapshot: LibrarySnapshot) -> list[SearchHit]:
    """What `question` may be about, best first: what it names before what it is like, and what is deprecated last."""
    known = subjects(snapshot)
    wanted = words.asked(question)
    texts = _Texts(snapshot.index, leading(known), len(known))
    meanings = [texts.meaning(word) for word in wanted]
    spoken = passages_by_subject(texts.leads, {each for meaning in meanings for each in meaning.passages})
    hits = [_hit(question, subject, spoken.get(name, ()), meanings) for name, subject in known.items()]
    best = max((hit.score for hit in hits), default=0.0)
    worth = [hit for hit in hits if hit.exact or (hit.score and hit.score >= _WEAK * best and _enough(hit, wanted))]
    return sorted(
        worth, key=lambda hit: (bool(hit.deprecated), not hit.exact, -hit.score, not hit.written, hit.runbook)
    )


def candidates(hits: Sequence[SearchHit]) -> Sequence[SearchHit]:
    """Those of `hits` that the question names; all of them where it names none."""
    return [hit for hit in hits if hit.exact] or hits


def clear(hits: Sequence[SearchHit]) -> SearchHit | None:
    """The one of `hits`, as `search` sorts them, that is meant without doubt; None when there is none."""
    match candidates([hit for hit in hits if not hit.deprecated] or hits):
        case [only]:
            return only
        case [first, second, *_] if not first.exact and first.score >= _CLEAR * second.score:
            return first
    return None


def pages(question: str, snapshot: LibrarySnapshot) -> list[Situation]:
    """The alerts that `question` names and that lead to a page, as those do that only inform."""
    reading = [alert for alert in alerts(snapshot) if not leads_to(snapshot, alert)[1] and not alert.runbooks]
    return [each for each in reading if any(_names(question, name) for name in (each.id, alertname(snapshot, each)))]


def unanswered(question: str, snapshot: LibrarySnapshot) -> list[Reference]:
    """The entries that `question` names and that lead to no runbook."""
    named = [name for name in words.ids(question) if name in snapshot.references]
    leading = {name for subject in subjects(snapshot).values() for name in subject.names} if named else set()
    return [snapshot.references[name] for name in named if name not in leading]


@dataclass(frozen=True, slots=True)
class _Meaning:
    """What a word of the question may mean in the library, how much it tells runbooks apart, and where it stands."""

    word: str
    like: Mapping[str, float]
    rarity: float
    passages: Iterable[Passage]

    def within(self, passage: Passage) -> float:
        return self.rarity * max((self.like[word] for word in passage.words & self.like.keys()), default=0.0)


@dataclass(frozen=True)
class _Texts:
    """What is searched: the passages in the `index`, the runbooks that entries lead to, and how many may be found."""

    index: LibraryIndex
    leads: Mapping[str, list[str]]
    runbooks: int

    def meaning(self, word: str) -> _Meaning:
        """What `word` means here: its forms, else what it may be a slip of."""
        like = words.forms(word, self.index.words(words.stem(word)))
        passages, holding = self._holding(like)
        if not holding:
            near = words.typos(word, self._vocabulary)
            spoken = (each for each in near if self._holding([each])[1])
            like = {each: near[each] for each in islice(spoken, _TYPOS)}
            passages, holding = self._holding(like)
        rarity = math.log(1 + (self.runbooks - holding + 0.5) / (holding + 0.5))  # as in Okapi BM25
        return _Meaning(word, like, rarity, passages)

    def _holding(self, like: Iterable[str]) -> tuple[set[Passage], int]:
        """The passages with one of these words, and how many runbooks they speak for."""
        passages = self.index.passages(like)
        return passages, len(passages_by_subject(self.leads, passages))

    @cached_property
    def _vocabulary(self) -> list[str]:
        return self.index.words()


def _hit(question: str, subject: Subject, passages: Sequence[Passage], meanings: Sequence[_Meaning]) -> SearchHit:
    gains = [
        {meaning.word: passage.weight * gain for meaning in meanings if (gain := meaning.within(passage))}
        for passage in passages
    ]
    best: dict[str, float] = {}
    for each in gains:
        best |= {word: max(best.get(word, 0.0), gain) for word, gain in each.items()}
    together = max((sum(gain.values()) for gain in gains), default=0.0)
    named = [Reason(why, name) for name, why in subject.names.items() if _names(question, name)]
    order = sorted(range(len(gains)), key=lambda n: (-sum(gains[n].values()), n))
    like = [_reason(passages[n], gains[n], meanings) for n in order if gains[n]]
    score = round(sum(best.values()) + _TOGETHER * together, 3)
    reasons = (*named, *_distinct(like, covered={reason.text.casefold() for reason in named}))[:_REASONS]
    return SearchHit(
        runbook=subject.id,
        title=subject.title,
        written=subject.written,
        exact=bool(named),
        score=score,
        words=tuple(sorted(best)),
        reasons=reasons,
        deprecated=subject.deprecated,
        instead=subject.instead,
    )


def _names(question: str, name: str) -> bool:
    """Whether `question` holds the `name` as a whole word; an id may be spelled as people do."""
    if name in words.ids(question):
        return True
    if (question + name).isascii() and name.lower() not in question.lower():
        return False  # which is soon seen, for each of thousands of names
    return re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", question, re.IGNORECASE) is not None


def _reason(passage: Passage, gain: Container[str], meanings: Sequence[_Meaning]) -> Reason:
    spoken = [
        max(sorted(passage.words & meaning.like.keys()), key=meaning.like.__getitem__)
        for meaning in meanings
        if meaning.word in gain
    ]
    return Reason(passage.where, passage.text, tuple(dict.fromkeys(spoken)))


def _distinct(reasons: Iterable[Reason], covered: set[str]) -> list[Reason]:
    """The reasons that have a word that is not `covered` by another one before."""
    kept = []
    for reason in reasons:
        if not covered.issuperset(reason.words):
            kept.append(reason)
            covered.update(reason.words)
    return kept


def _enough(hit: SearchHit, wanted: Sequence[str]) -> bool:
    """Whether a hit speaks of enough that was asked for: half of a few words, two of a pasted message."""
    number = len(hit.words)
    return number * 2 >= len(wanted) if len(wanted) <= _FEW else number >= 2  # noqa: PLR2004 - one word is an accident
