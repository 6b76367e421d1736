"""The entries of the registry that a runbook takes something from, read as they are written, each when it is wanted."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from pathlib import Path
from typing import Any

from runner.core.deferred import dataclass
from runner.library.registry.registry_files import DIRECTORY
from runner.model.yaml.document import Document, load
from runner.model.yaml.finding import InvalidFileError
from runner.model.yaml.yaml_file import read_file


@dataclass(frozen=True)
class Registered:
    """What was taken for a runbook: the files of the registry that have it, and the values, by their places or ids."""

    files: Mapping[Path, bytes] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def definition(self) -> bytes:
        """The values as a part of what the runbook is made of."""
        return json.dumps(self.values, sort_keys=True).encode() if self.values else b""


class RegistryEntries:
    """The registry in the directory beside a runbook, read when the first entry is looked up."""

    def __init__(self, runbooks: Path, name: Callable[[Path], str], note: Callable[[str], None]) -> None:
        """`name` is what findings call a file, `note` hears that the registry is about to be read."""
        self._directory, self._name, self._note = runbooks / DIRECTORY, name, note
        self._documents: dict[Path, tuple[bytes, Document]] | None = None
        self._files: dict[Path, bytes] = {}
        self._taken: dict[str, Mapping[str, Any]] = {}

    def taken(self, name: str) -> tuple[Document, Mapping[str, Any]] | None:
        """The entry `name`, all of which the runbook is made of, and the file that it stands in; None if it is not."""
        if found := self._entry(name):
            self._taken[name] = found[1]
        return found

    def written(self, name: str) -> Mapping[str, Any] | None:
        """What is written of the entry `name`, of which somebody else says what they have taken."""
        found = self._entry(name)
        return found and found[1]

    def registered(self, values: Mapping[str, Any]) -> Registered:
        """All that was taken, with these `values` of kinds."""
        return Registered(self._files, {**self._taken, **values})

    def _entry(self, name: str) -> tuple[Document, Mapping[str, Any]] | None:
        if self._documents is None:
            self._note(DIRECTORY)
            self._documents = dict(self._read())
        for path, (data, document) in self._documents.items():
            if isinstance(found := document.value.get(name), dict):
                self._files[path] = data
                return document, found
        return None

    def _read(self) -> Iterator[tuple[Path, tuple[bytes, Document]]]:
        for path in sorted(self._directory.glob("*.yml")):
            try:
                data = read_file(path, file=self._name(path))
                yield path, (data, load(data, file=self._name(path)))
            except InvalidFileError:  # of which lint and `runbook registry` tell
                continue
