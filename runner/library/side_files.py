"""The files of a library that a playbook brings along: read once, so that what is hashed is what is used."""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from types import MappingProxyType

from runner.core.deferred import dataclass
from runner.core.errors import InvalidInputError
from runner.core.limited_file import read_limited
from runner.kinds.steps.base import StepKind
from runner.model.procedure.drill import PHASES
from runner.model.runbook import Runbook
from runner.model.step import Step

RUNBOOKS = "runbooks"
"""The directory of the library in which runbooks lie, and what lies beside them."""
_LARGEST = 64 * 1024**2
"""Bytes of all files of one runbook."""


@dataclass(frozen=True, slots=True)
class SideFiles:
    """The `contents` of files by their paths from the root of the library; `faults` say why some cannot be had."""

    contents: Mapping[str, bytes]
    faults: Mapping[str, str]

    @property
    def digests(self) -> dict[str, str]:
        """The SHA-256 of each file."""
        return {name: hashlib.sha256(content).hexdigest() for name, content in self.contents.items()}


NONE = SideFiles(MappingProxyType({}), MappingProxyType({}))


def files_of(runbook: Runbook) -> list[str]:
    """The files and directories that `runbook` names, or a step of it, or the undo of one."""
    values = [str(PurePosixPath(RUNBOOKS, name)) for name in runbook.values or ()]
    actions = _actions((*runbook.procedure, *runbook.on_cancel))
    return list(dict.fromkeys([*values, *(name for action in actions for name in action.library_files)]))


def compiled_files_of(runbook: Runbook) -> list[str]:
    """The files beside `runbook` whose text a step of it is made of, or of its drill."""
    drilled = (step for drill in runbook.drill for step in drill.steps(*PHASES))
    actions = _actions((*runbook.procedure, *runbook.on_cancel, *drilled))
    return list(dict.fromkeys(name for action in actions for name in action.compiled_files))


def _actions(steps: Iterable[Step]) -> list[StepKind]:
    return [action for step in steps for action in (step.action, step.undo and step.undo.action) if action]


def read_side_files(
    root: Path, names: Iterable[str], needs: Callable[[str, bytes], Iterable[str]] = lambda _path, _content: ()
) -> SideFiles:
    """The files `names` below `root`, and all that lies in those that are directories, in the order of their paths.

    `needs` says which others a file needs, by its path and its content.
    """
    contents: dict[str, bytes] = {}
    faults: dict[str, str] = {}
    waiting = list(dict.fromkeys(names))
    for name in waiting:
        try:
            found = {path: _content(root, path) for path in _below(root, name)}
        except ValueError as error:
            faults[name] = str(error)
            continue
        contents |= found
        more = (each for path, content in found.items() for each in needs(path, content))
        waiting += [each for each in dict.fromkeys(more) if each not in waiting]
        if sum(map(len, contents.values())) > _LARGEST:
            message = f"with {name} the files of this runbook are larger than {_LARGEST // 1024**2} MiB in all"
            return SideFiles({}, {name: message})
    return SideFiles(dict(sorted(contents.items())), faults)


def _below(root: Path, name: str) -> Iterator[str]:
    path = root / name
    if not path.is_dir():
        yield name
    for directory, folders, files in os.walk(path):
        folders.sort()
        yield from (str(Path(directory, file).relative_to(root)) for file in sorted(files))


def _content(root: Path, name: str) -> bytes:
    path = Path(os.path.realpath(root / name))
    if not path.is_relative_to(os.path.realpath(root)):
        raise ValueError(f"{name} leads out of the library")
    if not path.exists():
        raise ValueError(f"{name} is not there; it is looked for in {root}")
    try:
        return read_limited(path, _LARGEST)
    except InvalidInputError as error:
        raise ValueError(f"{name} {error.message}") from None
