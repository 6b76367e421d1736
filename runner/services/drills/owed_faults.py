"""What drills that have died owe to their hosts: taken back by the next command, or by the hosts themselves."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path

from runner.core.deferred import dataclass
from runner.core.duration import comes_true
from runner.core.errors import RunbookError
from runner.core.events import Instant
from runner.core.process_stat import started
from runner.lab.demo_workspace import workspace
from runner.lab.drills.plain_ansible import PlainAnsible
from runner.orchestrator.run_environment import Installation
from runner.services.drills.brakes import pull
from runner.services.drills.hosts_that_stay import DONE, GONE, pay
from runner.store.owed_undos import ArmedHost, OwedUndo

_PATIENCE = 120.0
"""Seconds in which drills that go on have ended."""
_AGAIN = timedelta(minutes=1)
"""How soon a host is asked again that could not be reached."""


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What became of the fault of the drill `run` of `runbook`, which has died: by the host, `done` or why not.

    Each host that has not done it does so by itself at the time `until`.
    """

    run: str
    runbook: str
    hosts: Mapping[str, str]
    until: str

    @property
    def left(self) -> Mapping[str, str]:
        """The hosts on which it is not taken back as far as anybody knows, each with the reason."""
        return {host: why for host, why in self.hosts.items() if why not in {DONE, GONE}}


def take_back_abandoned(installation: Installation, *, at_once: bool = False) -> tuple[TakenBack, ...]:
    """Have the hosts of each drill whose process has died take its fault back.

    Where that was tried in vain a short time ago it is left for later, so that no command waits for a host that is
    gone; `at_once` tries again.
    """
    now = installation.clock()
    owed = [each for each in installation.state.owed_undos.all() if each.armed and is_dead(each.armed, now)]
    owed = [each for each in owed if at_once or not _just_tried(each, now)]
    if not owed:
        return ()
    with workspace() as directory:
        return tuple(_taken_back(installation, directory, owed))


def stop_drills(installation: Installation, *, patience: float = _PATIENCE) -> tuple[TakenBack, ...]:
    """Let no drill begin, and those that go on end; what was taken back of those that have died.

    It waits `patience` seconds for those that go on.

    Raises:
        AuditError: it cannot be written down.
    """
    pull(installation)
    owed = installation.state.owed_undos
    comes_true(
        lambda: all(is_dead(each.armed, installation.clock()) for each in owed.all() if each.armed), within=patience
    )
    return take_back_abandoned(installation, at_once=True)


def _just_tried(owed: OwedUndo, now: Instant) -> bool:
    tried = owed.armed.tried if owed.armed else ""
    return bool(tried) and now.wall - datetime.fromisoformat(tried) < _AGAIN


def _note_tries(installation: Installation, left: Sequence[OwedUndo]) -> None:
    for each in left:
        if each.armed:
            armed = replace(each.armed, tried=installation.clock().wall.isoformat())
            installation.state.owed_undos.add(replace(each, armed=armed))


def is_dead(armed: ArmedHost, now: Instant) -> bool:
    """Whether the drill that has left it has died."""
    return armed.boot_id != now.boot_id or started(armed.pid) != armed.process_started


def _taken_back(installation: Installation, directory: Path, owed: Sequence[OwedUndo]) -> Iterator[TakenBack]:
    for run, group in groupby(sorted(owed, key=lambda each: each.run), key=lambda each: each.run):
        left = list(group)
        armed = [each.armed for each in left if each.armed]
        ansible = PlainAnsible([Path(path) for path in armed[0].inventories], directory, installation.environ)
        try:
            hosts = pay(ansible, left, installation)
        except (RunbookError, OSError) as error:
            hosts = {each.host: str(error) for each in left}
        _note_tries(installation, [each for each in left if hosts.get(each.host) not in {DONE, GONE}])
        yield TakenBack(run, left[0].runbook, hosts, max(each.until for each in armed))
