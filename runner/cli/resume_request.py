"""What going on with a run, and taking it back, have in common: the run, and what was asked of it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from runner.cli import context
from runner.cli.named_run import find_run
from runner.cli.output.terminal import safe
from runner.cli.prompts import input_options
from runner.compiler.committed_playbook import reviewed
from runner.core.errors import InvalidInputError, LockedError
from runner.library.library import Library
from runner.model.runbook import Runbook
from runner.orchestrator.continuation.resumption import changes
from runner.orchestrator.request import Mode, Request
from runner.store.run_state import RunDirectory, RunState
from runner.store.state_directory import StateDirectory


def run_of(state: StateDirectory, name: str) -> RunDirectory:
    """The run `name`, or the newest that began and did more than look when it is `last`, which nobody is doing now.

    Raises:
        InvalidInputError: there is none.
        LockedError: a command is doing it.
    """
    run = find_run(state, name, suits=_may_have_changed, none="every run that there is has only looked, or never began")
    if run.live:
        hint = f"runbook status {run.path.name} shows where it is, runbook cancel {run.path.name} stops it"
        raise LockedError(f"the run {run.path.name} is in progress", hint=hint)
    return run


def _may_have_changed(run: RunDirectory) -> bool:
    """Whether there is something to go on with: a run that was refused before it knew its hosts hides none."""
    return not run.state.looks and bool(run.state.target or run.live)


def request_of(
    run: RunDirectory, given: Sequence[str] = (), *, mode: Mode | None = None, accept_changes: bool = False
) -> Request:
    """What was asked of `run`, with the runbook as it is now; `given` says where secrets are now.

    Raises:
        InvalidInputError: the runbook has changed since, and nobody accepts the changes, which have been shown; or an
            input, which cannot be changed any more unless it is a secret, is wrong.
    """
    state = run.state
    library = context.library(state.path)
    source = library.source(_where(state, library))
    if source.sha256 != state.sha256 and not accept_changes:
        raise _changed(run, source.path, changes(run, source.text, b""))
    _only_secrets(source.runbook, given)
    playbook = reviewed(library, source)
    if state.playbook_sha256 not in {"", hashlib.sha256(playbook).hexdigest()} and not accept_changes:
        raise _changed(run, library.playbook(source), changes(run, source.text, playbook))
    values = input_options.read(source, given, before=state.inputs)
    request = Request(
        run_id=state.run,
        source=source,
        playbook=playbook,
        contacts=library.contacts(source),
        inventories=[Path(path) for path in state.inventories],
        limit=state.limit,
        named=state.named,
        inputs=values,
        secrets=input_options.reveal(source.runbook, values),
        reason=state.reason,
        break_glass=state.break_glass,
        parent=state.parent,
        tree=state.tree,
        library=library,
    )
    kept: Mode = "step" if state.mode == "step" else "auto" if state.mode == "auto" else "run"
    return replace(request, mode=mode or kept)


def _only_secrets(runbook: Runbook, given: Sequence[str]) -> None:
    names = [item.partition("=")[0] for item in given]
    if plain := [name for name in names if name in runbook.inputs.keys() - runbook.secrets]:
        raise InvalidInputError(
            f"-e {plain[0]}: the run started with another value, and only the place of a secret may be changed",
            hint="start a new run",
        )


def _where(state: RunState, library: Library) -> str:
    """The file that the run was made from, or the runbook of that id where the file is gone."""
    return state.path if Path(state.path).is_file() else str(library.root / "runbooks" / f"{state.runbook}.yml")


def _changed(run: RunDirectory, path: Path, difference: str) -> InvalidInputError:
    """The refusal to go on by another text than the one of before, once what differs is shown."""
    for line in difference.splitlines():
        click.echo(safe(line), err=True)
    return InvalidInputError(
        f"{path} has changed since the run {run.path.name} began",
        hint="look at the changes above, then continue with --accept-changes; this is recorded",
    )
