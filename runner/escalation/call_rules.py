"""Decides who is called for what: by the rules of a runbook, what is known of the run so far, and what time it is."""

from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Any, Literal

from runner.core import duration
from runner.core.deferred import dataclass
from runner.core.events import Instant
from runner.model.checks.condition_truth import accepts
from runner.model.escalation_policy import CapturedCondition, Escalation, NoAnswer, Unresolved, VerificationsFailed

StopKind = Literal["stopped", "unreachable", "abandoned", "refused", "no_answer", "denied"]
"""How a run stopped where none of its steps failed; `stopped` is whatever no other word says."""

_FAILURES = frozenset({"stopped", "unreachable", "abandoned", "no_answer"})
"""What counts as a step that failed, where the rules do not say more: the run did not do what it was to do."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Why somebody is called. The same cause has the same `key`, however often it is looked at."""

    key: str
    reason: str


@dataclass(frozen=True, slots=True)
class FailedStep:
    """A step that failed in a way of which somebody must hear, and what was seen, if anything was."""

    id: str
    name: str
    saw: str = ""


@dataclass(frozen=True, slots=True)
class Stop:
    """How a run stopped where no step of it failed, and why; `refused` says that it was not let begin as well."""

    kind: StopKind
    reason: str
    refused: bool = False


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """A question that waits for an answer: the step that it is about, what people call that, and since when."""

    step: str
    since: Instant
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SoFar:
    """What is known of a run, as far as it decides who is called.

    `begun` says that it was let begin and has come to a step. `started` is when its attempt began, None once the run is
    over: then its clocks do not matter any more. `failed` are steps, once the run has stopped, and `unreachable` the
    hosts that were lost; `verifications_failed` is their number so far. `captured` has what each host is known by.
    `unattended` says that nobody is there who reads why it was refused. `called` are the keys of the causes for which
    somebody was called already.
    """

    started: Instant | None = None
    begun: bool = False
    failed: tuple[FailedStep, ...] = ()
    stop: Stop | None = None
    declared: str = ""
    verifications_failed: int = 0
    captured: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    question: OpenQuestion | None = None
    unreachable: tuple[str, ...] = ()
    unattended: bool = False
    called: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class CausesDue:
    """The causes for which somebody is called now, and the seconds until it is to be looked at again, if ever."""

    causes: tuple[Cause, ...]
    next_in: float | None = None


def has_clock(policy: Escalation) -> bool:
    """Whether a rule may call somebody while the run goes on."""
    live = Unresolved | VerificationsFailed | CapturedCondition | NoAnswer
    clocks = any(isinstance(rule, live) for rule in policy.when)
    return clocks or "started" in policy.when or policy.next_after is not None


def decide(policy: Escalation, so_far: SoFar, now: Instant) -> CausesDue:
    """Whom the rules of `policy` call by what is known `so_far`, as it is `now`; the weightiest cause comes first."""
    waits: list[float] = []
    causes = (*_of_end(policy, so_far), *_of_facts(policy, so_far), *_of_clocks(policy, so_far, now, waits))
    new = {cause.key: cause for cause in causes if cause.key not in so_far.called}
    return CausesDue(tuple(new.values()), min(waits, default=None))


def _of_end(policy: Escalation, so_far: SoFar) -> Iterator[Cause]:
    if so_far.declared:
        yield Cause(f"declared:{so_far.declared}", f"declared: {so_far.declared}")
    if "step_failed" in policy.when:
        yield from _failures(so_far)
    elif "unreachable" in policy.when and so_far.unreachable:
        yield Cause("unreachable", f"cannot reach {', '.join(so_far.unreachable)}")
    if (
        so_far.stop
        and not so_far.declared
        and not so_far.failed
        and _calls(policy, so_far.stop, unattended=so_far.unattended)
    ):
        yield Cause(so_far.stop.kind, so_far.stop.reason)


def _failures(so_far: SoFar) -> Iterator[Cause]:
    for step in so_far.failed:
        yield Cause(f"step_failed:{step.id}", ": ".join(filter(None, ["step failed", step.name, step.saw])))


def _calls(policy: Escalation, stop: Stop, *, unattended: bool) -> bool:
    refused = stop.refused or stop.kind == "refused"
    if refused and unattended:
        return True  # whatever the rules say: nobody is there who reads it
    by_word = stop.kind in policy.when or (refused and "refused" in policy.when)
    return by_word or (stop.kind in _FAILURES and "step_failed" in policy.when)


def _of_facts(policy: Escalation, so_far: SoFar) -> Iterator[Cause]:
    if "started" in policy.when and so_far.begun:
        yield Cause("started", "whoever has started this asks for somebody")
    for rule in policy.when:
        if isinstance(rule, VerificationsFailed) and so_far.verifications_failed >= rule.verification_failed:
            yield Cause(f"verification_failed:{rule.verification_failed}", rule.says)
        if isinstance(rule, CapturedCondition):
            hosts = [host for host, values in so_far.captured.items() if holds(rule.that, values)]
            if hosts:
                yield Cause(f"that:{rule.that}", f"{rule.that} on {', '.join(hosts)}")


def _of_clocks(policy: Escalation, so_far: SoFar, now: Instant, waits: list[float]) -> Iterator[Cause]:
    """The clocks that have run down; how long the others still run goes to `waits`."""
    for rule in policy.when:
        if isinstance(rule, Unresolved) and so_far.started:
            since, limit, key = so_far.started, rule.unresolved_for, "unresolved_for"
            reason = f"not resolved after {duration.show(limit)}"
        elif isinstance(rule, NoAnswer) and so_far.question:
            since, limit, key = so_far.question.since, rule.no_answer, f"no_answer:{so_far.question.step}"
            reason = f"nobody has answered for {duration.show(limit)}: {so_far.question.name or so_far.question.step}"
        else:
            continue
        left = limit.total_seconds() - now.since(since)
        if left <= 0:
            yield Cause(f"{key}:{limit.total_seconds():g}", reason)
        else:
            waits.append(left)


def holds(condition: str, values: Mapping[str, Any]) -> bool:
    """Whether `condition` holds of `values`; what a command has printed is a number where it reads like one."""
    return accepts(condition, **values) or accepts(
        condition, **{name: _number(value) for name, value in values.items()}
    )


def _number(value: Any) -> Any:
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value
