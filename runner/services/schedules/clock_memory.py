"""What looks at the schedules have seen of the clock of each machine, for the next look there."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from runner.scheduling.clock_check import Clocks, Trust, check
from runner.store import durable

if TYPE_CHECKING:
    from runner.store.state_directory import StateDirectory

_DIRECTORY = "clocks"


def checked(state: StateDirectory, machine: str, clocks: Clocks, last_decided: datetime | None) -> Trust:
    """Whether the clock of `machine` is believed, which is remembered for the next look there."""
    path = _file(state, machine)
    trust = check(_remembered(path), clocks, last_decided)
    data = asdict(trust) | {"seen": {**asdict(clocks), "wall": clocks.wall.isoformat()}}
    with suppress(OSError):
        path.parent.mkdir(mode=0o700, exist_ok=True)
        durable.write(path, json.dumps(data), lasting=False)
    return trust


def forget(state: StateDirectory, machine: str) -> None:
    """Let the clock of `machine` be believed as it is seen next."""
    _file(state, machine).unlink(missing_ok=True)


def last_look(state: StateDirectory) -> Trust | None:
    """What was seen when anybody looked last, on whichever machine; None where nobody ever has."""
    found = filter(None, map(_remembered, (state.path / _DIRECTORY).glob("*.json")))
    return max(found, key=lambda trust: trust.seen.wall, default=None)


def _file(state: StateDirectory, machine: str) -> Path:
    return state.path / _DIRECTORY / f"{quote(machine, safe='')}.json"


def _remembered(path: Path) -> Trust | None:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        seen = Clocks(**{**data["seen"], "wall": datetime.fromisoformat(data["seen"]["wall"])})
        return Trust(**{**data, "seen": seen})
    except (OSError, ValueError, TypeError, LookupError):
        return None
