"""What a run needs from the outside world, as arguments, so that tests and other front ends can give it another one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Protocol

from runner.core.deferred import dataclass
from runner.core.errors import explain
from runner.store.log.audit_log import AuditLog, NoLog
from runner.store.state_directory import RecordContext

if TYPE_CHECKING:
    from runner.approvals.gate_context import GateContext
    from runner.compiler.segments import Gate
    from runner.core.events import Listener
    from runner.executor.job import Cancellation
    from runner.executor.protocol import Executor


@dataclass(frozen=True)
class GateAnswer:
    """A person's answer to a gate: who said it, and with which note.

    `declared` is why somebody is to be called: then the question stands, and is put again. `instead` is what else is to
    happen than the question asked; `chosen` has what was picked for each host. `waited` says that there was time to
    answer, and that nobody did.
    """

    yes: bool
    by: str
    note: str = ""
    declared: str | None = None
    instead: Literal["", "skip", "undo", "redo"] = ""
    chosen: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    waited: bool = False


@dataclass(frozen=True)
class QuestionView:
    """What a question is about: its whole description, and what earlier steps kept of each host, to choose from.

    `until` is when it is too late to say yes, None where there is no such limit. `needs` is who else must say yes, in
    words; `objection` why a yes from here does not count, empty when it does; `settled` says whether there is no need
    to ask any more, as somebody else has answered.
    """

    context: GateContext
    captured: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    until: datetime | None = None
    needs: str = ""
    objection: str = ""
    settled: Callable[[], bool] = lambda: False

    @property
    def hosts(self) -> Sequence[str]:
        """The hosts that it is about."""
        return list(self.context.hosts)


class Operator(Protocol):
    """Whoever answers for the people: a prompt, a flag, a script in a drill."""

    def answer(self, gate: Gate, view: QuestionView) -> GateAnswer | None:
        """The answer to `gate`; None once the question is settled without one."""


@dataclass(frozen=True, kw_only=True)
class Installation(RecordContext):
    """Where runs are recorded and executed, and by whom.

    `executor` executes playbooks. `environ` is the command's environment, of which Ansible sees an allow-listed part;
    `secrets` gives the value behind a reference, `new_run_id` the id of a run that another one hands over to.
    `program` is the path of this product where a shell does not find it as `runbook`.
    """

    environ: Mapping[str, str]
    secrets: Callable[[str], str]
    new_run_id: Callable[[], str]
    executor: Executor
    program: str = ""

    def open_log(self) -> AuditLog:
        """The audit log; where it cannot be opened, one that tells whoever records, so that nothing else fails."""
        try:
            return self.state.open_log(clock=self.clock, actor=self.actor)
        except Exception as error:  # noqa: BLE001 - it is raised again by the first record
            return NoLog(self.state.log_path, explain(error))


@dataclass(frozen=True, kw_only=True)
class RunEnvironment(Installation):
    """An installation, and who answers, stops and watches one run in it.

    `type_environment` is what a person types who is asked for the name of the environment, below these lines; nothing
    where there is nobody.
    """

    operator: Operator
    cancellation: Cancellation
    listeners: Sequence[Listener] = ()
    type_environment: Callable[[str, Sequence[str]], str] = lambda _name, _lines: ""
