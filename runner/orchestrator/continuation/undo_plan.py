"""What an undo takes back, newest first and on which hosts; and which changes stay, and why."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, field
from typing import Any

from runner.compiler.batches import turns
from runner.core.deferred import dataclass
from runner.core.errors import ExitCode
from runner.core.events import EventType, Instant, Outcome
from runner.core.step_tags import step_tag, undo_id
from runner.core.wording import in_one_line
from runner.executor.host_ledger import Ledger
from runner.model.runbook import Runbook
from runner.model.step import Effect, Step
from runner.orchestrator.due_items import undone_in_order
from runner.orchestrator.request import Result
from runner.orchestrator.run_environment import Installation
from runner.orchestrator.stepper import Stepper
from runner.store.owed_undos import OwedUndo, OwedUndos
from runner.store.state_directory import StateDirectory


@dataclass(frozen=True, slots=True)
class Reversal:
    """A step that is taken back on `hosts`; `does` is its undo as it is written.

    With `each` it is done for every item that was begun; `items` has them for each host, newest first.
    """

    step: str
    name: str
    does: str
    hosts: tuple[str, ...]
    items: Mapping[str, Sequence[Any]] = field(default_factory=dict)

    def name_on(self, host: str) -> str:
        """What is taken back on `host`: the step, with the items for which it was done."""
        return f"{self.name} ({in_one_line(list(self.items[host]))})" if host in self.items else self.name


@dataclass(frozen=True, slots=True)
class RemainingChange:
    """A step whose change stays on `hosts`, and why."""

    step: str
    name: str
    hosts: tuple[str, ...]
    why: str

    def __str__(self) -> str:
        return f"{self.name} is not undone on {', '.join(self.hosts)}: {self.why}"


@dataclass(frozen=True, slots=True)
class UndoPlan:
    """What an undo does, newest first. It is empty where nothing was changed, or all of it was taken back before."""

    takes_back: tuple[Reversal, ...]
    stays: tuple[RemainingChange, ...]

    def __bool__(self) -> bool:
        return bool(self.takes_back or self.stays)

    def data(self) -> dict[str, Any]:
        """The plan as JSON."""
        return asdict(self)


def undo_plan(runbook: Runbook, ledger: Ledger, hosts: Collection[str] | None = None) -> UndoPlan:
    """What an undo of `runbook` would do by `ledger`, on all hosts or on those of `hosts`."""
    begun = list(_begun(runbook, ledger, hosts))
    back = [
        Reversal(step.id, step.name, does, on, _begun_items(ledger, step, on))
        for step, on in begun
        if (does := _undoes(step))
    ]
    stays = [change for step, on in begun if not _undoes(step) for change in _remaining(ledger, step, on)]
    return UndoPlan(tuple(back), tuple(stays))


def _begun_items(ledger: Ledger, step: Step, hosts: Iterable[str]) -> dict[str, tuple[Any, ...]]:
    """The items of `step` that were begun on each host and stand, newest first; nothing where it has no `each`."""
    begun = {host: [item for item in ledger.items(step.id, host).values() if item.begun] for host in hosts}
    return {host: tuple(each.item for each in reversed(items)) for host, items in begun.items() if items}


def _remaining(ledger: Ledger, step: Step, hosts: tuple[str, ...]) -> Iterator[RemainingChange]:
    """The change of a step; where it was made for items, those of each host by themselves."""
    items = _begun_items(ledger, step, hosts)
    for host, begun in items.items():
        yield RemainingChange(step.id, f"{step.name} ({in_one_line(list(begun))})", (host,), _why(step))
    if rest := tuple(host for host in hosts if host not in items):
        yield RemainingChange(step.id, step.name, rest, _why(step))


def standing(runbook: Runbook, ledger: Ledger, hosts: Collection[str] | None = None) -> Sequence[RemainingChange]:
    """The changes that stand when an undo has come to its end, newest first."""
    plan = undo_plan(runbook, ledger, hosts)
    owed = [
        RemainingChange(item.step, item.name_on(host), (host,), _not_proven(ledger, item.step, host))
        for item in plan.takes_back
        for host in item.hosts
    ]
    return (*owed, *plan.stays)


def _begun(runbook: Runbook, ledger: Ledger, hosts: Collection[str] | None) -> Iterator[tuple[Step, tuple[str, ...]]]:
    """The steps that have changed something, newest first, each with the hosts on which that stands."""
    for step in reversed(runbook.procedure):
        on = tuple(host for host in ledger.begun_on(step.id) if hosts is None or host in hosts)
        if on and (step.undo or step.effect is not Effect.READ):
            yield step, on


def _undoes(step: Step) -> str:
    """How the step is taken back, in one line; empty where it is not."""
    if step.runs and step.reversible is not False:
        return f"undo what the run of {step.runs.run} has done"
    return step.undo.action.describe() if step.undo else ""


def _why(step: Step) -> str:
    if step.reversible is False:
        return "nothing undoes it (`reversible: no`)"
    return "it was done by hand" if step.manual else "it has no `undo:`"


def _not_proven(ledger: Ledger, step: str, host: str) -> str:
    entry = ledger.entries.get((undo_id(step), host))
    if entry is None or entry.outcome is None:
        return "its undo was not done"
    ended = "failed" if entry.outcome is Outcome.FAILED else f"ended as {entry.outcome}"
    return f"its undo {ended}" + (f" ({entry.reason})" if entry.reason else "")


def nothing_to_undo(recorded: StateDirectory, run: str, plan: UndoPlan) -> Result:
    """The result where `plan` undoes nothing: the `run` keeps its outcome, and owes nothing."""
    directory, log = recorded.run(run), recorded.log_path
    state = directory.state
    for debt in recorded.owed_undos.of({host for hosts in state.target.values() for host in hosts}):
        if debt.run == run:  # its command died after the last proof
            recorded.owed_undos.remove(debt.host, debt.runbook, debt.step)
    why = "it only looked" if state.looks else "it has changed nothing that is not undone"
    why = "nothing undoes what it has changed" if plan.stays else why
    return Result(
        state.run,
        Outcome(state.outcome or Outcome.UNKNOWN),
        ExitCode.PARTLY_UNDONE if plan.stays else ExitCode.DONE,
        directory.path / "report.html",
        log,
        tuple(map(str, plan.stays)),
        hint=f"nothing to undo in the run {state.run} of {state.runbook}: {why}",
    )


def undo(
    stepper: Stepper,
    installation: Installation,
    hosts: Collection[str] | None = None,
    *,
    by_run: Callable[[Step, Sequence[str]], None],
) -> None:
    """Take back every step that was begun, on all hosts or on those in `hosts`, and prove that it is.

    What stays, as nothing undoes it, is recorded first. A run by batches goes back by batches, the last one first: no
    more hosts are taken out of service at a time than on the way there. `by_run` takes
    a step back that another runbook has done.

    Raises:
        RunbookError: as `Stepper.execute`; what was not undone by then is owed as well.
    """
    owed = installation.state.owed_undos
    plan = undo_plan(stepper.plan.runbook, stepper.ledger, hosts)
    stepper.recorder.note(EventType.UNDO_PLANNED, **plan.data())
    for debt in owed.of(stepper.plan.names):  # whoever died after a proof has left what is paid by now
        if debt.run == stepper.plan.request.run_id and stepper.ledger.is_undone(debt.step, debt.host):
            owed.remove(debt.host, debt.runbook, debt.step)
    for batch in reversed([*stepper.plan.batches()]):
        steps = {step.id: step for step in batch.steps if _undoes(step)}
        for item in plan.takes_back:
            on = [host for host in item.hosts if host in batch.hosts]
            if on and item.step in steps:
                step = steps[item.step]
                stepper.ledger.expect_undo(step, step.undo, on)
                if step.runs:
                    by_run(step, on)
                else:
                    _take_back(stepper, owed, step, on, installation)


def _take_back(stepper: Stepper, owed: OwedUndos, step: Step, hosts: Sequence[str], installation: Installation) -> None:
    """Undo one step on `hosts`."""
    name, runbook = undo_id(step.id), stepper.plan.runbook.id
    for host in hosts:  # until it is proven, it is owed: also when this very process dies
        _owe(stepper, owed, step.id, host, installation.clock())
    for turn in undone_in_order(stepper.ledger, step, turns(step, hosts)):
        stepper.execute([step_tag(name)], turn)
    for host in hosts:
        if stepper.ledger.entries[name, host].outcome is Outcome.PASSED:
            owed.remove(host, runbook, step.id)
            stepper.recorder.record_of(EventType.DEBT_PAID, step.id, host, {"runbook": runbook})


def _owe(stepper: Stepper, owed: OwedUndos, step: str, host: str, now: Instant) -> None:
    since = now.wall.isoformat(timespec="seconds")
    owed.add(OwedUndo(host, stepper.plan.runbook.id, step, stepper.plan.request.run_id, since))
    stepper.recorder.record_of(EventType.DEBT_MADE, step, host, {"runbook": stepper.plan.runbook.id})
