"""The manifest of a run that has ended: the SHA-256 of each of its files, and its own SHA-256 in the audit log."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from runner.core.events import Event, EventType
from runner.store import durable
from runner.store.log.audit_log import AuditLog
from runner.store.run_state import CANCEL, LOCK, RESERVE, STATE, RunDirectory, is_text

NAME = "manifest.json"
_APART = frozenset({NAME, LOCK, CANCEL, RESERVE})
"""The manifest itself, what other commands may write at any time, and what only keeps room."""


def file_run(run: RunDirectory, log: AuditLog, /, **changes: Any) -> None:
    """Save the state of `run` with `changes`, the last ones, after a record of what its directory holds with them.

    A run whose state says that it has ended is therefore always one whose files the log knows.

    Raises:
        AuditError: it cannot be written or recorded; the state is as it was.
    """
    state = replace(run.state, **changes)
    digests = {name: digest(run.path / name) for name in _names(run.path)}
    text = json.dumps({**digests, STATE: _sha256(state.written().encode())}, indent=1, sort_keys=True)
    with durable.required(run.path):
        durable.write(run.path / NAME, text)
    log.append(Event(EventType.RUN_FILED, state.run, data={"manifest_sha256": _sha256(text.encode())}))
    run.save(state)


def differences(run: Path, manifest_sha256: str) -> Iterator[str]:
    """A sentence for each file in the directory `run` that is not what the manifest with that SHA-256 says."""
    for name, how in changed(run, manifest_sha256).items():
        rest = ", so that nothing is known of the other files there" if name == NAME else ""
        yield f"{run / name} was {how} since the run ended{rest}"


def changed(run: Path, manifest_sha256: str) -> dict[str, str]:
    """What was done to each file in the directory `run` that is not what the manifest with that SHA-256 says."""
    if (found := digest(run / NAME)) != manifest_sha256:
        return {NAME: _how(found)}
    expected: dict[str, str] = json.loads((run / NAME).read_bytes())
    digests = {name: digest(run / name) for name in expected}
    touched = {name: _how(found) for name, found in digests.items() if found != expected[name]}
    return touched | dict.fromkeys(sorted({*_names(run)} - {*expected}), "added")


def is_untouched(run: Path) -> bool:
    """Whether the directory `run` holds nothing but the state of a run and the texts to do it by: nothing was done."""
    return [name for name in _names(run) if not is_text(name)] == [STATE]


def digest(path: Path) -> str:
    """The SHA-256 of the file at `path`; empty when there is none, or something else, which may have no end."""
    try:
        return _sha256(path.read_bytes()) if path.is_file() and not path.is_symlink() else ""
    except OSError:
        return ""


def _names(run: Path) -> list[str]:
    files = (path for path in run.rglob("*") if path.is_symlink() or not path.is_dir())
    whole = (path for path in files if path.suffix != durable.UNFINISHED)
    return sorted(name for path in whole if (name := str(path.relative_to(run))) not in _APART)


def _how(found: str) -> str:
    return "edited" if found else "removed"


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
