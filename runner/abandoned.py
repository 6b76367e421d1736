"""Runs whose command died: named as abandoned, and what they left running ended, here and on their hosts."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from runner.events import Clock, Event, EventType, Outcome
from runner.execution import private, processes
from runner.execution.order import Order
from runner.execution.supervisor import GRACE, REAP_LIMIT, reap_everywhere, supervising
from runner.record.audit_log import Actor, read
from runner.record.manifest import file_run
from runner.record.run_state import RunState, StateDirectory

_ENDS = frozenset({EventType.RUN_FINISHED, EventType.RUN_REFUSED})
_TURNS = frozenset({EventType.RUN_STARTED, EventType.RUN_RESUMED, *_ENDS})
"""What says whether the command that did a run last had come to its end."""

_PATIENCE = GRACE + REAP_LIMIT + 2.0
"""Seconds in which a supervisor whose command died has done all that it does then."""


def name_abandoned(
    directory: StateDirectory, *, clock: Clock, actor: Actor, environ: Mapping[str, str]
) -> Iterator[RunState]:
    """Each run that calls itself running though its command is dead, once it is recorded as abandoned.

    Raises:
        AuditError: that can not be recorded; the run stays as it was.
    """
    for run in directory.dead():
        try:
            state = run.state
            if state.status != "running":  # another command was faster
                continue
            with directory.open_log(clock=clock, actor=actor) as log:
                told = [record for record in read(log.path, run=state.run) if record.type in _TURNS]
                if told and told[-1].type in _ENDS:  # it was done, and died before it could say so here
                    file_run(run, log, status="finished", outcome=told[-1].data["outcome"], private=())
                    continue
            _end(state, environ)
            event = Event(
                EventType.RUN_ABANDONED, state.run, data={"outcome": Outcome.UNKNOWN, "runbook": state.runbook}
            )
            with directory.open_log(clock=clock, actor=actor) as log:
                log.append(event)
                now = clock().wall.isoformat()
                file_run(run, log, status="abandoned", outcome=Outcome.UNKNOWN, finished=now, private=())
            yield run.state
        finally:
            run.release()


def _end(state: RunState, environ: Mapping[str, str]) -> None:
    """The supervisor does the same when its command dies; this is for when both were killed at once."""
    _await_supervisor(state.run)
    processes.end(lambda: processes.carrying(state.run), grace=processes.SHORT)
    for path in dict.fromkeys((*map(Path, state.private), *private.left(state.run))):
        if path.name.startswith(private.PREFIX) and path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
    if not state.environment:
        return  # it died before it knew a host
    directory = private.make(state.run)
    try:
        (directory / "ansible.cfg").touch()
        order = Order(
            run_id=state.run,
            private=str(directory),
            playbook="",
            inventories=state.inventories,
            limit=state.limit,
            hosts=state.hosts,
            becomes=state.becomes,
        )
        reap_everywhere(order, private.environment(environ, python=sys.executable))
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _await_supervisor(run: str) -> None:
    """Let whoever tears the run down just now come to the end: it would end as well what is done for the run next."""
    deadline = time.monotonic() + _PATIENCE
    while supervising(run) and time.monotonic() < deadline:
        time.sleep(0.02)
    for pid in supervising(run):
        processes.end(lambda pid=pid: filter(processes.is_alive, (pid, *processes.descendants(pid))), grace=0)  # type: ignore[misc]
