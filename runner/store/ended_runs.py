"""Remembers which runs have ended, so that not every command reads the state of each run there ever was.

A run counts as ended for as long as its state is the very file that said so. With few runs nothing is remembered.
"""

import os
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path

from runner.core.errors import InvalidInputError
from runner.store import disposable
from runner.store.run_state import STATE, RunDirectory

MANY = 200
_NAME = "runs-index.sqlite"
_SCHEMA = "CREATE TABLE ended (run TEXT PRIMARY KEY, state TEXT)"


def running(runs_path: Path, runs: Sequence[str], *, many: int = MANY) -> list[RunDirectory]:
    """Those of the `runs`, each a directory in `runs_path`, whose state says that they are going on."""
    if len(runs) < many:
        return [run for run in map(RunDirectory, map(runs_path.joinpath, runs)) if _has_ended(run) is False]
    with closing(disposable.open_database(runs_path.with_name(_NAME), _SCHEMA)) as database:
        files, remembered = _fingerprints(str(runs_path), runs), _remembered(database)
        unknown = [RunDirectory(runs_path / run) for run, file in files.items() if file != remembered.get(run)]
        ended = {run.path.name: _has_ended(run) for run in unknown}
        _remember(database, {run: files[run] for run, has_ended in ended.items() if has_ended})
    return [run for run in unknown if ended[run.path.name] is False]


def _has_ended(run: RunDirectory) -> bool | None:
    """Whether `run` has ended; None where its state cannot be read, of which `audit verify` tells."""
    try:
        return run.state.status != "running"
    except InvalidInputError:
        return None


def _fingerprints(place: str, runs: Iterable[str]) -> Mapping[str, str]:
    """Of each run that has a state, what changes with the file of the state."""
    found = {}
    for run in runs:
        with suppress(OSError):
            status = os.stat(f"{place}/{run}/{STATE}", follow_symlinks=False)  # noqa: PTH116 - a Path takes longer
            found[run] = f"{status.st_ino}-{status.st_size}-{status.st_ctime_ns}"
    return found


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
