"""The library: where runbooks, their playbooks and the contacts lie, and how one is found by its id."""

from __future__ import annotations

import contextlib
import difflib
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Self

from runner.core.deferred import dataclass
from runner.core.errors import InvalidInputError
from runner.core.identifiers import RUNBOOK_ID
from runner.core.limited_file import read_limited
from runner.library.root import library_root, names_in, shipped_root, shown
from runner.model.yaml.yaml_file import MAX_BYTES

if TYPE_CHECKING:  # a library is found, and its index looked at, without all that reads a runbook
    from runner.library.runbook_source import Source
    from runner.model.contacts import Contact


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
        files = [name for name in names_in(self.root / "runbooks") if name.endswith(".yml")]
        return sorted(name for file in files if re.match(RUNBOOK_ID, name := file.removesuffix(".yml")))

    def source(self, name: str, *, named: bool = True) -> Source:
        """The runbook with the id `name`, or in the file of that name; unless `named`, that may be any name.

        Raises:
            InvalidInputError: there is none; or the file has faults, which are all in the error.
        """
        from runner.library.runbook_source import read_source  # noqa: PLC0415 - it imports all that reads a runbook

        return read_source(self._path(name), named=named)

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
        from runner.model.contacts import read_contacts  # noqa: PLC0415 - as above

        path = source.path.parent / "contacts.yml"
        return read_contacts(path, file=shown(path))
