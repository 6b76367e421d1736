"""What a run must pass before its first step: the guards, the locks, and a look at every host."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

from runner.compiler.blast_radius import blast_radius
from runner.compiler.committed_playbook import reviewed
from runner.core.errors import GuardError, UnreachableError
from runner.core.events import Event, EventType
from runner.executor.host_check import HostCheck
from runner.executor.target import CLASSES, Target
from runner.model.step import HandOver
from runner.model.yaml.finding import Level
from runner.orchestrator.gate import unattended
from runner.orchestrator.request import Request
from runner.orchestrator.run_context import Control, NotAtRestError
from runner.orchestrator.start import guards
from runner.orchestrator.start.guards import Case, Ruling
from runner.render.history.proofs import Proof
from runner.render.history.recorded_runs import RecordedRuns
from runner.store.log.envelope import Actor


def admit(control: Control, target: Target, *, at_rest: bool) -> None:
    """Let the run begin against `target`, or refuse it; what was required and given is recorded either way.

    Raises:
        NotAtRestError: a person is to be asked, and something runs; nothing was recorded.
        DeniedError: a guard is not met, or a run that asks nobody has a question for a person.
        LockedError: another run has one of the hosts.
        UnreachableError: more hosts than the runbook allows cannot be worked on.
    """
    if control.request.mode == "auto":
        unattended.check(control.runbook, target)
    if not at_rest and _asks(control, target):
        raise NotAtRestError
    control.recorder.note(EventType.TARGET_RESOLVED, environment=target.environment, hosts=list(target.names))
    if control.request.mode != "dry-run":
        _hold(control, _case(control, target))
    control.locks.take(target)
    look(control, target)


def again(control: Control, *, undo: bool = False) -> None:
    """Let a run be gone on with, or taken back: the environment is named anew, the reason stands.

    To take it back, no policy of the inventory and no host that does not answer stands in the way.

    Raises:
        LockedError, DeniedError, UnreachableError, InvalidInputError: as `admit`.
    """
    control.locks.take(control.know())
    if control.request.mode == "auto" and not undo:
        unattended.check(control.runbook, control.know())
    target = control.survey()
    if gone := [name for name in control.know().names if name not in target.names]:
        raise UnreachableError(
            f"the inventory no longer has {', '.join(gone)}, which the run was begun on",
            hint="put it back, or start a new run",
        )
    _hold(control, _case(control, target), undo=undo)
    look(control, target, refuse=not undo)


def _asks(control: Control, target: Target) -> bool:
    request = control.request
    return target.environment == guards.PRODUCTION and not (request.environment or request.looks)


def _case(control: Control, target: Target) -> Case:
    now, log = control.env.clock().wall, control.recorder.log.path
    return case_for(control.request, target, control.env.actor, now=now, log=log)


def case_for(request: Request, target: Target, actor: Actor, *, now: datetime, log: Path) -> Case:
    """What the guards rule on: `request` against `target` by `actor`; `log` is where proofs are looked for."""
    typed, playbooks = request.environment, _playbooks(request)
    if request.parent and typed in CLASSES and CLASSES.index(target.environment) < CLASSES.index(typed):
        typed = ""  # it was typed for the runbook that handed over; this one is more harmless, so nothing is asked
    return Case(
        runbook=request.source.runbook,
        target=target,
        limit=request.named if request.parent else request.limit,
        reason=request.reason,
        typed=typed,
        break_glass=request.break_glass,
        login=actor.person,
        groups=actor.groups,
        contacts=request.contacts,
        asks_nobody=request.mode == "auto",
        playbooks=playbooks,
        proofs=lambda: _proofs(log, playbooks.values()),
        now=now,
        lint_errors=lambda: _lint_errors(request, target, now.date()),
    )


def _lint_errors(request: Request, target: Target, today: date) -> list[str]:
    from runner.lint.engine import lint  # noqa: PLC0415 - its rules take longer to import than most commands take

    found = lint(request.source, request.contacts, today=today, variables=target.variables)
    return [f"{each.file}:{each.line}: {each.message}" for each in found if each.level is Level.ERROR]


def _playbooks(request: Request) -> Mapping[str, str]:
    """What may run: the playbook itself, and those of the runbooks that may take over."""
    runbook = request.source.runbook
    found = {runbook.id: request.playbook}
    for step in runbook.procedure:
        if isinstance(step.on_failure, HandOver) and request.library:
            source = request.library.source(step.on_failure.run)
            found[source.runbook.id] = reviewed(request.library, source)
    return {name: hashlib.sha256(playbook).hexdigest() for name, playbook in found.items()}


def _proofs(log: Path, playbooks: Iterable[str]) -> Iterable[Proof]:
    """The newest proof of each playbook, by its SHA-256, on the environment where one is asked for."""
    if not log.is_file():
        return ()
    with RecordedRuns.opened(log) as runs:
        found = [runs.newest_proof(playbook, guards.STAGING) for playbook in playbooks]
    return [proof for proof in found if proof]


def _hold(control: Control, case: Case, *, undo: bool = False) -> None:
    """Hold up the run unless every guard is met; in a preflight it is only said which are not."""
    control.approvals.policy = case.target.policy
    rulings = guards.undoing(case) if undo else guards.rules(case)
    case = _typed(control, case, rulings)
    rulings = [*rulings, *guards.environment(case)]
    for ruling in rulings:
        names = ("guard", "required", "given", "verdict", "sentence")
        control.recorder.note(EventType.GUARD_CHECKED, **{name: getattr(ruling, name) for name in names})
    if control.request.looks:
        return
    if refused := [ruling for ruling in rulings if ruling.verdict == "refused"]:
        told = "\n".join(ruling.sentence for ruling in refused)
        flags = {flag: value for ruling in refused for flag, value in ruling.flags.items()}
        raise GuardError(told, hint="\n".join(dict.fromkeys(ruling.hint for ruling in refused)), flags=flags)
    control.request = replace(control.request, environment=case.typed)
    if case.break_glass:
        past = [ruling.sentence for ruling in rulings if ruling.verdict == "overridden"]
        by = control.env.actor.user
        control.recorder.note(EventType.GLASS_BROKEN, reason=case.break_glass, by=by, overrides=past)


def _typed(control: Control, case: Case, rulings: Iterable[Ruling]) -> Case:
    """The case with the environment that somebody has named; they are only asked when every other guard is met."""
    found = list(rulings)
    unasked = case.target.environment == guards.PRODUCTION and not (case.typed or control.request.looks)
    if not unasked or any(ruling.verdict == "refused" for ruling in found):
        return case
    past = [f"BREAKS THE GLASS past {ruling.sentence}" for ruling in found if ruling.verdict == "overridden"]
    lines = [
        f"{control.runbook.id} {control.runbook.title}",
        str(blast_radius(control.runbook, case.target)),
        f"hosts: {', '.join(case.target.names)}",
        *past,
    ]
    return replace(case, typed=control.env.type_environment(case.target.environment, lines))


def look(control: Control, target: Target, *, refuse: bool = True) -> None:
    """Look at every host, and whether a Python runs where a machine works, and record what is found.

    Raises:
        UnreachableError: more hosts than the runbook allows cannot be worked on.
    """
    found = _looked_at(control, target)
    for each in found:
        control.recorder.record(
            Event(EventType.PREFLIGHT_FINISHED, control.request.run_id, None, each.host, _told(each))
        )
    bad = [each for each in found if each.problem]
    control.unreachable = frozenset(each.host for each in bad)
    if refuse and len(bad) > control.allowed(target):
        hints = dict.fromkeys(each.hint for each in bad if each.hint)
        raise UnreachableError("\n".join(each.problem for each in bad), hint="; ".join(hints))


def _looked_at(control: Control, target: Target) -> list[HostCheck]:
    known = [target.connection_facts[name] for name in target.names if name in target.connection_facts]
    become = {facts.host: users for facts in known if (users := _becomes(control, target, facts.host)) is not None}
    environ = control.job.environ
    return control.env.executor.preflight(known, become=become, environ=environ, cancelled=lambda: control.cancelled)


def _told(each: HostCheck) -> Mapping[str, object]:
    data = {"outcome": each.outcome, "passed": list(each.passed), "reason": each.problem or each.left}
    return data | ({"hint": each.hint} if each.hint else {})


def _becomes(control: Control, target: Target, host: str) -> set[str] | None:
    """Whom a step becomes on `host`, where what the inventory says counts more; None where no machine works there."""
    facts = target.connection_facts[host]
    steps = [step for step in (*control.runbook.procedure, *control.runbook.on_cancel) if step.action or step.automated]
    mine = [step for step in steps if host in target.of(control.runbook, step)]
    if not any(step.automated or not step.manual for step in mine):
        return None
    mine = [step for step in mine if not step.manual]
    wanted = [step for step in mine if (step.become or step.become_user) if facts.become is None]
    wanted = mine if facts.become else wanted
    return {facts.become_user or step.become_user or "root" for step in wanted}
