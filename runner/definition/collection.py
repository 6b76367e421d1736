"""A whole library, read once: its runbooks, its registry and its contacts, and what of them does not load."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from runner.definition.catalog import Library, Source, shown
from runner.definition.contacts import Contact, read_contacts
from runner.definition.finding import Finding, InvalidFileError
from runner.definition.model import Runbook
from runner.definition.reference import Reference, read_registry
from runner.definition.yaml import Document, load


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
    sources: dict[str, Source] = {}
    documents: dict[str, Document] = {}
    for name in library.ids():
        try:
            source = library.source(name)
            documents[name] = load(source.path.read_bytes(), file=shown(source.path))
            sources[name] = source
        except InvalidFileError as error:
            faults += error.findings
    contacts, handles = _contacts(directory / "contacts.yml", faults)
    return Collection(library.root, sources, documents, references, contacts, handles, tuple(sorted(set(faults))))


def _contacts(path: Path, faults: list[Finding]) -> tuple[Mapping[str, Contact], Document | None]:
    try:
        known = read_contacts(path, file=shown(path))
        return known, load(path.read_bytes(), file=shown(path)) if path.exists() else None
    except InvalidFileError as error:
        faults += error.findings
        return {}, None
