"""What is asked of a run: the reviewed runbook and its inventories, for a new run or for one that was interrupted."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from runner.compiler.committed_playbook import reviewed, reviewed_beside
from runner.core.deferred import regex
from runner.core.errors import InvalidInputError, LockedError, MistypedError
from runner.core.events import Outcome
from runner.core.identifiers import LAST
from runner.library.inventory import environments
from runner.library.library import Library
from runner.library.root import shown
from runner.model.runbook import Runbook
from runner.orchestrator.continuation.accepted_changes import changes
from runner.orchestrator.recovery import recorded_end
from runner.orchestrator.request import Mode, RunRequest
from runner.services.run_list import find_run
from runner.store.run_state import RunDirectory, RunState
from runner.store.state_directory import StateDirectory

_NO_INVENTORY = regex(r"\.|(?:group|host)_vars$|.*(?:~|\.(?:pyc|pyo|swp|bak|rpm|md|txt|rst|orig|cfg|retry))$")
"""The names beside inventories that are none: Ansible passes these over in a directory, too."""
_HINT = "-i takes a file or a directory, like -i inventories/local"


class RunbookChangedError(InvalidInputError):
    """The runbook is not the one that the run began with; `difference` shows how."""

    def __init__(self, path: Path, run: RunDirectory, difference: str) -> None:
        super().__init__(
            f"{path} has changed since the run {run.path.name} began",
            hint="look at the changes above, then continue with --accept-changes; this is recorded",
        )
        self.difference = difference


def prepare_run(
    library: Library,
    runbook: str,
    inventories: Sequence[Path],
    *,
    run_id: str,
    limit: str | None = None,
    mode: Mode = "run",
) -> RunRequest:
    """The request to run `runbook`, as it was reviewed, against `inventories`; its inputs are not given yet.

    Raises:
        InvalidInputError: the runbook or an inventory is not there or has errors, or its playbook is out of date.
    """
    source = library.usable(runbook)
    paths = find_inventories(inventories, library)
    return RunRequest(
        run_id=run_id,
        source=source,
        playbook=reviewed(library, source),
        beside=reviewed_beside(library, source),
        contacts=library.contacts(source),
        inventories=paths,
        limit=limit,
        mode=mode,
        library=library,
    )


def find_inventories(paths: Sequence[Path], library: Library) -> list[Path]:
    """The inventories as absolute paths; what is not in the working directory is looked for in the library.

    Raises:
        InvalidInputError: none is named, or one is not there; the message names those that are.
    """
    if not paths:
        raise MistypedError(f"-i INVENTORY is missing: on which hosts?\n{_choices(library)}", hint=_HINT)
    existing = []
    for path in paths:
        places = [place.resolve() for place in (path, library.root / path) if place.exists()]
        if not places:
            raise MistypedError(f"there is no inventory {path}\n{_choices(library)}", hint=_HINT)
        existing.append(places[0])
    return existing


def inventories_of(library: Library) -> list[str]:
    """The inventories in the library's `inventories/`, as -i takes them."""
    folder = library.root / "inventories"
    names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    return [f"inventories/{name}" for name in names if not _NO_INVENTORY.match(name)]


def _choices(library: Library) -> str:
    """The inventories in the library's `inventories/`, as -i takes them, each with its class of environment."""
    paths = [library.root / name for name in inventories_of(library)]
    if not paths:
        return f"there is none in {shown(library.root / 'inventories')}/ yet"
    width = max(len(path.name) for path in paths)
    return "\n".join(f"  inventories/{path.name:{width}}  {', '.join(environments(path))}" for path in paths)


def runbooks_of(request: RunRequest) -> list[Runbook]:
    """The runbook, and those that may take over from it, each of which may ask somebody something."""
    runbooks = {request.source.runbook.id: request.source.runbook}
    waiting = [request.source.runbook]
    while waiting:
        for step in waiting.pop().procedure:
            for other in step.others.values():
                if other.run not in runbooks and request.library:
                    runbooks[other.run] = request.library.source(other.run).runbook
                    waiting.append(runbooks[other.run])
    return list(runbooks.values())


def interrupted_run(state: StateDirectory, name: str) -> RunDirectory:
    """The run `name`, which nobody is executing now; with `last` the newest that began and did more than look.

    Raises:
        InvalidInputError: there is none.
        LockedError: a command is executing it.
    """
    run = find_run(state, name, suits=_may_have_changed, none="every run that there is has only looked, or never began")
    if name == LAST:
        _check_newest(state, run)
    if run.live:
        hint = f"runbook status {run.path.name} shows where it is, runbook cancel {run.path.name} stops it"
        raise LockedError(f"the run {run.path.name} is in progress", hint=hint)
    return run


def _check_newest(state: StateDirectory, run: RunDirectory) -> None:
    """That no newer run than `run` died before it began: whoever says `last` means that one.

    Raises:
        InvalidInputError: one did.
    """
    newest = find_run(state, LAST, suits=lambda each: not each.state.looks)
    if newest.path != run.path and newest.state.status == "abandoned":
        message = f"the newest run, {newest.path.name} of {newest.state.runbook}, died before it began anything"
        hint = f"runbook run {newest.state.runbook} starts it anew; or name the one before it: {run.path.name}"
        raise InvalidInputError(message, hint=hint)


def _may_have_changed(run: RunDirectory) -> bool:
    """Whether there is something to go on with: a run that was refused before it knew its hosts hides none."""
    return not run.state.looks and bool(run.state.target or run.live)


def has_passed(state: StateDirectory, run: RunDirectory) -> bool:
    """Whether `run` has passed, by its state or, where that could not be saved, by its record."""
    if run.state.status != "running":
        return run.state.outcome == Outcome.PASSED
    end = recorded_end(state, run.path.name)
    return end is not None and end.data["outcome"] == Outcome.PASSED


def prepare_resume(
    run: RunDirectory,
    library: Library,
    recorded: StateDirectory,
    *,
    mode: Mode | None = None,
    accept_changes: bool = False,
) -> RunRequest:
    """The request to go on with `run`, by the runbook as it is now; its inputs are those of before.

    `recorded` has its record, which may tell of an end that its state does not.

    Raises:
        InvalidInputError: there is nothing to go on with.
        RunbookChangedError: the runbook has changed since, and nobody accepts the changes.
    """
    state = run.state
    if state.looks:
        hint = f"runbook run {state.runbook} does it"
        raise InvalidInputError(f"the run {state.run} only looked: there is nothing to resume", hint=hint)
    if has_passed(recorded, run):
        raise InvalidInputError(f"the run {state.run} has passed: there is nothing to resume")
    return _request_of(run, library, mode=mode, accept_changes=accept_changes)


def prepare_undo(run: RunDirectory, library: Library, *, accept_changes: bool = False) -> RunRequest:
    """The request to undo `run`, by the runbook as it is now; its inputs are those of before.

    Raises:
        RunbookChangedError: the runbook has changed since, and nobody accepts the changes.
    """
    return _request_of(run, library, mode=None, accept_changes=accept_changes)


def _request_of(run: RunDirectory, library: Library, *, mode: Mode | None, accept_changes: bool) -> RunRequest:
    state = run.state
    source = library.source(_file_of(state, library))
    if source.sha256 != state.sha256 and not accept_changes:
        raise RunbookChangedError(source.path, run, changes(run, source.definition, b""))
    playbook = reviewed(library, source)
    if state.playbook_sha256 not in {"", hashlib.sha256(playbook).hexdigest()} and not accept_changes:
        raise RunbookChangedError(library.playbook(source), run, changes(run, source.definition, playbook))
    before: Mode = "step" if state.mode == "step" else "auto" if state.mode == "auto" else "run"
    return RunRequest(
        run_id=state.run,
        source=source,
        playbook=playbook,
        beside=reviewed_beside(library, source),
        contacts=library.contacts(source),
        inventories=[Path(path) for path in state.inventories],
        limit=state.limit,
        named=state.named,
        inputs=state.inputs,
        mode=mode or before,
        reason=state.reason,
        break_glass=state.break_glass,
        parent=state.parent,
        tree=state.tree,
        called=state.called,
        drill=state.drill,
        silent=state.drill,
        library=library,
    )


def _file_of(state: RunState, library: Library) -> str:
    """The file that the run was made from, or the runbook of that id where the file is gone."""
    return state.path if Path(state.path).is_file() else str(library.root / "runbooks" / f"{state.runbook}.yml")
