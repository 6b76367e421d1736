"""What one run has for itself alone: the machines of its hosts, and what its runbook names besides."""

from collections.abc import Sequence

from runner.core.events import EventType
from runner.executor.target import Target
from runner.orchestrator.recorder import Recorder
from runner.orchestrator.request import RunRequest
from runner.orchestrator.run_environment import RunEnvironment
from runner.store.locks.holder import Blocked, Holder
from runner.store.locks.host_locks import Held, Locks
from runner.store.run_state import RunDirectory


class RunLocks:
    """The locks of one run, in which whoever waits for them reads the step that it has come to."""

    def __init__(self, request: RunRequest, env: RunEnvironment, recorder: Recorder, directory: RunDirectory) -> None:
        self.request, self.env, self.recorder, self.directory = request, env, recorder, directory
        self._held: Held | None = None
        self._step = ""

    def take(self, target: Target) -> None:
        """Have the machines of `target`, and what the runbook names, unless the run only looks.

        Raises:
            LockedError: another run has one of them.
        """
        if self.request.looks:
            return
        self._held = Locks(self.env.state.path / "locks", clock=self.env.clock).take(
            [*target.locks, *(f"lock:{name}" for name in self.request.source.runbook.locks)],
            self._holder(),
            wait=self.request.wait,
            waiting=self._wait,
            cancelled=lambda: bool(self.env.cancellation.asked()),
        )

    def come_to(self, step: str) -> None:
        """Let whoever waits for the hosts of this run know the step that it has come to."""
        if step != self._step and self._held:
            self._held.update(step=step)
        self._step = step

    def release(self) -> None:
        """Give back what the run had for itself; once, whatever is raised by it."""
        held, self._held = self._held, None
        if held:
            held.release()

    def _holder(self) -> Holder:
        actor, state = self.env.actor, self.directory.state
        return Holder(
            run=state.run,
            runbook=state.runbook,
            user=actor.user,
            host=actor.host,
            pid=actor.pid,
            since=self.env.clock(),
            tree=state.tree,
            step=self._step,
        )

    def _wait(self, for_whom: Sequence[Blocked]) -> None:
        now = self.env.clock()
        self.recorder.note(EventType.LOCK_AWAITED, held=[each.sentence(now) for each in for_whom])
