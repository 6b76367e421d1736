"""A whole library as it is now: its runbooks in short, its registry, its contacts, and what of them does not load."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from runner.core.deferred import dataclass, regex
from runner.library.index.indexed_file import document_of, findings_of
from runner.library.index.library_index import LibraryIndex
from runner.library.index.summary import Summary
from runner.library.library import Library
from runner.library.registry.registry import Reference, entries_of, letters
from runner.library.registry.registry_files import registry_files
from runner.library.registry_entries import DIRECTORY
from runner.library.root import shown
from runner.model.contacts import Contact, to_contacts
from runner.model.yaml.document import Document, load
from runner.model.yaml.finding import Finding, InvalidFileError, Level
from runner.model.yaml.yaml_file import read_file

_NOTHING = "null"
_NEARLY = regex(r"RUN[-_ ]*([0-9]{1,6})\.ya?ml", re.IGNORECASE)


@dataclass(frozen=True)
class LibrarySnapshot:
    """Everything that is written in a library; `faults` are those of what could not be read and is left out.

    `handles` is the `contacts.yml` as it is written, and `index` has what else the files say. `broken` says how many
    faults keep a runbook from being loaded.
    """

    root: Path
    runbooks: Mapping[str, Summary]
    references: Mapping[str, Reference]
    contacts: Mapping[str, Contact]
    handles: Document | None
    faults: tuple[Finding, ...]
    index: LibraryIndex
    broken: Mapping[str, int]

    @cached_property
    def used(self) -> Mapping[str, Summary]:
        """Those of the runbooks that are not deprecated."""
        return {name: runbook for name, runbook in self.runbooks.items() if not runbook.deprecated}

    @cached_property
    def triggered(self) -> Mapping[str, tuple[str, ...]]:
        """The runbooks that each alert triggers, by the id of the alert."""
        waiting: dict[str, tuple[str, ...]] = {}
        for name, runbook in self.runbooks.items():
            if alert := runbook.trigger.alert:
                waiting[alert] = (*waiting.get(alert, ()), name)
        return waiting

    @cached_property
    def spelled(self) -> Mapping[tuple[str, str], str]:
        """The id of a runbook by its letters and digits, for one who has mixed them up."""
        return {letters(name): name for name in sorted(self.runbooks, reverse=True)}

    def faults_of(self, name: str) -> int:
        """How many faults keep the runbook `name` from being loaded."""
        return self.broken.get(name, 0)

    def whole(self) -> LibrarySnapshot:
        """The same, for a judgement that must not pass over anything.

        Raises:
            InvalidFileError: something could not be read; every fault is in it.
        """
        if self.faults:
            raise InvalidFileError(self.faults)
        return self


def read(library: Library) -> LibrarySnapshot:
    """Everything that is written in `library`; what does not load is told in its `faults`."""
    index = LibraryIndex(library, library.cache)
    directory = library.root / "runbooks"
    faults = [*_misnamed(directory, library.ids())]
    runbooks: dict[str, Summary] = {}
    documents: list[Document] = []
    directories: dict[Path, str] = {}
    broken: dict[str, int] = {}
    for name, wrong, content in index.columns("faults", "content"):
        path = directory / name
        file = _name(path, directories)
        faults += (of_file := list(findings_of(file, json.loads(wrong))))
        broken[path.stem] = len(of_file)
        if content != _NOTHING and path.parent != directory:
            documents.append(document_of(file, json.loads(content)))
        elif content != _NOTHING:
            runbooks[path.stem] = Summary.model_validate_json(content).model_copy(update={"file": file})
    references, contradictions = entries_of(documents)
    faults += [*registry_files(directory / DIRECTORY)[1], *contradictions]
    contacts, handles = _contacts(directory / "contacts.yml", faults)
    found = tuple(sorted(set(faults)))
    return LibrarySnapshot(library.root, runbooks, references, contacts, handles, found, index, broken)


def _name(path: Path, directories: dict[Path, str]) -> str:
    """How findings call the file at `path`; `directories` remembers how they call the few that files lie in."""
    if path.parent not in directories:
        directories[path.parent] = shown(path.parent)
    return str(Path(directories[path.parent], path.name))


def _misnamed(directory: Path, ids: Sequence[str]) -> Iterator[Finding]:
    """The files that somebody took for runbooks, and that are none by their names."""
    for path in sorted(directory.glob("*")):
        match = _NEARLY.fullmatch(path.name)
        if match and (path.suffix != ".yml" or path.stem not in ids):
            hint = f"name it RUN-{int(match[1]):03d}.yml"
            yield Finding(shown(path), 1, 1, "", Level.ERROR, "file-name", "is not read as a runbook", hint)


def _contacts(path: Path, faults: list[Finding]) -> tuple[Mapping[str, Contact], Document | None]:
    if not os.path.lexists(path):
        return {}, None
    try:
        document = load(read_file(path, file=shown(path)), file=shown(path))
        return to_contacts(document), document
    except InvalidFileError as error:
        faults += error.findings
        return {}, None
