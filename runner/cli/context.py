"""What commands share: the library, the state directory, and what they take from the machine they run on."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runner.cli.output.terminal import safe
from runner.cli.system import System
from runner.core.deferred import dataclass
from runner.core.errors import AuditError, MistypedError, RunbookError
from runner.core.identifiers import LAST
from runner.library.root import cache_directory, default_state, library_root, root_above
from runner.store.next_command import command_line

if TYPE_CHECKING:  # imported where it is used: most commands need one of them, and no command waits for the others
    from runner.core.events import Instant
    from runner.library.library import Library
    from runner.orchestrator.run_environment import Installation
    from runner.store.log.envelope import Actor
    from runner.store.state_directory import RecordContext, StateDirectory


@dataclass(frozen=True)
class CommandContext:
    """What stands before the command, and the machine it runs on."""

    state_dir: Path | None
    library: Path | None
    system: System

    @property
    def words(self) -> list[str]:
        """The options as they were typed."""
        options = {"--state-dir": self.state_dir, "--library": self.library}
        return [word for flag, value in options.items() if value for word in (flag, str(value))]


def command_context() -> CommandContext:
    """What the command that runs now was given before its name."""
    line: CommandContext = click.get_current_context().obj
    return line


def library(file: str = "") -> Library:
    """The library that `--library` names, else that in which the runbook's `file` lies, else the nearest.

    Which one it is is printed unless it is that of the working directory.

    Raises:
        InvalidInputError: there is none.
    """
    from runner.library.library import Library  # noqa: PLC0415 - it imports all that reads a runbook

    given, path = command_context().library, Path(file)
    if given is None and "." in file and path.is_file():
        folder = path.absolute().parent
        if folder.name == "runbooks" or root_above(Path.cwd()) is None:
            return _named(Library(folder.parent))
    return _named(Library.find(given, here=Path.cwd()))


def own_library() -> Library:
    """The library to write to: the one that `--library` names, else the nearest, else that of the working directory."""
    from runner.library.library import Library  # noqa: PLC0415 - as above

    return _named(Library.own(command_context().library, here=Path.cwd()))


def _named(library: Library) -> Library:
    if library.root.absolute() != Path.cwd():
        click.echo(f"library  {safe(str(library.root.absolute()))}", err=True)
    return replace(library, cache=cache_directory(os.environ))


def state_path() -> Path:
    """`--state-dir`, else `RUNBOOK_STATE`, else `.runbook` beside the nearest library, or in the working directory."""
    path = command_context().state_dir or os.environ.get("RUNBOOK_STATE")
    return Path(path) if path else default_state(Path.cwd())


def state() -> StateDirectory:
    """The state directory for a command that writes to it; made when it is absent.

    Raises:
        AuditError: it cannot be written.
    """
    directory = opened_state()
    directory.require_writable()
    return directory


def opened_state() -> StateDirectory:
    """The same for a command that is of use though nothing can be written."""
    from runner.store.state_directory import StateDirectory  # noqa: PLC0415 - as above

    return StateDirectory.open(state_path())


def recorded_if_any() -> StateDirectory:
    """The state directory for a command that can do without: where there is none, it is one in which nothing is."""
    from runner.store.state_directory import StateDirectory  # noqa: PLC0415 - as above

    path = state_path()
    return StateDirectory.open(path) if os.path.lexists(path) else StateDirectory(path)


def recorded() -> StateDirectory:
    """The state directory for a command that only works on what is in it.

    Raises:
        InvalidInputError: there is none.
    """
    from runner.services.run_list import open_state  # noqa: PLC0415 - it imports all that tells of runs

    return open_state(state_path())


def installation(state: StateDirectory) -> Installation:
    """What a service is given of this machine."""
    from runner.orchestrator.run_environment import Installation  # noqa: PLC0415 - as above

    system = command_context().system
    return Installation(
        state=state,
        clock=system.clock,
        actor=system.actor(),
        environ=_environ(),
        secrets=system.secrets,
        new_run_id=system.new_run_id,
        executor=system.executor(),
        program=system.program(),
    )


def record_context(state: StateDirectory) -> RecordContext:
    """The same for a service that only records."""
    from runner.store.state_directory import RecordContext  # noqa: PLC0415 - as above

    system = command_context().system
    return RecordContext(state=state, clock=system.clock, actor=system.actor())


def _environ() -> dict[str, str]:
    """The environment of this command, with what the library chooses of it."""
    from runner.executor.inventory.project_file import PASSES, project_file  # noqa: PLC0415 - as above

    try:
        return project_file(library_root(command_context().library, here=Path.cwd())).applied(os.environ)
    except RunbookError:  # of which a run tells; nobody is kept from being called by it
        return {**os.environ, PASSES: ""}


@contextlib.contextmanager
def executor_ready(run_id: str) -> Iterator[None]:
    """While the block lasts, the executor gets ready for the run of that id, as all else is still being prepared."""
    current = click.get_current_context()
    before = command_context()
    with before.system.executor().ready(run_id, _environ()) as executor:
        current.obj = replace(before, system=replace(before.system, executor=lambda: executor))
        try:
            yield
        finally:
            current.obj = before


@contextlib.contextmanager
def executor_ready_again(run_id: str) -> Iterator[None]:
    """The same for the earlier run of that id, or the `last`, as far as that can be known so soon.

    For one that has not ended nothing gets ready: who finds that its command is dead ends all that is there for it.
    """
    run = _ended_run(run_id)
    with executor_ready(run) if run else contextlib.nullcontext():
        yield


def _ended_run(run_id: str) -> str:
    with contextlib.suppress(RunbookError, OSError):  # of which the command tells
        state = recorded_if_any()
        run = state.run(state.names()[-1] if run_id == LAST and state.names() else run_id)
        return run.path.name if run.state.status != "running" else ""
    return ""


def recover_abandoned(state: StateDirectory) -> None:
    """Record the runs whose command died as abandoned, end what they left running, and print that.

    Pages that have not arrived are sent again.
    """
    if state.at_rest:
        return
    from runner.cli.output import sent_pages  # noqa: PLC0415 - it imports all that a run needs
    from runner.escalation.delivery import BRIEF  # noqa: PLC0415 - as the one before
    from runner.services.incident_response import call_next_levels  # noqa: PLC0415 - as the one before
    from runner.services.notifications import flush_pages  # noqa: PLC0415 - as the one before
    from runner.services.runs import recover_abandoned  # noqa: PLC0415 - as the one before

    sent_pages.show_recovery(recover_abandoned(installation(state)))
    if any(each.armed for each in state.owed_undos.all()):
        from runner.cli.output.drill_lines import show_taken_back  # noqa: PLC0415 - as the one before
        from runner.services.drills.owed_faults import take_back_abandoned  # noqa: PLC0415 - as the one before

        show_taken_back(take_back_abandoned(installation(state)))
    sent_pages.show_sent(flush_pages(installation(state), only_due=True, limit=BRIEF))
    sent_pages.show_next_levels(call_next_levels(installation(state)))


@contextlib.contextmanager
def recovered(state: StateDirectory) -> Iterator[None]:
    """The same for a block that only reads: where nothing can be written, it is done first.

    Raises:
        AuditError: nothing can be written.
    """
    try:
        state.require_writable()
    except AuditError:
        yield
        raise
    recover_abandoned(state)
    yield


def typed(words: Sequence[str]) -> str:
    """The command line of `runbook` with `words`, as it is to be typed where this command was."""
    context = command_context()
    return command_line([*context.words, *words], context.system.program())


def hint(text: str) -> None:
    """Print how something is mended, or what comes next, with each command of ours as it is typed here."""
    from runner.cli import as_typed  # noqa: PLC0415 - it imports this module

    click.echo(f"hint: {safe(as_typed(text, command_context().system.program()), lines=True)}", err=True)


def clock() -> Instant:
    """Now, on both clocks."""
    return command_context().system.clock()


def actor() -> Actor:
    """Who runs this command."""
    return command_context().system.actor()


def new_run_id() -> str:
    """An id that no run has yet."""
    return command_context().system.new_run_id()


def seconds(text: str, *, flag: str) -> float:
    """The seconds that a flag's value names.

    Raises:
        MistypedError: it is no duration.
    """
    from runner.core.duration import parse  # noqa: PLC0415 - as above

    try:
        return parse(text).total_seconds()
    except ValueError as error:
        raise MistypedError(f"{flag}: {error}") from None


def inventories(paths: Sequence[Path], library: Library) -> list[Path]:
    """The inventories, absolute and there; what is not here is looked for in the library.

    Raises:
        InvalidInputError: none is named, or one is not there; the error names those that are.
    """
    from runner.services.run_requests import find_inventories  # noqa: PLC0415 - it imports all that a run needs

    existing = find_inventories(paths, library)
    notice_unread(existing, library)
    return existing


def notice_unread(inventories: Sequence[Path], library: Library | None) -> None:
    """Print what of the user's environment and settings Ansible gets to see, and what of their files it does not."""
    from runner.executor.inventory.ansible_cfg import unread  # noqa: PLC0415 - as above
    from runner.executor.inventory.project_file import project_file  # noqa: PLC0415 - as above

    chosen = project_file(library.root if library else None)
    for sentence in (*chosen.told(os.environ), *unread(inventories, Path.cwd(), chosen)):
        click.echo(f"notice   {safe(sentence)}", err=True)
