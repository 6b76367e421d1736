"""What may be searched for in a library: each text of it, which runbook it speaks for, and how much it counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from runner.library.links.links import leaves
from runner.library.registry.registry import Reference
from runner.library.snapshot import Collection
from runner.model.yaml.document import Document
from runner.model.yaml.finding import Place

_RUNBOOK = {"title": 4.0, "trigger": 4.0, "scope": 3.0, "links": 1.5, "follow_up": 0.3, "escalation": 0.5}
_STEP = {"name": 2.0, "why": 1.0, "says": 1.0, "confirm": 1.0, "id": 0.5}
_ENTRY = {"title": 3.0, "symptoms": 4.0, "alertname": 4.0, "condition": 3.0, "trigger": 3.0, "owner": 0.3, "links": 0.3}
_PROCEDURE = ("prerequisites", "steps", "on_cancel")
_OTHER = 0.8


@dataclass(frozen=True, slots=True)
class Passage:
    """A text, where it stands in a person's words, and its weight: a title says more than a command."""

    where: str
    text: str
    weight: float


@dataclass
class Subject:
    """A runbook that may be found; one that is not `written` is only named by others.

    `names` are the words that mean this runbook and nothing else, each with the reason; `deprecated` tells that it is
    not used any more, and `instead` what is in its place.
    """

    id: str
    title: str = ""
    written: bool = False
    passages: list[Passage] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    deprecated: str = ""
    instead: str | None = None


def subjects(collection: Collection) -> Mapping[str, Subject]:
    """Every runbook of `collection`, and every one that it names, with what is said about it."""
    found: dict[str, Subject] = {}
    for name, runbook in collection.runbooks.items():
        subject = Subject(name, runbook.title, written=True, names={name: "its id"})
        subject.passages += _of_runbook(collection.documents[name])
        if old := runbook.deprecated:
            subject.deprecated, subject.instead = old.says, old.replaced_by
        if runbook.trigger.alert:
            subject.names[runbook.trigger.alert] = "the alert that triggers it"
        found[name] = subject
    for name in collection.documents:
        _leave(found, name, collection.documents[name])
    for reference in collection.references.values():
        _lead(found, reference, collection)
    return found


def _of_runbook(document: Document) -> Iterator[Passage]:
    for place, value in leaves(document.value):
        if isinstance(value, str) and place[:2] != ("scope", "excludes") and value.strip():
            yield Passage(_where(place, document), value, _weight(place))


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


def _leave(found: dict[str, Subject], name: str, document: Document) -> None:
    """What the runbook `name` does not handle speaks for the runbook that it leaves that to."""
    scope = document.value["scope"]
    for item in scope.get("excludes", ()):
        if isinstance(item, dict) and item.get("see"):
            subject = found.setdefault(item["see"], Subject(item["see"], names={item["see"]: "its id"}))
            subject.title = subject.title or item["what"]
            subject.passages.append(Passage(f"{name} leaves this to it", item["what"], _RUNBOOK["scope"]))


def _lead(found: dict[str, Subject], reference: Reference, collection: Collection) -> None:
    """What an entry says speaks for each runbook that it leads to, and for the ones that it triggers."""
    written = [(place[1:], value) for place, value in leaves(reference.document.at((reference.id,)), (reference.id,))]
    led = [str(value) for place, value in written if place[-1:] == ("runbook",)]
    led += [name for name, runbook in collection.runbooks.items() if runbook.trigger.alert == reference.id]
    if reference.id.startswith("RUN-"):
        led.append(reference.id)
    for name in dict.fromkeys(led):
        subject = found.setdefault(name, Subject(name, reference.entry.title, names={name: "its id"}))
        if reference.id == name and not subject.written:
            subject.title = reference.entry.title
        subject.names.setdefault(reference.id, f"{reference.id} leads to it")
        for place, value in written:
            if isinstance(value, str) and place[-1:] != ("runbook",):
                key = next(str(part) for part in reversed(place) if isinstance(part, str))
                subject.passages.append(Passage(f"{reference.id} {key}", value, _ENTRY.get(key, _OTHER)))
                if key == "alertname":
                    subject.names.setdefault(value, f"what the monitoring calls {reference.id}")
