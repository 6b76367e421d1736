"""What a run does and where: it exists once the hosts are known and the run was admitted, and does not change."""

from collections.abc import Iterator
from dataclasses import field

from runner.compiler.batches import Batch, batches, portion
from runner.core.deferred import dataclass
from runner.core.errors import ExecutionError, UnreachableError
from runner.executor.host_ledger import Ledger
from runner.executor.target import Target
from runner.model.run_policy import RunPolicy
from runner.model.runbook import Runbook
from runner.model.step import Step
from runner.orchestrator.request import RunRequest
from runner.store.run_state import RunState


@dataclass(frozen=True)
class RunPlan:
    """The run that `request` asks for, on the hosts of `target`.

    `policy` is what the inventory demands of it; `unreachable` are hosts that did not answer before the first step.
    """

    request: RunRequest
    target: Target
    policy: RunPolicy = field(default_factory=RunPolicy)
    unreachable: frozenset[str] = frozenset()

    @property
    def runbook(self) -> Runbook:
        """The runbook."""
        return self.request.source.runbook

    @property
    def names(self) -> tuple[str, ...]:
        """All hosts."""
        return self.target.names

    @property
    def may_fail(self) -> int:
        """How many hosts may fail before the run stops."""
        return portion(self.runbook.max_failures, len(self.names))

    def hosts_of(self, step: Step) -> tuple[str, ...]:
        """The hosts on which `step` is done."""
        return self.target.of(self.runbook, step)

    def batches(self) -> Iterator[Batch]:
        """The procedure, on all hosts or on some after the others."""
        return batches(self.runbook, self.target)

    def expect_in(self, ledger: Ledger) -> None:
        """Have `ledger` expect every step of the procedure on each of its hosts."""
        for step in self.runbook.procedure:
            ledger.expect_step(step, self.hosts_of(step))

    def lost(self, ledger: Ledger) -> list[str]:
        """The hosts on which the run cannot go on, by what `ledger` says."""
        return ledger.lost(step for step in self.runbook.procedure if step.on_failure != "continue")

    def check_same_hosts(self, now: Target) -> None:
        """That the inventory names no other hosts and no other machines `now` than those of the plan.

        Raises:
            ExecutionError: it does.
        """
        if strangers := set(now.reached) - set(self.target.reached):
            raise ExecutionError(f"the inventory names other hosts than at the start: {', '.join(sorted(strangers))}")
        before = self.target.machines
        if moved := [name for name in now.reached if now.machines.get(name) != before.get(name)]:
            was, is_now = before.get(moved[0]), now.machines.get(moved[0])
            raise ExecutionError(
                f"{moved[0]} is another machine than at the start: it was at {was}, and is at {is_now}",
                hint="put the inventory back, or start another run",
            )

    def check_all_hosts(self, now: Target) -> None:
        """That the inventory still has every host of the plan.

        Raises:
            UnreachableError: it does not.
        """
        if gone := [name for name in self.target.reached if name not in now.reached]:
            raise UnreachableError(
                f"the inventory no longer has {', '.join(gone)}, which the run was begun on",
                hint="put it back, or start a new run",
            )


def target_of(state: RunState) -> Target:
    """The hosts of an earlier run, as they were when it began."""
    hosts, delegates = (
        {name: tuple(names) for name, names in each.items()} for each in (state.target, state.delegates)
    )
    return Target(hosts, dict(state.environments), dict(state.machines), delegates=delegates)
