"""What a file names besides itself: ids, hosts, contacts and programs, each where it is written."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel

from runner.core.deferred import regex
from runner.core.identifiers import REFERENCE_ID
from runner.kinds.base import Kind, ReadFile
from runner.model.runbook import Runbook
from runner.model.yaml.document import Document
from runner.model.yaml.finding import Place, Position, leaves

_ID = regex(REFERENCE_ID)
_ID_IN_TEXT = regex(r"(?<![A-Za-z0-9-])[A-Z]{2,8}-[0-9]{3,6}(?![0-9A-Za-z-])")
_APPROVERS = ("approve", "group")


class Mention(NamedTuple):
    """A word that may be a link, at `place`: an id is sure to be one, an id within a text only if its kind is known."""

    kind: Literal["id", "id in text", "hosts", "contact", "program", "shared"]
    word: str
    place: Place
    position: Position


def mentions(document: Document, at: Place = ()) -> Iterator[Mention]:
    """What is written below `at`, whatever the key: one that is new tomorrow is looked at as well."""
    for place, value in leaves(document.at(at), at):
        key = next((part for part in reversed(place) if isinstance(part, str)), "")
        if not isinstance(value, str) or place == ("id",):
            continue
        position = document.own_position(place)
        if key == "hosts" or place[-1] == "on":
            yield Mention("hosts", value, place, position)
        elif key.startswith(("owner", "contact")) or place[-2:] == _APPROVERS:
            yield Mention("contact", value, place, position)
        if _ID.fullmatch(value):
            yield Mention("id", value, place, position)
        else:
            for name in dict.fromkeys(_ID_IN_TEXT.findall(value)):
                yield Mention("id in text", name, place, position)


def program_mentions(runbook: Runbook, document: Document, read_file: ReadFile) -> Iterator[Mention]:
    """The programs that the steps and verifications of `runbook` start; `read_file` gives the text of a script."""
    for place, kind in kinds(runbook):
        for name in programs_of(kind, read_file):
            yield Mention("program", name, place, document.own_position(place))


def shared_mentions(document: Document) -> Iterator[Mention]:
    """The files of shared steps that the runbook in `document` uses."""
    used = {(name, origin.used_at): place for place, origin in document.origins.items() for name in origin.through}
    for (name, _), place in used.items():
        yield Mention("shared", name, place, document.own_position(place))


def programs_of(kind: Kind, read_file: ReadFile) -> list[str]:
    """The programs that a step or a verification of this `kind` starts on a host."""
    try:
        return kind.programs(read_file)
    except ValueError:  # a file that is not there, about which lint complains
        return []


def kinds(value: Any, place: Place = ()) -> Iterator[tuple[Place, Kind]]:
    """Each action and each part of a verification in the model `value`, wherever it is, and where it is written."""
    if isinstance(value, Kind):
        cut = 2 if isinstance(place[-1], int) else 1  # `kinds` and its number, or `action`
        yield (*place[:-cut], value.key), value
    elif isinstance(value, BaseModel):
        for name, field in type(value).model_fields.items():
            yield from kinds(getattr(value, name), (*place, field.alias or name))
    elif isinstance(value, Mapping | tuple | list):
        for key, item in value.items() if isinstance(value, Mapping) else enumerate(value):
            yield from kinds(item, (*place, key))
