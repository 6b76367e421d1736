"""What a run leaves behind: its end in one sentence, how each host stands, and the commands that go on from there."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType

from runner.core.errors import RunbookError
from runner.core.events import EventType, Outcome
from runner.core.step_tags import undo_id
from runner.core.wording import listed
from runner.executor.host_ledger import Entry
from runner.model.step import Effect, Step
from runner.orchestrator.continuation.undo_plan import standing, undo_plan
from runner.orchestrator.run_context import Control
from runner.store.next_command import WayOn
from runner.store.run_state import CANCELLED

_ENDED = {
    Outcome.FAILED: "{step} failed on {hosts}",
    Outcome.UNREACHABLE: "{step} could not reach {hosts}",
    Outcome.UNKNOWN: "{step} was begun on {hosts}, and nobody knows how it ended",
    Outcome.ABORTED: "{step} was not agreed to for {hosts}",
    Outcome.SKIPPED: "{step} was skipped on {hosts}",
}
_ENDED_WELL = {
    Outcome.PASSED: "every verification has passed on every host",
    Outcome.UNDONE: "what was done is undone",
    Outcome.HANDED_OVER: "{successors} took over, and what had failed holds again",
}
_KEYS = {"SIGINT": "Ctrl-C"}


class Standing(StrEnum):
    """How a host stands when a run is over."""

    VERIFIED = "verified"
    UNTOUCHED = "untouched"
    UNDONE = "undone"
    SO_FAR = "changed, and verified as far as it went"
    CHANGED = "changed and not verified"
    UNKNOWN = "unknown"


def happened(control: Control, outcome: Outcome, error: RunbookError | None) -> str:
    """The end of the run in one sentence."""
    if outcome in _ENDED_WELL:
        return _ENDED_WELL[outcome].format(successors=_successors(control))
    if error:
        return first_line(error.message)
    if outcome is Outcome.PARTLY_UNDONE:
        return first_line(str(next(iter(standing(control.runbook, control.ledger)), "not everything is undone")))
    if control.cancelled and control.env.cancellation.requests:
        request = control.env.cancellation.requests[0]
        what = request if request.startswith(CANCELLED) else f"stopped by {_KEYS.get(request, request)}"
        return f"{what}{_at(control)}"
    return _broken(control) or f"ended as {outcome}"


def _successors(control: Control) -> str:
    """The runbooks that took over."""
    events = [event for _, event in control.recorder.history if event.type is EventType.RUN_HANDED_OVER]
    return listed(list(dict.fromkeys(str(event.data["to"]) for event in events)))


def _at(control: Control) -> str:
    open_steps = [step.name for step in _steps(control) if _hosts(control, step.id, {Outcome.UNKNOWN})]
    return f" during {open_steps[-1]}" if open_steps else ""


def _broken(control: Control) -> str:
    """The first step that is not as it must be; of an undo, that step of it."""
    named = [(undo_id(step.id), f"Undo: {step.name}") for step in reversed(control.runbook.steps)]
    named += [(step.id, step.name) for step in _steps(control)]
    for outcomes in (_ENDED.keys() - {Outcome.SKIPPED}, {Outcome.SKIPPED}):  # a skip alone stops no run
        if ends := next(filter(None, (_ends(control, name, title, outcomes) for name, title in named)), ""):
            return ends
    return ""


def _ends(control: Control, name: str, title: str, outcomes: Collection[Outcome]) -> str:
    """How a step ended where it is one of `outcomes`, a part of a sentence for each of them."""
    found = []
    for outcome, words in _ENDED.items():
        if outcome in outcomes and (hosts := _hosts(control, name, {outcome})):
            reason = control.ledger.entries[name, hosts[0]].reason or _answer(control, name)
            why = f": {first_line(reason)}" if reason else ""
            found.append(words.format(step=title, hosts=listed(hosts)) + why)
    return "; ".join(found)


def _answer(control: Control, step: str) -> str:
    """What the last person said who said no about `step`."""
    for _, event in reversed(control.recorder.history):
        if event.type is EventType.GATE_ANSWERED and event.step == step:
            return ": ".join(filter(None, [str(event.data.get("by", "")), str(event.data.get("note") or "")]))
    return ""


def _hosts(control: Control, step: str, outcomes: set[Outcome]) -> list[str]:
    return [host for host in control.ledger.hosts_of(step) if control.ledger.entries[step, host].outcome in outcomes]


def _steps(control: Control) -> Sequence[Step]:
    return (*control.runbook.procedure, *control.runbook.on_cancel)


def standings(control: Control) -> Mapping[str, list[str]]:
    """The hosts of the run by how they stand, the worst first; nothing where nobody knows the hosts."""
    found: dict[str, list[str]] = {standing: [] for standing in reversed(Standing)}
    for host in control.target.names if control.target else ():
        found[_standing(control, host)].append(host)
    return {standing: hosts for standing, hosts in found.items() if hosts}


def _standing(control: Control, host: str) -> Standing:
    entries = [(step, control.ledger.entries.get((step.id, host))) for step in _steps(control)]
    own = [(step, entry) for step, entry in entries if entry is not None]
    made = [entry for step, entry in own if step.effect is not Effect.READ and entry.begun]
    undone = any(control.ledger.is_undone(step.id, host) for step, _ in own)
    if any(_is_doubtful(entry) for entry in made):
        return Standing.UNKNOWN
    if undone:
        return Standing.CHANGED if made else Standing.UNDONE
    if own and all(entry.outcome is Outcome.PASSED for step, entry in own if step not in control.runbook.on_cancel):
        return Standing.VERIFIED
    if made and all(entry.outcome is Outcome.PASSED for entry in made):
        return Standing.SO_FAR
    return Standing.CHANGED if made else Standing.UNTOUCHED


def _is_doubtful(entry: Entry) -> bool:
    settled = entry.acted in {Outcome.PASSED, Outcome.FAILED, Outcome.SKIPPED}
    return not settled and entry.outcome not in {Outcome.PASSED, Outcome.FAILED}


def ways_on(
    control: Control, outcome: Outcome, *, undoing: bool, flags: Mapping[str, str] = MappingProxyType({})
) -> tuple[WayOn, ...]:
    """What can be typed next, with the `flags` for want of which it was refused; nothing after one that only looked."""
    request, run = control.request, control.request.run_id
    if outcome is Outcome.PASSED or request.looks:
        return ()
    more = [word for flag, value in flags.items() if value for word in (flag, value)]
    again = WayOn(("resume", run, *more), f"continues where it stopped{_asks(control)}")
    if control.target is None:
        again = WayOn(_begin(control, flags), "starts again: nothing was done")
    back = WayOn(("undo", run, *more), "undoes what it changed")
    show = WayOn(("show", run), "shows what happened")
    can_undo = bool(undo_plan(control.runbook, control.ledger).takes_back)
    if outcome is Outcome.UNDONE:
        return (show,)
    ways = [*([back] if can_undo else []), again] if undoing else [again, *([back] if can_undo else [])]
    return (*ways, show)


def _asks(control: Control) -> str:
    """What going on needs to be told of the steps that nobody knows the end of, and that are not just repeated."""
    open_steps = [step for step in control.runbook.procedure if _hosts(control, step.id, {Outcome.UNKNOWN})]
    doubtful = [step.id for step in open_steps if not step.repeatable]
    return f"; look first: it may ask for --done or --redo {listed(doubtful)}" if doubtful else ""


def _begin(control: Control, flags: Mapping[str, str]) -> tuple[str, ...]:
    """The command as it was given, with `flags`, of which those without a value are left out.

    Words that may hold a secret of an inventory which could not be read are not repeated.
    """
    request = control.request
    where = [word for path in request.inventories for word in ("-i", str(path))]
    inputs = [word for name, value in request.inputs.items() if value for word in ("-e", f"{name}={value}")]
    limit = ["-l", request.limit] if request.limit else []
    mode = [f"--{request.mode}"] if request.mode != "run" else []
    why = {"--reason": request.reason, "--break-glass": request.break_glass}
    if not control.recorder.knows_inventory:
        why = {flag: value and "WHY" for flag, value in why.items()}
    given = {**why, "--environment": request.environment, **flags}
    rest = [word for flag, value in given.items() if value for word in (flag, value)]
    return ("run", request.source.runbook.id, *where, *limit, *inputs, *mode, *rest)


def partial(control: Control) -> list[str]:
    """A sentence for a run that passed on some of its hosts only."""
    names = control.target.names if control.target else ()
    lost = [name for name in names if name in control.lost]
    passed = [name for name in names if name not in lost and _has_passed(control, name)]
    if not (lost and passed):
        return []
    return [f"partial: passed on {listed(passed, 10)}; failed on {listed(lost, 10)}"]


def _has_passed(control: Control, host: str) -> bool:
    entries = [entry for (_, where), entry in control.ledger.entries.items() if where == host]
    return all(entry.outcome is Outcome.PASSED for entry in entries)


def first_line(text: str) -> str:
    """What of `text` goes into one sentence."""
    return text.strip().partition("\n")[0]
