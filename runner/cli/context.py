"""What commands share: the library, the state directory, the clock, the actor, the secrets."""

from __future__ import annotations

import grp
import os
import pwd
import shlex
import socket
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from runner import version
from runner.cli.output.terminal import safe
from runner.core.duration import parse
from runner.core.errors import AuditError, InvalidInputError, RunbookError
from runner.core.events import Instant
from runner.core.secrets import Reference
from runner.executor.inventory.ansible_cfg import unread
from runner.library.inventory import environments
from runner.library.library import Library, shown
from runner.library.root import default_state, root_above
from runner.store.log.envelope import Actor
from runner.store.run_state import RunState
from runner.store.state_directory import StateDirectory


def library(file: str = "") -> Library:
    """The library that `--library` names, else that in which the runbook's `file` lies, else the nearest.

    Which one it is is said unless it is that of the working directory.

    Raises:
        InvalidInputError: there is none.
    """
    given, path = click.get_current_context().obj["library"], Path(file)
    if given is None and "." in file and path.is_file():
        around = path.absolute().parent
        if around.name == "runbooks" or root_above(Path.cwd()) is None:
            return _named(Library(around.parent))
    return _named(Library.find(given, here=Path.cwd()))


def own_library() -> Library:
    """The library to write to: the one that `--library` names, else the nearest, else that of the working directory."""
    return _named(Library.own(click.get_current_context().obj["library"], here=Path.cwd()))


def _named(library: Library) -> Library:
    if library.root.absolute() != Path.cwd():
        click.echo(f"library  {safe(str(library.root.absolute()))}", err=True)
    return library


def state_path() -> Path:
    """`--state-dir`, else `RUNBOOK_STATE`, else `.runbook` beside the nearest library, or in the working directory."""
    given = click.get_current_context().obj["state_dir"] or os.environ.get("RUNBOOK_STATE")
    return Path(given) if given else default_state(Path.cwd())


def state() -> StateDirectory:
    """The state directory, made when it is absent, with every run in it that died named as what it is."""
    directory = StateDirectory.open(state_path())
    try:
        _name_abandoned(directory)
    except AuditError as error:  # whoever records will not go on; a run must be cancelled and looked at all the same
        click.echo(f"warning: a run that died cannot be recorded as abandoned: {error.message}", err=True)
    return directory


def _name_abandoned(directory: StateDirectory) -> None:
    from runner.orchestrator.recovery import name_abandoned  # noqa: PLC0415 - only needed where there is a state

    for run in name_abandoned(directory, clock=clock, actor=actor(), environ=os.environ):
        click.echo(f"abandoned: the run {run.run} of {run.runbook} died before it ended", err=True)
        click.echo(f"hint: what it had started was stopped; runbook show {run.run} shows how far it came", err=True)
        _call_for(run, directory)


def _call_for(run: RunState, directory: StateDirectory) -> None:
    """Call somebody for a run that died, as its runbook wants it, and say what came of it."""
    from runner.orchestrator.recovery import call_for  # noqa: PLC0415 - only needed where there is a dead run

    try:
        for call in call_for(run, directory, clock=clock, actor=actor(), environ=os.environ, secrets=secret):
            reached = "it arrived" if call.arrived else f"NOT REACHED, call them yourself: {call.reason}"
            click.echo(f"called   {safe(call.contact)} by {call.channel}: {safe(reached)}", err=True)
    except (RunbookError, OSError) as error:
        click.echo(f"error: nobody could be called for {run.run}: {safe(str(error))}", err=True)


def recorded() -> StateDirectory:
    """The state directory for a command that only reads it.

    Raises:
        InvalidInputError: there is none.
    """
    path = state_path()
    if not os.path.lexists(path):
        hint = "the first run creates it; --state-dir or RUNBOOK_STATE names another"
        raise InvalidInputError(f"there is no state directory {path}", hint=hint)
    return state()


def audit_log(state: StateDirectory) -> Path:
    """The log of the installation.

    Raises:
        InvalidInputError: nothing was recorded yet.
        AuditError: it is gone though runs were recorded in it.
    """
    state.check_log()
    if state.log_path.is_file() and state.log_path.stat().st_size:
        return state.log_path
    hint = "the first run creates it; --state-dir or RUNBOOK_STATE names another place"
    raise InvalidInputError(f"nothing is recorded in {state.path}", hint=hint)


def typed(words: Sequence[str]) -> str:
    """The command line of `runbook` with `words`, as it is to be typed where this command was."""
    given = {f"--{name.replace('_', '-')}": value for name, value in click.get_current_context().obj.items()}
    options = [word for flag, value in given.items() if value for word in (flag, str(value))]
    return shlex.join(["runbook", *options, *words])


def clock() -> Instant:
    """Now, on both clocks."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return Instant(datetime.now(UTC), time.monotonic(), boot)


def actor() -> Actor:
    """Who runs this command. The name is the kernel's, not the environment's; behind sudo both are told."""
    uid = os.getuid()
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = str(uid)
    # Only root can have been given that word by sudo; anybody can give it to a command of their own.
    before = os.environ.get("SUDO_USER") if uid == 0 else None
    user = f"{name} (sudo by {before})" if before else name
    return Actor(user, socket.gethostname(), os.getpid(), version(), _groups(before or name))


def _groups(login: str) -> tuple[str, ...]:
    """The groups of the system that `login` is in; none for somebody whom it does not know."""
    try:
        numbers = os.getgrouplist(login, pwd.getpwnam(login).pw_gid)
    except KeyError:
        return ()
    named = {entry.gr_gid: entry.gr_name for entry in grp.getgrall()}
    return tuple(named[number] for number in numbers if number in named)


def new_run_id() -> str:
    """An id that sorts by time."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{os.urandom(4).hex()}"


def secret(reference: str) -> str:
    """The value behind a reference, like `env:NAME` or `file:/path`.

    Raises:
        ValueError: there is none.
    """
    return Reference.parse(reference).resolve(os.environ)


def seconds(text: str, *, flag: str) -> float:
    """The seconds that a flag's value names.

    Raises:
        InvalidInputError: it is no duration.
    """
    try:
        return parse(text).total_seconds()
    except ValueError as error:
        raise InvalidInputError(f"{flag}: {error}") from None


def inventories(paths: Sequence[Path], where: Library) -> list[Path]:
    """The inventories, absolute and there; what is not here is looked for in the library.

    Raises:
        InvalidInputError: none is named, or one is not there; the error names those that are.
    """
    if not paths:
        raise InvalidInputError(f"-i INVENTORY is missing: on which hosts?\n{_there(where)}", hint=_HINT)
    found = []
    for path in paths:
        existing = next((each for each in (path, where.root / path) if each.exists()), None)
        if existing is None:
            raise InvalidInputError(f"there is no inventory {path}\n{_there(where)}", hint=_HINT)
        found.append(existing.resolve())
    for sentence in unread(found, Path.cwd()):
        click.echo(f"notice   {safe(sentence)}", err=True)
    return found


_HINT = "-i takes a file or a directory, like -i inventories/local"


def inventories_of(library: Library) -> list[str]:
    """The inventories in the library's `inventories/`, as -i takes them."""
    folder = library.root / "inventories"
    names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    return [f"inventories/{name}" for name in names if name[0] != "." and name not in {"group_vars", "host_vars"}]


def _there(library: Library) -> str:
    """The inventories in the library's `inventories/`, as -i takes them, each with its class of environment."""
    folder = library.root / "inventories"
    names = [library.root / name for name in inventories_of(library)]
    if not names:
        return f"there is none in {shown(folder)}/ yet"
    wide = max(len(each.name) for each in names)
    return "\n".join(f"  inventories/{each.name:{wide}}  {', '.join(environments(each))}" for each in names)
