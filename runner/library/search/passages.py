"""What may be searched for in a file: each text of it, which runbook it speaks for, and how much it counts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from runner.library.search.tokens import words
from runner.model.yaml.finding import Place, leaves

if TYPE_CHECKING:  # the search knows passages, and reads no document
    from runner.model.yaml.document import Document

_RUNBOOK = {"title": 4.0, "trigger": 4.0, "scope": 3.0, "links": 1.5, "follow_up": 0.3, "escalation": 0.5}
_STEP = {"name": 2.0, "why": 1.0, "says": 1.0, "confirm": 1.0, "id": 0.5}
_ENTRY = {"title": 3.0, "symptoms": 4.0, "alertname": 4.0, "condition": 3.0, "trigger": 3.0, "owner": 0.3, "links": 0.3}
_PROCEDURE = ("prerequisites", "steps", "on_cancel")
_OTHER = 0.8


class Passage(NamedTuple):
    """A text, where it stands in a person's words, its weight (a title says more than a command), and its words.

    It is written in the file of `source`, a runbook or an entry, and speaks for `runbook`; for whatever the entry leads
    to where that is empty. Passages of one file are in the order of their numbers.
    """

    source: str
    runbook: str
    where: str
    text: str
    weight: float
    words: frozenset[str]
    number: int = 0


def passages_of_runbook(document: Document) -> Iterator[Passage]:
    """What the runbook in `document` says for itself, and what it leaves to others."""
    name = document.value["id"]
    for place, value in leaves(document.value):
        if isinstance(value, str) and place[:2] != ("scope", "excludes") and value.strip():
            yield _passage(name, name, _where(place, document), value, _weight(place))
    for item in document.value["scope"].get("excludes", ()):
        if isinstance(item, dict) and item.get("see"):
            yield _passage(name, item["see"], f"{name} leaves this to it", item["what"], _RUNBOOK["scope"])


def passages_of_entry(name: str, value: Any) -> Iterator[Passage]:
    """What the entry `name`, written as `value`, says for the runbooks that it leads to."""
    for place, text in leaves(value):
        if isinstance(text, str) and place and place[-1] != "runbook":
            key = next(str(part) for part in reversed(place) if isinstance(part, str))
            yield _passage(name, "", f"{name} {key}", text, _ENTRY.get(key, _OTHER))


def _passage(source: str, runbook: str, where: str, text: str, weight: float) -> Passage:
    return Passage(source, runbook, where, text, weight, frozenset(words(text)))


def _weight(place: Place) -> float:
    if place[0] not in _PROCEDURE:
        return _RUNBOOK.get(str(place[0]), _OTHER)
    return _STEP.get(str(place[-1]), _OTHER)


def _where(place: Place, document: Document) -> str:
    """`place` as a person says it: a step by its name, and the keys without their numbers."""
    keys = " ".join(part.replace("_", " ") for part in place if isinstance(part, str))
    if place[0] not in _PROCEDURE or len(place) < 3:  # noqa: PLR2004 - the list, the number and a key
        return keys
    item = document.at(place[:2])
    name = item.get("name") or item.get("confirm") or item.get("id")
    rest = " ".join(part for part in place[2:] if isinstance(part, str))
    return f"{str(place[0]).rstrip('s')} {name!r}" + ("" if rest == "name" else f" {rest}")
