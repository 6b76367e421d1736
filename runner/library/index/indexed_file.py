"""What is kept of one file of a library, as JSON can hold it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Any, NamedTuple

from runner.library.index.summary import Summary
from runner.library.library import Source, digest, shown, source_of
from runner.library.links.link_mentions import mentions, program_mentions, shared_mentions
from runner.library.registry.id_meanings import glosses
from runner.library.search.passages import Passage, passages_of_entry, passages_of_runbook
from runner.model.yaml.document import Document, load
from runner.model.yaml.finding import Finding, InvalidFileError, Level, Position


class IndexedFile(NamedTuple):
    """A file with its faults or its content: the summary of a runbook, or the values and positions of entries.

    `beside` has the SHA-256 of each other file that it was read with, by its name; empty for one that is not there.
    """

    beside: Mapping[str, str]
    faults: Sequence[Any]
    content: Any = None
    mentions: Sequence[Any] = ()
    glosses: Sequence[Any] = ()
    passages: Sequence[Passage] = ()


def index_runbook(path: Path, data: bytes) -> IndexedFile:
    """What is kept of the runbook in the file at `path`, whose bytes are `data`."""
    digests: dict[str, str] = {}
    try:
        source = source_of(path, data, note=lambda name: digests.update({name: digest(path.parent / name)}))
    except InvalidFileError as error:
        return index_faults(error.findings, digests)
    programs = program_mentions(source.runbook, source.document, _recorded(source, digests))
    return IndexedFile(
        content=Summary.of(source).model_dump(mode="json"),
        faults=(),
        mentions=[*mentions(source.document), *programs, *shared_mentions(source.document)],
        glosses=[astuple(gloss) for gloss in glosses(source.document.text)],
        passages=[*passages_of_runbook(source.document)],
        beside=digests,
    )


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
