"""What is kept of one file of a library, as JSON can hold it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, fields
from pathlib import Path
from typing import Any, NamedTuple

from runner.core import duration
from runner.core.deferred import regex
from runner.core.wording import first_line
from runner.library.index.summary import ContactSummary, Summary
from runner.library.links.link_mentions import mentions, program_mentions, shared_mentions
from runner.library.registry.entry_kinds import references_of
from runner.library.registry.id_meanings import glosses
from runner.library.registry.registry_files import DIRECTORY
from runner.library.root import digest, shown
from runner.library.runbook_source import Source, source_of
from runner.library.search.passages import Passage, passages_of_entry, passages_of_runbook
from runner.model.contacts import Contact, to_contacts
from runner.model.runbook import Exclusion, Runbook
from runner.model.schedules.schedule import read_schedule
from runner.model.yaml.document import Document, load
from runner.model.yaml.finding import Finding, InvalidFileError, Place, show

_TODO = regex(r"\bTODO\b")  # as `runbook new` and `runbook import` leave it where somebody must write


class IndexedFile(NamedTuple):
    """A file with its faults and its content: the summary of a runbook, the entries, or what is written of contacts.

    `beside` has the SHA-256 of each other file that it was read with, by its name; empty for one that is not there.
    `schedules` says when a runbook is begun, and what a scheduler needs to know of it; None where it has no schedule.
    """

    beside: Mapping[str, str]
    faults: Sequence[Any]
    content: Any = None
    mentions: Sequence[Any] = ()
    glosses: Sequence[Any] = ()
    passages: Sequence[Passage] = ()
    schedules: Mapping[str, Any] | None = None


def index(path: Path, data: bytes) -> IndexedFile:
    """What is kept of the file at `path`, whose bytes are `data`."""
    if path.parent.name == DIRECTORY:
        return index_registry(path, data)
    return index_runbook(path, data) if path.name.startswith("RUN-") else index_contacts(path, data)


def index_runbook(path: Path, data: bytes) -> IndexedFile:
    """The same of a runbook."""
    digests: dict[str, str] = {}
    try:
        source = source_of(path, data, note=lambda name: digests.update({name: digest(path.parent / name)}))
    except InvalidFileError as error:
        return index_faults(error.findings, digests)._replace(schedules=_readable_schedules(data, error.findings[0]))
    programs = program_mentions(source.runbook, source.document, _recorded(source, digests))
    return IndexedFile(
        content=_summary(source),
        faults=(),
        mentions=[*mentions(source.document), *programs, *shared_mentions(source.document)],
        glosses=[astuple(gloss) for gloss in glosses(source.document.text)],
        passages=[*passages_of_runbook(source.document)],
        beside=digests,
        schedules=_schedules(source.runbook, source.document) if source.runbook.schedules else None,
    )


def _summary(source: Source) -> Mapping[str, Any]:
    """What a summary keeps of the runbook in `source`."""
    runbook, document = source.runbook, source.document
    old, trigger, scope = runbook.deprecated, runbook.trigger, runbook.scope
    return _fields(
        Summary(
            file=document.file,
            sha256=source.sha256,
            id=runbook.id,
            title=runbook.title,
            deprecated=old.says if old else "",
            instead=old.instead if old else "",
            replaced_by=old.replaced_by if old else None,
            category=runbook.category,
            severity=runbook.severity,
            owner=runbook.owner,
            alert=trigger.alert,
            condition=trigger.condition,
            event=trigger.event,
            handles=scope.handles,
            excludes=[(each.what, each.see) for each in scope.excludes if isinstance(each, Exclusion) and each.see],
            contacts=runbook.escalation.contacts,
            required_inputs=[name for name, item in runbook.inputs.items() if item.default is None],
            steps=len(runbook.steps),
            todo_line=_line_of_todo(document.text),
            positions={show(place): document.position(place) for place in _places(document)},
        )
    )


def _line_of_todo(text: str) -> int | None:
    todo = _TODO.search(text)
    return text.count("\n", 0, todo.start()) + 1 if todo else None


def _places(document: Document) -> Iterator[Place]:
    """The whole, its keys, and each contact that is called: where findings about a library stand."""
    yield from ((), *((key,) for key in document.value))
    yield from (place for place in document.marks if place[:2] == ("escalation", "contacts"))


def _schedules(runbook: Runbook, document: Document) -> Mapping[str, Any]:
    """Each schedule with its line and its id, as it is recorded, so that no model is needed to tell when it is due."""
    found = enumerate(runbook.schedules)
    return {
        "file": document.file,
        "fault": "",
        "deprecated": f"{runbook.id} is deprecated" if runbook.deprecated else "",
        "severity": runbook.severity,
        "contacts": runbook.escalation.contacts,
        "deadline": duration.show(runbook.deadline) if runbook.deadline else "",
        "schedules": [(document.position(("schedules", n)).line, each.id, each.written) for n, each in found],
    }


def _readable_schedules(data: bytes, fault: Finding) -> Mapping[str, Any] | None:
    """The same of a file with faults, as far as it can be read: the first `fault` keeps all of them from being begun.

    Of a schedule that is wrong itself nothing is known but its id. None where the file is not even YAML.
    """
    try:
        value = load(data, file=fault.file).value
    except InvalidFileError:
        return None
    policy, listed = value.get("escalation"), value.get("schedules")
    contacts = policy.get("contacts") if isinstance(policy, Mapping) else None
    found = [each for each in listed if isinstance(each, Mapping)] if isinstance(listed, list) else []
    return {
        "file": fault.file,
        "fault": first_line(fault.message),
        "deprecated": "",
        "severity": str(value.get("severity", "")),
        "contacts": [*map(str, contacts)] if isinstance(contacts, list) else [],
        "deadline": "",
        "schedules": [(fault.line, str(each.get("id", "?")), _written(each)) for each in found],
    }


def _written(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    schedule = read_schedule(raw, as_json=False)
    return schedule.written if schedule else {}


def _recorded(source: Source, digests: dict[str, str]) -> Callable[[str], str]:
    """The reader of the files beside `source`, which notes in `digests` what it has read."""

    def read_file(name: str) -> str:
        digests[name] = digest(source.path.parent / name)
        return source.read_file(name)

    return read_file


def index_registry(path: Path, data: bytes) -> IndexedFile:
    """The same of a file in the registry: its entries, each with what it mentions."""
    try:
        document = load(data, file=shown(path))
    except InvalidFileError as error:
        return index_faults(error.findings)
    references, findings = references_of(document)
    passages = [each for name, value in document.value.items() for each in passages_of_entry(name, value)]
    content = [_fields(each) for each in references]
    return IndexedFile({}, [astuple(each) for each in findings], content=content, passages=passages)


def index_contacts(path: Path, data: bytes) -> IndexedFile:
    """The same of the contacts: what is written, and each of them in short."""
    try:
        document = load(data, file=shown(path))
        contacts = to_contacts(document)
    except InvalidFileError as error:
        return index_faults(error.findings)
    return IndexedFile({}, (), content=[document.value, {name: _contact(each) for name, each in contacts.items()}])


def _contact(contact: Contact) -> Mapping[str, Any]:
    channels = [channel.key for channel in contact.channels]
    short = ContactSummary(contact.name, contact.handle, contact.level, contact.members, channels, contact.is_callable)
    return _fields(short)


def _fields(value: Any) -> Mapping[str, Any]:
    """The fields of a dataclass by their names."""
    return {each.name: getattr(value, each.name) for each in fields(value)}


def index_faults(findings: Iterable[Finding], beside: Mapping[str, str] | None = None) -> IndexedFile:
    """What is kept of a file that does not load; `beside` has the digests of what it was read with."""
    return IndexedFile(beside or {}, [astuple(each) for each in findings])
