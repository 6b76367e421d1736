"""What is kept of one file of a library, as JSON can hold it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Any, NamedTuple

from runner.core import duration
from runner.core.wording import first_line
from runner.library.index.summary import Summary
from runner.library.links.link_mentions import mentions, program_mentions, shared_mentions
from runner.library.registry.id_meanings import glosses
from runner.library.root import digest, shown
from runner.library.runbook_source import Source, source_of
from runner.library.search.passages import Passage, passages_of_entry, passages_of_runbook
from runner.model.runbook import Runbook
from runner.model.schedules.schedule import read_schedule
from runner.model.yaml.document import Document, load
from runner.model.yaml.finding import Finding, InvalidFileError, Level, Position


class IndexedFile(NamedTuple):
    """A file with its faults or its content: the summary of a runbook, or the values and positions of entries.

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


def index_runbook(path: Path, data: bytes) -> IndexedFile:
    """What is kept of the runbook in the file at `path`, whose bytes are `data`."""
    digests: dict[str, str] = {}
    try:
        source = source_of(path, data, note=lambda name: digests.update({name: digest(path.parent / name)}))
    except InvalidFileError as error:
        return index_faults(error.findings, digests)._replace(schedules=_readable_schedules(data, error.findings[0]))
    programs = program_mentions(source.runbook, source.document, _recorded(source, digests))
    return IndexedFile(
        content=Summary.of(source).model_dump(mode="json"),
        faults=(),
        mentions=[*mentions(source.document), *programs, *shared_mentions(source.document)],
        glosses=[astuple(gloss) for gloss in glosses(source.document.text)],
        passages=[*passages_of_runbook(source.document)],
        beside=digests,
        schedules=_schedules(source.runbook, source.document) if source.runbook.schedules else None,
    )


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
    """The same of a file in the registry; its entries are judged when they are looked at."""
    try:
        document = load(data, file=shown(path))
    except InvalidFileError as error:
        return index_faults(error.findings)
    positions = [(*place, *document.position(place)) for place in document.marks]
    passages = [each for name, value in document.value.items() for each in passages_of_entry(name, value)]
    return IndexedFile({}, (), content=[document.value, positions], passages=passages)


def document_of(file: str, content: Any) -> Document:
    """The entries that were kept, as they stand in the `file`."""
    value, positions = content
    known = {tuple(place): Position(line, column) for *place, line, column in positions}
    return Document.of_positions(value, known, file=file)


def index_faults(findings: Iterable[Finding], beside: Mapping[str, str] | None = None) -> IndexedFile:
    """What is kept of a file that does not load; `beside` has the digests of what it was read with."""
    return IndexedFile(beside or {}, [astuple(each) for each in findings])


def findings_of(file: str, faults: Iterable[Any]) -> Iterator[Finding]:
    """The faults that were kept, as findings about the `file`, or about one of shared steps beside it."""
    for written, line, column, path, level, *words in faults:
        parts = Path(written).parts[-2:]
        name = str(Path(file).with_name("shared") / parts[1]) if parts[0] == "shared" else file
        yield Finding(name, line, column, path, Level(level), *words)
