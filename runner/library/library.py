"""The library: where runbooks, their playbooks and the contacts lie, and how one is found by its id."""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from runner.core.errors import InvalidInputError
from runner.core.identifiers import RUNBOOK_ID
from runner.core.limited_file import read_limited
from runner.library import registered_values
from runner.library.ansible_content import roles_used
from runner.library.registry_entries import Registered, RegistryEntries
from runner.library.root import library_root, shipped_root
from runner.library.side_files import NONE, SideFiles, files_of, read_side_files
from runner.library.values_files import values_of
from runner.model.contacts import Contact, read_contacts
from runner.model.procedure import baselines, branch_steps, drill_reader, registry_probes, shared_steps
from runner.model.reader import to_runbook
from runner.model.runbook import Runbook
from runner.model.yaml.document import MAX_BYTES, Document, load, read_file
from runner.model.yaml.finding import InvalidFileError, Place

_LARGEST_SCRIPT = 4 * 1024**2
"""Bytes of a file that a runbook names."""


@dataclass(frozen=True, slots=True)
class Source:
    """A runbook with the file it was read from, that file's text, and the document with its positions.

    `shared` has the text of each file of shared steps that it uses, by its path. `side_files` are what its playbook
    needs besides, as they were when it was read, `values` what files of values set, and `registered` what it has from
    the registry.
    """

    runbook: Runbook
    path: Path
    text: bytes
    document: Document = field(compare=False, repr=False)
    shared: Mapping[Path, bytes] = field(default_factory=dict)
    side_files: SideFiles = field(default=NONE, repr=False)
    values: Mapping[str, Any] = field(default_factory=dict, repr=False)
    registered: Registered = field(default=Registered(), repr=False)

    @property
    def definition(self) -> bytes:
        """All that the runbook is made of: the text of its file, of the shared steps, and its part of the registry."""
        shared = [b"# %s\n%s" % (path.name.encode(), text) for path, text in self.shared.items()]
        return b"\n".join((self.text, *shared, *filter(None, [self.registered.definition])))

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
            data = read_limited(path, _LARGEST_SCRIPT)
            text = data.decode()
        except UnicodeDecodeError as error:
            raise ValueError(f"{name} cannot be read: {error}") from None
        except InvalidInputError as error:
            raise ValueError(f"{name} {error.message}") from None
        if len(data) > _LARGEST_SCRIPT:
            raise ValueError(f"{name} is larger than {_LARGEST_SCRIPT // 1024**2} MiB")
        return text


@dataclass(frozen=True, slots=True)
class Library:
    """A directory with `runbooks/`, `playbooks/` and `inventories/`; an index of it may be kept in `cache`."""

    root: Path
    cache: Path | None = field(default=None, compare=False)

    @classmethod
    def find(cls, given: Path | None, *, here: Path) -> Self:
        """The library `given`, else the one that the directory `here` lies in.

        Raises:
            InvalidInputError: `given` holds no `runbooks/`; or `here` lies in no library.
        """
        root = library_root(given, here=here)
        if root is None:
            raise InvalidInputError(
                f"there is no library here: neither {here} nor a directory above it holds runbooks/ with RUN- files",
                hint="runbook new --category incident creates one here; --library DIR names another, "
                "--library shipped the examples that come with the product; runbook demo shows it at work",
            )
        if not (root / "runbooks").is_dir():
            raise InvalidInputError(f"{root} holds no runbooks/", hint="name the directory above runbooks/")
        return cls(root)

    @classmethod
    def own(cls, given: Path | None, *, here: Path) -> Self:
        """The library to write to: the one `given`, else the one that `here` lies in, else a new one in `here`.

        Raises:
            InvalidInputError: `given` is no directory.
        """
        root = library_root(given, here=here) or here
        if not root.is_dir():
            raise InvalidInputError(f"there is no directory {root}", hint="name the directory above runbooks/")
        return cls(root)

    @classmethod
    def shipped(cls) -> Self:
        """The product's own library: inside the package when it was installed, beside it in a checkout."""
        return cls(shipped_root())

    def ids(self) -> list[str]:
        """The ids of all runbooks, in order."""
        return sorted(
            path.stem for path in (self.root / "runbooks").glob("RUN-*.yml") if re.match(RUNBOOK_ID, path.stem)
        )

    def source(self, name: str, *, named: bool = True) -> Source:
        """The runbook with the id `name`, or in the file of that name; unless `named`, that may be any name.

        Raises:
            InvalidInputError: there is none; or the file has faults, which are all in the error.
        """
        path = self._path(name)
        return source_of(path, read_file(path, file=shown(path)), named=named)

    def usable(self, name: str) -> Source:
        """The same, if it is still to be used.

        Raises:
            InvalidInputError: as `source`; or it is deprecated.
        """
        source = self.source(name)
        if (old := source.runbook.deprecated) is not None:
            hint = old.instead or "runbook find tells what there is instead"
            raise InvalidInputError(f"{source.runbook.id} is {old.says}", hint=hint)
        return source

    def next_id(self, used: Iterable[str] = ()) -> str:
        """An id that no runbook has, that none of them speaks of, and that is none of those that were ever `used`."""
        names = [*self.ids(), *used]
        for path in (self.root / "runbooks" / f"{name}.yml" for name in self.ids()):
            with contextlib.suppress(InvalidInputError):  # lint tells of a file that cannot be read
                names += re.findall(r"RUN-[0-9]{3,6}", read_limited(path, MAX_BYTES).decode(errors="replace"))
        return f"RUN-{max((int(name[4:]) for name in names), default=0) + 1:03}"

    def _path(self, name: str) -> Path:
        if re.fullmatch(RUNBOOK_ID, name):
            path = self.root / "runbooks" / f"{name}.yml"
            if not os.path.lexists(path):  # what is there and is no file is a finding about it
                near = difflib.get_close_matches(name, self.ids(), n=1, cutoff=0.8)
                hint = f"did you mean {near[0]}?" if near else "runbook list shows all of them"
                raise InvalidInputError(f"there is no runbook {name} in {self.root / 'runbooks'}", hint=hint)
            return path
        path = Path(name)
        if not os.path.lexists(name):
            raise InvalidInputError(f"{name!r} is neither the id of a runbook (RUN-001) nor a file")
        return path

    def playbook(self, source: Source) -> Path:
        """Where the compiled playbook of `source` is kept: in `playbooks/`, beside the `runbooks/` it lies in."""
        return source.path.parent.parent / "playbooks" / f"{source.runbook.id}.yml"

    def contacts(self, source: Source) -> Mapping[str, Contact]:
        """The contacts that lie beside `source`."""
        path = source.path.parent / "contacts.yml"
        return read_contacts(path, file=shown(path))


def source_of(path: Path, data: bytes, *, named: bool = True, note: Callable[[str], None] | None = None) -> Source:
    """The runbook that the file at `path` holds, whose bytes are `data`; unless `named`, that may have any name.

    `note` hears of each file of shared steps that is looked for beside it, before it is read, and of the registry.

    Raises:
        InvalidFileError: the file has faults; all of them are in it.
    """
    texts: dict[Path, bytes] = {}
    entries = RegistryEntries(path.parent, shown, note or (lambda _name: None))

    def shared(name: str) -> Document:
        file = path.parent / f"{name}.yml"
        if note:
            note(f"{name}.yml")
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
    return Source(
        runbook, path, data, document, texts, files, values_of(document, runbook, files), entries.registered(values)
    )


def shown(path: Path) -> str:
    """`path` as findings call it: as short as it can be said from here; a link has its own name, not its target's."""
    try:
        return str(Path(os.path.realpath(path.parent), path.name).relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def digest(path: Path) -> str:
    """The SHA-256 of the file at `path`, or of those in the directory; empty where it cannot be read."""
    if path.is_dir():
        files = [f"{each.name} {digest(each)}" for each in sorted(path.glob("*.yml"))]
        return hashlib.sha256("\n".join(files).encode()).hexdigest()
    try:
        return hashlib.sha256(read_limited(path, _LARGEST_SCRIPT)).hexdigest()
    except InvalidInputError:
        return ""
