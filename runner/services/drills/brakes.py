"""What ends a drill before its time: the lever that somebody has pulled for all of them, or a condition of its own."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from runner.core.deferred import dataclass
from runner.core.errors import DeniedError
from runner.lab.drills.drill_question import AskedSystem
from runner.lab.probe import ProbeAnswer
from runner.orchestrator.run_environment import Installation
from runner.store import durable
from runner.store.state_directory import StateDirectory

EACH = 1.0
"""Seconds between two looks."""


@dataclass(frozen=True, slots=True)
class Lever:
    """Who has stopped all drills of an installation, and when: none begins, and each that goes on ends."""

    by: str
    since: str

    @property
    def sentence(self) -> str:
        """The same for people."""
        return f"all drills are stopped, by {self.by} since {self.since[:19]}"


def pulled(state: StateDirectory) -> Lever | None:
    """The lever, where it is pulled; one that cannot be read is."""
    try:
        return Lever(**json.loads(_path(state).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError):
        return Lever("somebody", "an unknown time")


def pull(installation: Installation) -> Lever:
    """Stop all drills.

    Raises:
        AuditError: it cannot be written down.
    """
    lever = Lever(installation.actor.user, installation.clock().wall.isoformat())
    with durable.required(_path(installation.state)):
        durable.write(_path(installation.state), json.dumps(asdict(lever)))
    return lever


def let_go(state: StateDirectory) -> bool:
    """Let drills begin again; whether they were stopped."""
    was = pulled(state) is not None
    _path(state).unlink(missing_ok=True)
    return was


def check_not_stopped(state: StateDirectory) -> None:
    """That a drill may begin.

    Raises:
        DeniedError: all of them are stopped.
    """
    if lever := pulled(state):
        raise DeniedError(lever.sentence, hint="runbook drill stop --over lets drills begin again")


def _path(state: StateDirectory) -> Path:
    return state.path / "drills-stopped"


@dataclass(slots=True)
class Brakes:
    """Looks at the lever and at the conditions of one drill, and stops its run once: `reason` says why."""

    looks: Sequence[AskedSystem]
    stopped: Callable[[], str]
    stop: Callable[[str], None]
    reason: str = ""

    def look(self) -> ProbeAnswer:
        """Whether it may go on."""
        if not self.reason:
            self.reason = self.stopped() or next((f"{each.look.says}" for each in self.looks if each.ask().good), "")
            if self.reason:
                self.stop(self.reason)
        return ProbeAnswer(not self.reason, {"reason": self.reason})
