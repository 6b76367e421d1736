"""A whole library as it is now: its runbooks in short, its registry, its contacts, and what of them does not load."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.core.deferred import dataclass, regex
from runner.library.index.library_index import CONTACTS, LibraryIndex
from runner.library.index.summary import ContactSummary, Summary, findings_of, summary_of
from runner.library.library import Library
from runner.library.registry.registry import Reference, by_id, letters
from runner.library.registry.registry_files import DIRECTORY, registry_files
from runner.library.root import names_in, shown
from runner.model.yaml.finding import Finding, InvalidFileError, Level

if TYPE_CHECKING:
    from runner.model.contacts import Contact

_NEARLY = regex(r"RUN[-_ ]*([0-9]{1,6})\.ya?ml", re.IGNORECASE)


@dataclass(frozen=True)
class LibrarySnapshot:
    """Everything that is written in a library; `faults` are those of what could not be read and is left out.

    `handles` is what is written in contacts.yml, and `index` has what else the files say. `broken` says how many faults
    keep a runbook from being loaded.
    """

    root: Path
    runbooks: Mapping[str, Summary]
    references: Mapping[str, Reference]
    contacts: Mapping[str, ContactSummary]
    handles: Mapping[str, Any]
    faults: tuple[Finding, ...]
    index: LibraryIndex
    broken: Mapping[str, int]

    @cached_property
    def used(self) -> Mapping[str, Summary]:
        """Those of the runbooks that are not deprecated."""
        return {name: runbook for name, runbook in self.runbooks.items() if not runbook.deprecated}

    def people(self) -> Mapping[str, Contact]:
        """The contacts with all that is written of them: their channels, their hours, what they agree to."""
        from runner.model.contacts import to_contacts  # noqa: PLC0415 - it imports all channels
        from runner.model.yaml.document import Document  # noqa: PLC0415

        return to_contacts(Document.of_line(dict(self.handles), file=CONTACTS, line=1))

    @cached_property
    def triggered(self) -> Mapping[str, tuple[str, ...]]:
        """The runbooks that each alert triggers, by the id of the alert."""
        waiting: dict[str, tuple[str, ...]] = {}
        for name, runbook in self.runbooks.items():
            if alert := runbook.alert:
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
    directory, ids = library.root / "runbooks", library.ids()
    faults = [*_misnamed(directory, ids), *registry_files(directory / DIRECTORY)[1]]
    runbooks: dict[str, Summary] = {}
    entries: list[Reference] = []
    handles: Mapping[str, Any] = {}
    contacts: Mapping[str, Any] = {}
    broken: dict[str, int] = {}
    places = {name: shown(directory / name) for name in ("", DIRECTORY)}
    for name, wrong, kept in index.columns("faults", "content"):
        folder, _, last = name.rpartition("/")
        file, content = str(Path(places[folder], last)), json.loads(kept)
        faults += (of_file := list(findings_of(file, json.loads(wrong))))
        if folder:
            entries += [Reference(**{**each, "file": file}) for each in content or ()]
        elif name == CONTACTS:
            handles, contacts = content or ({}, {})
        else:
            broken[(runbook := name.removesuffix(".yml"))] = len(of_file)
            if content:
                runbooks[runbook] = summary_of(file, content)
    references, contradictions = by_id(entries)
    found = tuple(sorted({*faults, *contradictions}))
    people = {name: ContactSummary(**each) for name, each in contacts.items()}
    return LibrarySnapshot(library.root, runbooks, references, people, handles, found, index, broken)


def _misnamed(directory: Path, ids: Sequence[str]) -> Iterator[Finding]:
    """The files that somebody took for runbooks, and that are none by their names."""
    known = {f"{name}.yml" for name in ids}
    for name in sorted(names_in(directory)):
        if name not in known and (match := _NEARLY.fullmatch(name)):
            hint = f"name it RUN-{int(match[1]):03d}.yml"
            yield Finding(shown(directory / name), 1, 1, "", Level.ERROR, "file-name", "is not read as a runbook", hint)
