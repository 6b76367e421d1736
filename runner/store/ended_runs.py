"""Remembers which runs have ended, so that not every command reads the state of each run there ever was.

A run counts as ended for as long as its state is the very file that said so. With few runs nothing is remembered.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping
from contextlib import closing, suppress
from pathlib import Path

from runner.core.errors import InvalidInputError
from runner.store import disposable
from runner.store.run_state import STATE, RunDirectory

MANY = 200
_NAME = "runs-index.sqlite"
_SCHEMA = "CREATE TABLE ended (run TEXT PRIMARY KEY, state TEXT)"


def running(state_directory: Path, runs: list[RunDirectory], *, many: int = MANY) -> list[RunDirectory]:
    """Those of the `runs` below `state_directory` whose state says that they are going on."""
    if len(runs) < many:
        return [run for run in runs if _has_ended(run) is False]
    with closing(disposable.open_database(state_directory / _NAME, _SCHEMA)) as database:
        files = {run.path.name: _fingerprint(run) for run in runs}
        remembered = _remembered(database)
        unknown = [run for run in runs if files[run.path.name] != remembered.get(run.path.name)]
        ended = {run.path.name: _has_ended(run) for run in unknown}
        _remember(database, {run: files[run] for run, has_ended in ended.items() if has_ended})
    return [run for run in unknown if ended[run.path.name] is False]


def _has_ended(run: RunDirectory) -> bool | None:
    """Whether `run` has ended; None where its state cannot be read, of which `audit verify` tells."""
    try:
        return run.state.status != "running"
    except InvalidInputError:
        return None


def _fingerprint(run: RunDirectory) -> str:
    """What changes with the file of the state; empty where there is none."""
    try:
        status = os.stat(f"{run.path}/{STATE}", follow_symlinks=False)  # noqa: PTH116 - thousands of times
    except OSError:
        return ""
    return f"{status.st_ino}-{status.st_size}-{status.st_ctime_ns}"


def _remembered(database: sqlite3.Connection) -> Mapping[str, str]:
    with suppress(sqlite3.Error):
        return dict(database.execute("SELECT run, state FROM ended"))
    return {}


def _remember(database: sqlite3.Connection, ended: Mapping[str, str]) -> None:
    if ended:
        with suppress(sqlite3.Error):
            database.execute("BEGIN IMMEDIATE")
            database.executemany("INSERT OR REPLACE INTO ended VALUES (?, ?)", ended.items())
            database.execute("COMMIT")
