"""A whole library, read once: its runbooks, its registry and its contacts, and what of them does not load."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from runner.library.library import Library, Source, shown
from runner.library.registry.registry import Reference, read_registry
from runner.model.contacts import Contact, read_contacts
from runner.model.runbook import Runbook
from runner.model.yaml.document import Document, load
from runner.model.yaml.finding import Finding, InvalidFileError, Level

_NEARLY = re.compile(r"RUN[-_ ]*([0-9]{1,6})\.ya?ml", re.IGNORECASE)


@dataclass(frozen=True)
class Collection:
    """Everything that is written in a library; `faults` are those of what could not be read and is left out.

    `documents` has the text behind each runbook, and `handles` the `contacts.yml` as it is written.
    """

    root: Path
    sources: Mapping[str, Source]
    documents: Mapping[str, Document]
    references: Mapping[str, Reference]
    contacts: Mapping[str, Contact]
    handles: Document | None = None
    faults: tuple[Finding, ...] = ()

    @property
    def runbooks(self) -> Mapping[str, Runbook]:
        """The runbooks by their ids."""
        return {name: source.runbook for name, source in self.sources.items()}

    @property
    def used(self) -> Mapping[str, Runbook]:
        """Those of the runbooks that are not deprecated."""
        return {name: runbook for name, runbook in self.runbooks.items() if not runbook.deprecated}

    def whole(self) -> Collection:
        """The same, for a judgement that must not pass over anything.

        Raises:
            InvalidFileError: something could not be read; every fault is in it.
        """
        if self.faults:
            raise InvalidFileError(self.faults)
        return self


def read(library: Library) -> Collection:
    """Everything that is written in `library`; what does not load is told in its `faults`."""
    directory = library.root / "runbooks"
    references, faults = read_registry(directory / "registry")
    faults += _passed_over(directory, library.ids())
    sources: dict[str, Source] = {}
    documents: dict[str, Document] = {}
    for name in library.ids():
        try:
            source = library.source(name)
            documents[name], sources[name] = source.document, source
        except InvalidFileError as error:
            faults += error.findings
    contacts, handles = _contacts(directory / "contacts.yml", faults)
    return Collection(library.root, sources, documents, references, contacts, handles, tuple(sorted(set(faults))))


def _passed_over(directory: Path, ids: Sequence[str]) -> Iterator[Finding]:
    """The files that somebody took for runbooks, and that are none by their names."""
    for path in sorted(directory.glob("*")):
        match = _NEARLY.fullmatch(path.name)
        if match and (path.suffix != ".yml" or path.stem not in ids):
            hint = f"name it RUN-{int(match[1]):03d}.yml"
            yield Finding(shown(path), 1, 1, "", Level.ERROR, "file-name", "is not read as a runbook", hint)


def _contacts(path: Path, faults: list[Finding]) -> tuple[Mapping[str, Contact], Document | None]:
    try:
        known = read_contacts(path, file=shown(path))
        return known, load(path.read_bytes(), file=shown(path)) if path.exists() else None
    except InvalidFileError as error:
        faults += error.findings
        return {}, None
