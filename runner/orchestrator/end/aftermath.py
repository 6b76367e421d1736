"""What a run leaves behind: its end in one sentence, how each host stands, and the commands that go on from there."""

from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from typing import Any

from runner.core.deferred import dataclass
from runner.core.errors import AuditError, BrokenLogError, GuardError, RunbookError
from runner.core.events import DONE, EventType, Outcome
from runner.core.step_tags import undo_id
from runner.core.wording import first_line, listed
from runner.executor.host_ledger import Ledger
from runner.executor.ledger_entry import LedgerEntry
from runner.model.runbook import Runbook
from runner.model.step import Effect, Step
from runner.orchestrator.continuation.undo_plan import standing, undo_plan
from runner.orchestrator.recorder import Recorder
from runner.orchestrator.request import RunRequest
from runner.orchestrator.run_plan import RunPlan
from runner.render.history.decisions import NOBODY
from runner.store.next_command import NextCommand
from runner.store.run_state import CANCELLED

_ENDED = {
    Outcome.FAILED: "{step} failed on {hosts}",
    Outcome.UNREACHABLE: "{step} could not reach {hosts}",
    Outcome.UNKNOWN: "{step} was begun on {hosts}, and nobody knows how it ended",
    Outcome.ABORTED: "{step} was denied{by} on {hosts}",
    Outcome.SKIPPED: "{step} was skipped{by} on {hosts}",
}
_UNANSWERED = "{step} got no answer on {hosts}"
_ENDED_WELL = {
    Outcome.PASSED: "every verification has passed on every host",
    Outcome.UNDONE: "what was done is undone",
    Outcome.HANDED_OVER: "{successors} took over, and what had failed holds again",
}
_KEYS = {"SIGINT": "Ctrl-C"}


class HostState(StrEnum):
    """How a host stands when a run is over."""

    VERIFIED = "verified"
    UNTOUCHED = "untouched"
    UNDONE = "undone"
    SO_FAR = "changed, and verified as far as it went"
    CHANGED = "changed and not verified"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class EndedRun:
    """How far a run has come: `plan` is None where its hosts never became known.

    `cancellations` are the requests to stop it, and `undone_on` the hosts on which what was done was to be undone.
    """

    request: RunRequest
    plan: RunPlan | None
    recorder: Recorder
    cancellations: Sequence[str]
    undone_on: Collection[str]

    @property
    def runbook(self) -> Runbook:
        """The runbook."""
        return self.request.source.runbook

    @property
    def ledger(self) -> Ledger:
        """What is proven of each step on each host."""
        return self.recorder.ledger

    @property
    def names(self) -> Sequence[str]:
        """All hosts, as far as they are known."""
        return self.plan.names if self.plan else ()


def recorded(happened: str, standing: Mapping[str, Sequence[str]], ways_on: Sequence[NextCommand]) -> dict[str, Any]:
    """What the record of the end says to whoever goes on from there."""
    return {
        "happened": happened,
        "standing": {how: list(hosts) for how, hosts in standing.items()},
        "ways_on": [{"words": list(way.words), "does": way.does} for way in ways_on],
    }


def died(run: EndedRun) -> str:
    """The end of a run whose command died, in one sentence: what had gone wrong before that belongs to it."""
    bad = {Outcome.FAILED, Outcome.UNREACHABLE}
    failed = next(filter(None, (_ends(run, step.id, step.name, bad) for step in _steps(run))), "")
    return f"its command died{_at(run)}, and nobody knows how it ended" + (f"; before that, {failed}" if failed else "")


def happened(run: EndedRun, outcome: Outcome, error: RunbookError | None) -> str:
    """The end of the run in one sentence."""
    if outcome is Outcome.PASSED and is_idle(run):
        return "nothing was needed: the condition of each step says so"
    if outcome in _ENDED_WELL:
        return _ENDED_WELL[outcome].format(successors=_successors(run))
    if error:
        return first_line(error.message)
    if outcome is Outcome.PARTLY_UNDONE:
        return first_line(str(next(iter(standing(run.runbook, run.ledger)), "not everything is undone")))
    if run.cancellations:
        request = run.cancellations[0]
        what = request if request.startswith(CANCELLED) else f"stopped by {_KEYS.get(request, request)}"
        return f"{what}{_at(run)}"
    return _broken(run) or f"ended as {outcome}"


def is_idle(run: EndedRun) -> bool:
    """Whether no step of the runbook was needed on any host."""
    outcomes = [
        run.ledger.entries[step.id, host].outcome for step in run.runbook.steps for host in run.ledger.hosts_of(step.id)
    ]
    return bool(outcomes) and set(outcomes) == {Outcome.NOT_NEEDED}


def is_ended_by(error: RunbookError | None, ledger: Ledger, failed: Sequence[str]) -> bool:
    """Whether it is `error` that ended the run, and not one of its `failed` steps: nobody knows how those ended.

    That nothing can be recorded any more comes before whatever else there is to say.
    """
    outcomes = {ledger.entries[step, host].outcome for step in failed for host in ledger.failed_on(step)}
    return isinstance(error, AuditError) or (error is not None and outcomes == {Outcome.UNKNOWN})


def _successors(run: EndedRun) -> str:
    """The runbooks that took over."""
    records = [record for record in run.recorder.records if record.type == EventType.RUN_HANDED_OVER]
    return listed(list(dict.fromkeys(str(record.data["to"]) for record in records)))


def _at(run: EndedRun) -> str:
    open_steps = [step.name for step in _steps(run) if _hosts(run, step.id, {Outcome.UNKNOWN})]
    return f" during {open_steps[-1]}" if open_steps else ""


def _broken(run: EndedRun) -> str:
    """The first step that is not as it must be, and of its undo as well. Every criterion that is not met."""
    criteria = [step for step in run.runbook.prerequisites if step.criterion]
    if unmet := list(filter(None, (_ends(run, step.id, step.name, _ENDED.keys()) for step in criteria))):
        return "; ".join(unmet)
    undos = [(undo_id(step.id), f"Undo: {step.name}") for step in reversed(run.runbook.steps)]
    named = [(step.id, step.name) for step in _steps(run)]
    for outcomes in (_ENDED.keys() - {Outcome.SKIPPED}, {Outcome.SKIPPED}):  # a skip alone stops no run
        ends = [next(filter(None, (_ends(run, *each, outcomes) for each in part)), "") for part in (named, undos)]
        if any(ends):
            return "; then ".join(filter(None, ends))
    return ""


def _ends(run: EndedRun, name: str, title: str, outcomes: Collection[Outcome]) -> str:
    """How a step ended where it is one of `outcomes`, a part of a sentence for each of them."""
    clauses = []
    for outcome, words in _ENDED.items():
        if outcome in outcomes and (hosts := _hosts(run, name, {outcome})):
            by, note = _answer(run, name)
            reason = run.ledger.entries[name, hosts[0]].reason or note
            why = f": {first_line(reason)}" if reason else ""
            sentence = _UNANSWERED if outcome is Outcome.ABORTED and by == NOBODY else words
            who = f" by {by}" if by and by != NOBODY else ""
            clauses.append(sentence.format(step=title, hosts=listed(hosts), by=who) + why)
    return "; ".join(clauses)


def _answer(run: EndedRun, step: str) -> tuple[str, str]:
    """Who said no about `step` last, and what they said; nobody where it has expired, or there is no terminal."""
    for record in reversed(run.recorder.records):
        if record.type == EventType.GATE_ANSWERED and record.step == step:
            return str(record.data.get("by", "")), str(record.data.get("note") or "")
    return "", ""


def _hosts(run: EndedRun, step: str, outcomes: set[Outcome]) -> list[str]:
    return [host for host in run.ledger.hosts_of(step) if run.ledger.entries[step, host].outcome in outcomes]


def _steps(run: EndedRun) -> Sequence[Step]:
    return (*run.runbook.procedure, *run.runbook.on_cancel)


def standings(run: EndedRun) -> Mapping[str, list[str]]:
    """The hosts of the run by how they stand, the worst first; nothing where nobody knows the hosts."""
    hosts_by_state: dict[str, list[str]] = {standing: [] for standing in reversed(HostState)}
    for host in run.names:
        hosts_by_state[_standing(run, host)].append(host)
    return {standing: hosts for standing, hosts in hosts_by_state.items() if hosts}


def _standing(run: EndedRun, host: str) -> HostState:
    entries = [(step, run.ledger.entries.get((step.id, host))) for step in _steps(run)]
    own = [(step, entry) for step, entry in entries if entry is not None]
    made = [entry for step, entry in own if step.effect is not Effect.READ and entry.begun]
    undone = any(run.ledger.is_undone(step.id, host) for step, _ in own)
    if any(_is_doubtful(entry) for entry in made):
        return HostState.UNKNOWN
    if undone:
        return HostState.CHANGED if made else HostState.UNDONE
    outcomes = {entry.outcome for step, entry in own if step not in run.runbook.on_cancel}
    if Outcome.PASSED in outcomes and outcomes <= DONE:
        return HostState.VERIFIED
    if made and all(entry.outcome is Outcome.PASSED for entry in made):
        return HostState.SO_FAR
    return HostState.CHANGED if made else HostState.UNTOUCHED


def _is_doubtful(entry: LedgerEntry) -> bool:
    settled = entry.acted in {Outcome.PASSED, Outcome.FAILED, Outcome.SKIPPED}
    return not settled and entry.outcome not in {Outcome.PASSED, Outcome.FAILED}


def ways_on(
    run: EndedRun, outcome: Outcome, *, undoing: bool, error: RunbookError | None = None
) -> tuple[NextCommand, ...]:
    """What can be typed next, with the flags for want of which it was refused; nothing after one that only looked."""
    request, name = run.request, run.request.run_id
    flags = error.flags if isinstance(error, GuardError) else {}
    if outcome is Outcome.PASSED or request.looks:
        return ()
    if isinstance(error, BrokenLogError):
        where = NextCommand(("audit", "verify"), "says where the log is broken; until it is whole no command goes on")
        anew = ("--state-dir", "DIR", *run.recorder.command_again(request, flags).words)
        return (where, NextCommand(anew, f"starts at the first step, and records in DIR{request.needs}"))
    more = [word for flag, value in flags.items() if value for word in (flag, value)]
    needs = request.needs
    does = "does again what is undone, and continues" if undoing else "continues where it stopped"
    again = NextCommand(("resume", name, *more), f"{does}{_asks(run)}{needs}")
    if run.plan is None:
        again = run.recorder.command_again(request, flags)
    back = NextCommand(("undo", name, *more), f"undoes what it changed{needs}")
    show = NextCommand(("show", name), "shows what happened")
    can_undo = bool(undo_plan(run.runbook, run.ledger).takes_back)
    if outcome is Outcome.UNDONE:
        return (show,)
    ways = [*([back] if can_undo else []), again] if undoing else [again, *([back] if can_undo else [])]
    return (*ways, show)


def _asks(run: EndedRun) -> str:
    """What going on needs to be told of the steps that nobody knows the end of, and that are not just repeated."""
    doubtful = [name for step in run.runbook.procedure if not step.repeatable for name in _in_doubt(run, step)]
    return f"; look first: it may ask for --done or --redo {listed(doubtful)}" if doubtful else ""


def _in_doubt(run: EndedRun, step: Step) -> Sequence[str]:
    """What is in doubt of `step`, by its name: all of it, some of its items, or steps of the run that does it."""
    hosts = _hosts(run, step.id, {Outcome.UNKNOWN})
    if step.runs:
        return [f"{step.id}/STEP"] if hosts else []
    units = [(name, each) for host in hosts for name, each in run.ledger.units(step.id, host).items()]
    return sorted({name for name, each in units if each.outcome is Outcome.UNKNOWN})


def partial(run: EndedRun) -> list[str]:
    """A sentence for a run that passed on some of its hosts only."""
    names = run.names
    lost = [name for name in names if run.plan and name in run.plan.lost(run.ledger)]
    passed = [name for name in names if name not in lost and _has_passed(run, name)]
    if not (lost and passed):
        return []
    return [f"partial: passed on {listed(passed, 10)}; failed on {listed(lost, 10)}"]


def _has_passed(run: EndedRun, host: str) -> bool:
    entries = [entry for (_, where), entry in run.ledger.entries.items() if where == host]
    return all(entry.outcome in DONE for entry in entries)
