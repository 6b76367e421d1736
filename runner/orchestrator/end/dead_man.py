"""How people are called for a run whose command died: by a later command, which a critical run leaves word for."""

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import get_args

from runner.core.errors import AuditError, RunbookError
from runner.core.events import Event, EventType
from runner.escalation.call_rules import SoFar, decide
from runner.escalation.outbox import written
from runner.escalation.policy import is_critical
from runner.executor.target import Target
from runner.library.library import Library
from runner.orchestrator.end.paging import Pager
from runner.orchestrator.end.stop_reasons import refusal
from runner.orchestrator.recorder import Recorder
from runner.orchestrator.request import Call, Mode, RunRequest
from runner.orchestrator.run_environment import Installation
from runner.orchestrator.run_plan import target_of
from runner.store.lease import Lease
from runner.store.log import record_data
from runner.store.log.envelope import Record
from runner.store.log.log_reader import read
from runner.store.run_state import RunState


class RunLease:
    """The lease of one run; only one of severity P0, P1 or critical that does something has any.

    A lease that cannot be written keeps no repair from going on: on a full disk the run ends by itself, and calls.
    """

    def __init__(self, request: RunRequest, env: Installation, pager: Pager) -> None:
        self._run, self._env, self._pager = request.run_id, env, pager
        self._leases = env.state.leases
        self._wanted = is_critical(request.source.runbook) and not (request.tells_nobody or request.drill)
        self._known: tuple[str, bool] | None = None

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """While the block lasts whoever looks sees that the run is alive."""
        self.update()
        self._wanted = self._known is not None
        if not self._wanted:
            yield
            return
        with self._leases.renewed(self._run, self._env.clock):
            yield

    def update(self) -> None:
        """Write down what the run knows by now, if that is more than before: that it has begun, or its hosts."""
        known = self._pager.incident, self._pager.has_record
        if not self._wanted or self._known == known:
            return
        calls = [written(each) for each in self._pager.calls_if_dead()]
        with contextlib.suppress(AuditError, OSError):
            self._leases.write(Lease.ours(self._run, self._env.clock(), calls))
            self._known = known


def call_for(
    state: RunState, installation: Installation, *, unrecorded: RunbookError | None = None, end: Event | None = None
) -> Sequence[Call]:
    """Call whom the runbook of an abandoned run wants to be called; who was, and whether it arrived.

    `unrecorded` is why it cannot be recorded, which stands in the page, and `end` how it has ended then.

    Raises:
        RunbookError: the runbook or its contacts cannot be read any more.
    """
    if state.looks or state.called or state.drill:
        return ()
    with pager_of(state, installation) as pager:
        pager.unrecorded += [unrecorded] if unrecorded else []
        pager.died(end)
        return pager.calls


def call_for_refused(request: RunRequest, installation: Installation, error: RunbookError) -> Sequence[Call]:
    """Call whom the runbook of a run names that could not even begin, if it wants that; who was, and what came of it.

    For an unattended run somebody is called whatever it wants.
    """
    stop = refusal("could not begin", error, request)
    so_far = SoFar(stop=stop, unattended=request.mode == "auto")
    if not decide(request.source.runbook.escalation, so_far, installation.clock()).causes:
        return ()
    with installation.open_log() as log:
        directory = installation.state.directory(request.run_id)
        recorder = Recorder(request.run_id, log, directory, installation.clock, redaction=request.redaction())
        pager = Pager(request, installation, recorder)
        pager.unrecorded += [error] if isinstance(error, AuditError) else []
        pager.stopped([], None, stop)
        return pager.calls


def call_for_refused_attempt(state: RunState, installation: Installation, error: RunbookError) -> Sequence[Call]:
    """The same where it was begun before, and could not be gone on with, or taken back.

    Raises:
        RunbookError: the runbook or its contacts cannot be read any more.
    """
    if state.called or state.drill:
        return ()
    with pager_of(state, installation) as pager:
        pager.unrecorded += [error] if isinstance(error, AuditError) else []
        pager.stopped([], None, refusal("could not continue", error, request_of(state)))
        return pager.calls


@contextlib.contextmanager
def pager_of(state: RunState, installation: Installation) -> Iterator[Pager]:
    """The escalation of a run that another command does or has done, by its runbook and contacts as they are now.

    Raises:
        RunbookError: the runbook or its contacts cannot be read any more.
    """
    request = request_of(state)
    with installation.open_log() as log:
        recorder = Recorder(state.run, log, installation.state.run(state.run), installation.clock)
        pager = Pager(request, installation, recorder)
        try:
            recorder.records += read(log.path, run=state.run)
        except RunbookError as error:
            pager.unrecorded.append(error)
        recorder.captured.update({host: dict(values) for host, values in state.captured.items()})
        recorder.knows_inventory = True  # what the state keeps of a reason, the run has masked
        pager.target = target_of(state) if state.target else _resolved(recorder.records)
        pager.silence = installation.state.leases.silence(state.run, installation.clock())
        yield pager


def _resolved(records: Iterable[Record]) -> Target | None:
    """The hosts that a run knew which was refused before it began on them, by its records; None where it knew none."""
    resolved = [record.data for record in records if record.type == EventType.TARGET_RESOLVED]
    hosts = tuple(map(str, record_data.items(resolved[-1], "hosts"))) if resolved else ()
    environment = record_data.text(resolved[-1], "environment") if resolved else ""
    return Target({"all": hosts}, dict.fromkeys(hosts, environment)) if hosts else None


def request_of(state: RunState) -> RunRequest:
    """What was asked of a run, by its runbook and contacts as they are now.

    Raises:
        RunbookError: they cannot be read any more.
    """
    path = Path(state.path)
    library = Library(path.parent.parent)
    source = library.source(str(path))
    modes: Mapping[str, Mode] = {mode: mode for mode in get_args(Mode)}
    return RunRequest(
        run_id=state.run,
        source=source,
        playbook=b"",
        contacts=library.contacts(source),
        inventories=[Path(each) for each in state.inventories],
        limit=state.limit,
        inputs=state.inputs,
        mode=modes.get(state.mode, "run"),
        reason=state.reason,
        break_glass=state.break_glass,
        called=state.called,
    )
