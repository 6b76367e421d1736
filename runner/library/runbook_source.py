"""A runbook with all that it was read from: its file, shared steps, entries of the registry, and files it needs."""

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import field
from pathlib import Path
from typing import Any

from runner.core.deferred import dataclass
from runner.core.errors import InvalidInputError
from runner.core.limited_file import read_limited
from runner.library import registered_values
from runner.library.ansible_content import roles_used
from runner.library.registry_entries import Registered, RegistryEntries
from runner.library.root import LARGEST_SCRIPT, shown
from runner.library.side_files import NONE, SideFiles, compiled_files_of, files_of, read_side_files
from runner.library.values_files import values_of
from runner.model.procedure import baselines, branch_steps, drill_reader, registry_probes, shared_steps
from runner.model.reader import to_runbook
from runner.model.runbook import Runbook
from runner.model.yaml.document import Document, load
from runner.model.yaml.finding import InvalidFileError, Place
from runner.model.yaml.yaml_file import read_file


@dataclass(frozen=True, slots=True)
class Source:
    """A runbook with the file it was read from, that file's text, and the document with its positions.

    `shared` has the text of each file of shared steps that it uses, by its path, `scripts` that of each script by its
    name. `side_files` are what its playbook needs besides, as they were when it was read, `values` what files of values
    set, and `registered` what it has from the registry.
    """

    runbook: Runbook
    path: Path
    text: bytes
    document: Document = field(compare=False, repr=False)
    shared: Mapping[Path, bytes] = field(default_factory=dict)
    side_files: SideFiles = field(default=NONE, repr=False)
    values: Mapping[str, Any] = field(default_factory=dict, repr=False)
    registered: Registered = field(default=Registered(), repr=False)
    scripts: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    @property
    def definition(self) -> bytes:
        """All that the runbook is made of: the text of its file, of shared steps and scripts, its part of the registry.

        Of the files that its playbook needs besides it has the SHA-256.
        """
        beside = {**{path.name: text for path, text in self.shared.items()}, **self.scripts}
        texts = [b"# %s\n%s" % (name.encode(), text) for name, text in beside.items()]
        needed = [f"# {name} {sha256}".encode() for name, sha256 in self.side_files.digests.items()]
        return b"\n".join((self.text, *texts, *needed, *filter(None, [self.registered.definition])))

    @property
    def sha256(self) -> str:
        """The SHA-256 of the definition."""
        return hashlib.sha256(self.definition).hexdigest()

    @property
    def files(self) -> Mapping[Path, str]:
        """The SHA-256 of each file that it was read from, and of those that it needs besides, as it was then."""
        texts = {self.path: self.text, **self.shared, **self.registered.files}
        texts |= {self.path.parent.parent / name: content for name, content in self.side_files.contents.items()}
        return {path: hashlib.sha256(text).hexdigest() for path, text in texts.items()}

    @property
    def id(self) -> str:
        """The id of the runbook."""
        return self.runbook.id

    def written_in(self, key: str, number: int) -> str:
        """The file and line of an item of the list `key`, where that is a file of shared steps; else empty."""
        origin = self.document.origin((key, number))
        return "" if origin.used_at is None else f"{origin.document.file}:{self.document.position((key, number)).line}"

    def place_of(self, step: str, *key: str) -> str:
        """The file and the line where `step` is written, or what stands at a `key` of it; empty where it is nowhere."""
        book = self.runbook
        lists = {"prerequisites": book.prerequisites, "steps": book.steps, "on_cancel": book.on_cancel}
        found = [
            (name, number) for name, steps in lists.items() for number, each in enumerate(steps) if each.id == step
        ]
        at: Place = (*found[0], *key) if found else ()
        span = self.document.span(at) if at else None
        written = self.document.origin(at).document
        return f"{written.file}:{written.position_at(span.start).line}" if span else ""

    def read_file(self, name: str) -> str:
        """The text of the file `name`, which lies in or below the runbook's directory.

        Raises:
            ValueError: it is not there, lies elsewhere, is too large, cannot be read or is not UTF-8.
        """
        path = Path(os.path.realpath(self.path.parent / name))
        if not path.is_relative_to(os.path.realpath(self.path.parent)):
            raise ValueError(f"{name} leads out of the runbook's directory")
        if not path.exists():
            raise ValueError(f"{name} is not there; it is looked for beside {self.path}")
        try:
            data = read_limited(path, LARGEST_SCRIPT)
            text = data.decode()
        except UnicodeDecodeError as error:
            raise ValueError(f"{name} cannot be read: {error}") from None
        except InvalidInputError as error:
            raise ValueError(f"{name} {error.message}") from None
        if len(data) > LARGEST_SCRIPT:
            raise ValueError(f"{name} is larger than {LARGEST_SCRIPT // 1024**2} MiB")
        return text


def read_source(path: Path, *, named: bool = True) -> Source:
    """The runbook in the file at `path`; unless `named`, that may have any name.

    Raises:
        InvalidFileError: the file has faults; all of them are in it.
    """
    return source_of(path, read_file(path, file=shown(path)), named=named)


def source_of(path: Path, data: bytes, *, named: bool = True, note: Callable[[str], None] | None = None) -> Source:
    """The runbook that the file at `path` holds, whose bytes are `data`; unless `named`, that may have any name.

    `note` hears of each file that is looked for beside it, and of the registry; of shared steps before they are read.

    Raises:
        InvalidFileError: the file has faults; all of them are in it.
    """
    texts: dict[Path, bytes] = {}
    heard = note or (lambda _name: None)
    entries = RegistryEntries(path.parent, shown, heard)

    def shared(name: str) -> Document:
        file = path.parent / f"{name}.yml"
        heard(f"{name}.yml")
        if not os.path.lexists(file):
            raise FileNotFoundError(file)
        texts[file] = texts.get(file) or read_file(file, file=shown(file))
        return load(texts[file], file=shown(file))

    document = drill_reader.expand(branch_steps.expand(shared_steps.expand(load(data, file=shown(path)), shared)))
    document = registry_probes.expand(document, entries.taken)
    document, values = registered_values.expand(document, entries.written)
    document = baselines.expand(document)
    runbook = to_runbook(document)
    if named and runbook.id != path.stem:
        hint = f"name the file {runbook.id}.yml"
        fault = document.finding(("id",), "file-name", f"{runbook.id} stands in {path.name}", hint=hint)
        raise InvalidFileError([fault])
    files = read_side_files(path.parent.parent, files_of(runbook), roles_used)
    scripts = read_side_files(path.parent, compiled_files_of(runbook))
    for name in (*scripts.contents, *scripts.faults, *(f"../{name}" for name in (*files.contents, *files.faults))):
        heard(name)
    return Source(
        runbook,
        path,
        data,
        document,
        texts,
        files,
        values_of(document, runbook, files),
        entries.registered(values),
        scripts.contents,
    )
