"""What nobody knows of: what was begun and is not proven, of which a person says what became of it."""

import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from runner.compiler.segments import Gate
from runner.core.deferred import dataclass
from runner.core.errors import DoubtError, InvalidInputError
from runner.core.events import DONE, EventType, Outcome
from runner.core.step_tags import item_of, undo_id
from runner.core.wording import in_one_line
from runner.executor.ledger_entry import LedgerEntry, item_parts
from runner.model.step import Step
from runner.orchestrator.gate.approval_gate import ApprovalGate
from runner.orchestrator.recheck import open_again, parts_again
from runner.orchestrator.stepper import Stepper

_WORD = "a person says that it is done"


class Unit(NamedTuple):
    """What is done by itself: a step on a host, or one of its items there, by the name under which it is recorded."""

    name: str
    host: str
    entry: LedgerEntry

    def __str__(self) -> str:
        item = item_of(self.name)
        return f"{self.host}, item {item[1]} ({in_one_line(self.entry.item)})" if item else self.host


@dataclass(frozen=True, slots=True)
class Doubt:
    """A `unit` of which nobody knows whether it is done, and `why`."""

    unit: Unit
    why: str

    def __str__(self) -> str:
        return f"{self.unit}: {self.why}"


def whole(name: str) -> str:
    """The step of which `name` is, or is an item."""
    item = item_of(name)
    return item[0] if item else name


def units(stepper: Stepper, step: Step) -> list[Unit]:
    """All that is done by itself of `step`, on each host."""
    ledger = stepper.ledger
    return [
        Unit(name, host, entry)
        for host in ledger.hosts_of(step.id)
        for name, entry in ledger.units(step.id, host).items()
    ]


def check_answers(stepper: Stepper, hosts: Mapping[str, Sequence[str]], what: str) -> None:
    """That what is said in advance of steps in doubt names one of those that `hosts` has, each `what`, on its hosts.

    Raises:
        InvalidInputError: it does not.
    """
    answers, runbook = stepper.plan.request.answers, stepper.plan.runbook
    called = {step.id for step in runbook.procedure if step.runs}
    for name, _, host in (each.partition("@") for each in (*answers.done, *answers.redo)):
        if "/" in name and name.partition("/")[0] in called:
            _check_inside(stepper, name, what)  # it is about the run that does this step
            continue
        if whole(name) not in hosts:
            message = f"{runbook.id} has no {what} {whole(name)!r}"
            raise InvalidInputError(message, hint=f"its {what}s are {', '.join(hosts)}")
        if host and host not in (named := hosts[whole(name)]):
            raise InvalidInputError(f"{name} is not done on {host}", hint=f"its hosts are {', '.join(named)}")


def _check_inside(stepper: Stepper, name: str, what: str) -> None:
    """That the last word of `name` is a `what` of the runbook to which the words before it lead, each a step."""
    find, runbook = stepper.plan.request.find, stepper.plan.runbook
    *outer, last = name.split("/")
    for word in outer:
        runs = {step.id: step.runs for step in runbook.procedure}.get(word)
        inner = find(runs.run) if runs else None
        if inner is None:
            raise InvalidInputError(f"{runbook.id} has no step {word!r} that another runbook does")
        runbook = inner
    undone = [undo_id(step.id) for step in runbook.procedure if step.undo]
    names = undone if what == "undo" else [step.id for step in runbook.procedure]
    if whole(last) not in names:
        hint = f"its {what}s are {', '.join(names)}"
        raise InvalidInputError(f"{runbook.id}, which does {'/'.join(outer)}, has no {what} {whole(last)!r}", hint=hint)


def settle_doubts(stepper: Stepper, gate: ApprovalGate, step: Step) -> None:
    """Settle what became of `step` wherever that is in doubt: as it was said in advance, else as a person says.

    Raises:
        DoubtError: nobody says so.
    """
    machines = item_parts(step)
    doubts = [
        Doubt(unit, unit.entry.reason or unknown(unit.entry))
        for unit in units(stepper, step)
        if _is_doubtful(unit.entry, machines)
    ]
    again = []
    try:
        for unit, is_done in decisions(stepper, gate, Gate(step, "unknown", step.name), doubts):
            if is_done:
                _settle_as_done(stepper, unit, machines)
            else:
                again.append(unit)
    finally:  # what somebody has said by now holds, whatever else nobody says
        _open_from(stepper, step, again)


def _is_doubtful(entry: LedgerEntry, of_machines: Collection[str]) -> bool:
    return entry.outcome not in {None, *DONE} or (entry.intended and bool(entry.missing & set(of_machines)))


def unknown(entry: LedgerEntry) -> str:
    """Why what was begun is in doubt."""
    if entry.outdated:
        return "it was done in an older form than the one that is written now"
    return "it was done, and is not verified" if entry.acted is Outcome.PASSED else "nobody knows whether it was done"


def decisions(
    stepper: Stepper, gate: ApprovalGate, about: Gate, doubts: Sequence[Doubt]
) -> Iterator[tuple[Unit, bool]]:
    """Of each unit in doubt whether it is done; what is not is to be done again, never without a word of somebody.

    What was said in advance comes first; then a person is asked `about` one unit after the other.

    Raises:
        DoubtError: nobody says so; all that is in doubt by then is told.
    """
    answers = stepper.plan.request.answers
    waiting = []
    for doubt in doubts:
        name, host, _ = doubt.unit
        if decision := answers.of({name, whole(name)}, host):
            yield doubt.unit, decision == "done"
        else:
            waiting.append(doubt)
    for number, doubt in enumerate(waiting):
        left = waiting[number:]
        flags = _flags(answers.within, left[:1], doubts)
        text = f"{about.text}: {doubt}"
        answer = gate.ask(Gate(about.step, "unknown", text, flags=flags), [doubt.unit.host])
        if not (answer.yes or answer.instead == "redo"):
            hosts = ", ".join(dict.fromkeys(each.unit.host for each in left))
            raise DoubtError(
                f"{whole(doubt.unit.name)} is in doubt on {hosts} ({'; '.join(map(str, left))})",
                hint=f"look, then say {_flags(answers.within, left, doubts)}",
            )
        yield doubt.unit, answer.instead != "redo"


def _flags(within: str, doubts: Sequence[Doubt], every: Sequence[Doubt]) -> str:
    """What is typed to answer `doubts`, which are some of `every` one there is about a step."""
    several = len({doubt.unit.host for doubt in every}) > 1
    names = [
        shlex.quote(f"{within}{name}{f'@{host}' if several else ''}")
        for name, host, _ in (doubt.unit for doubt in doubts)
    ]
    done, redo = (" ".join(f"--{flag} {name}" for name in names) for flag in ("done", "redo"))
    return f"{done} or {redo}" if len(names) == 1 else f"{done}, with --redo for what is to be done again"


def _open_from(stepper: Stepper, step: Step, units: Sequence[Unit]) -> None:
    """Let `units` of `step` be done again, with all that comes after them."""
    for name, host, _ in units:
        open_again(stepper, name, [host], parts_again(stepper, step, name, host), redo=True)
    later = stepper.plan.runbook.procedure[stepper.plan.runbook.procedure.index(step) + 1 :]
    concerned = {unit.host for unit in units}
    for each in later:
        for host in (host for host in stepper.ledger.hosts_of(each.id) if host in concerned):
            open_again(stepper, each.id, [host], parts_again(stepper, each, each.id, host), redo=True)


def _settle_as_done(stepper: Stepper, unit: Unit, machines: Collection[str]) -> None:
    name, host, entry = unit
    missing = sorted(entry.missing & set(machines))
    open_again(stepper, name, [host], entry.missing, redo=False)
    for part in missing:
        settle(stepper, name, host, part, _WORD)


def settle(stepper: Stepper, name: str, host: str, part: str, why: str) -> None:
    """Record that the `part` of what is recorded as `name` is done on `host`, which is known by `why`."""
    data = {"part": part, "outcome": Outcome.PASSED, "reason": why}
    stepper.recorder.record_of(EventType.STEP_SETTLED, name, host, data)


def answered_before(stepper: Stepper) -> set[tuple[str, str]]:
    """What a person has said to be done when the run was last to be gone on with, and was not: that still holds."""
    still, now = set[tuple[str, str]](), set[tuple[str, str]]()
    for record in stepper.recorder.records:
        if record.type == EventType.STEP_SETTLED and record.data.get("reason") == _WORD:
            now.add((record.step or "", record.host or ""))
        elif record.type == EventType.RUN_REFUSED:
            still |= now
        elif record.type == EventType.RUN_FINISHED:
            still, now = set(), set()
    return still


def settle_by_looks(stepper: Stepper, step: Step) -> None:
    """Let an interrupted step be done where all that a machine verifies of it holds, and looks for itself.

    Not so one of several tasks: whatever holds, those that were not come to are not done.
    """
    looks = {f"verify/{number}" for number, _ in step.repeated}
    several = step.action is not None and not step.action.gives_result
    if several or not looks or looks != item_parts(step) - {"action"}:
        return
    for name, host, entry in units(stepper, step):
        interrupted = entry.outcome is None and entry.intended and not entry.outdated
        if interrupted and entry.missing & item_parts(step) == {"action"}:
            settle(stepper, name, host, "action", "its verifications hold")
