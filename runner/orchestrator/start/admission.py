"""What must hold before the first step of a run: every guard is met, and every host can be worked on."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

from runner.compiler.batches import portion
from runner.compiler.blast_radius import blast_radius
from runner.compiler.committed_playbook import reviewed
from runner.core.errors import ClosedError, GuardError, UnreachableError
from runner.core.events import Event, EventType
from runner.core.identifiers import PRODUCTION, STAGING
from runner.escalation.contract_check import call_problems
from runner.executor.host_check import HostCheck
from runner.executor.target import CLASSES, Target
from runner.library.calendars import Calendars
from runner.library.last_tested import Proof
from runner.model.run_policy import RunPolicy
from runner.model.runbook import Runbook
from runner.model.yaml.finding import Level
from runner.orchestrator.recorder import Recorder
from runner.orchestrator.request import RunRequest
from runner.orchestrator.run_environment import Installation, RunEnvironment
from runner.orchestrator.start import guards
from runner.orchestrator.start.guards import Case, Ruling
from runner.render.history.recorded_runs import RecordedRuns


def asks_person(request: RunRequest, target: Target) -> bool:
    """Whether a person is to be asked for the name of the environment before a run against `target` may begin."""
    return target.environment == PRODUCTION and not (request.environment or request.looks)


def check_guards(
    request: RunRequest, target: Target, env: RunEnvironment, recorder: Recorder, *, undo: bool = False
) -> tuple[RunRequest, RunPolicy]:
    """Stop the run unless every guard is met, and record each ruling; a preflight only records them.

    For an undo, no policy of the inventory stands in the way.

    Returns:
        The request with the environment that was named for it, and what the inventory demands.

    Raises:
        GuardError: a guard is not met.
    """
    policy = target.policy
    case = case_for(request, target, env, now=env.clock().wall, log=recorder.log.path)
    rulings = guards.undoing(case) if undo else guards.rules(case)
    if asks_person(replace(request, environment=case.typed), target):
        case = _with_typed_environment(request, case, rulings, env)
    rulings = [*rulings, *guards.environment(case)]
    for ruling in rulings:
        names = ("guard", "required", "given", "verdict", "sentence")
        recorder.note(EventType.GUARD_CHECKED, **{name: getattr(ruling, name) for name in names})
    if request.looks:
        return request, policy
    if refused := [ruling for ruling in rulings if ruling.verdict == "refused"]:
        message = "\n".join(ruling.sentence for ruling in refused)
        flags = {flag: value for ruling in refused for flag, value in ruling.flags.items()}
        kind = ClosedError if {ruling.guard for ruling in refused} == {"calendar"} else GuardError
        raise kind(message, hint="\n".join(dict.fromkeys(ruling.hint for ruling in refused)), flags=flags)
    if case.break_glass:
        overridden = [ruling.sentence for ruling in rulings if ruling.verdict == "overridden"]
        recorder.note(EventType.GLASS_BROKEN, reason=case.break_glass, by=env.actor.user, overrides=overridden)
    return replace(request, environment=case.typed), policy


def _with_typed_environment(request: RunRequest, case: Case, rulings: Sequence[Ruling], env: RunEnvironment) -> Case:
    """The case with the environment that somebody names; they are only asked when every other guard is met."""
    if any(ruling.verdict == "refused" for ruling in rulings):
        return case
    runbook, target = case.runbook, case.target
    lines = [
        f"{runbook.id} {runbook.title}",
        str(blast_radius(runbook, target, find=request.find)),
        f"hosts: {', '.join(target.names)}",
        *(f"BREAKS THE GLASS past {ruling.sentence}" for ruling in rulings if ruling.verdict == "overridden"),
    ]
    return replace(case, typed=env.type_environment(target.environment, lines))


def case_for(request: RunRequest, target: Target, env: Installation, *, now: datetime, log: Path) -> Case:
    """What the guards rule on: `request` against `target`; `log` is where proofs are looked for."""
    typed, playbooks = request.environment, _playbooks(request)
    if request.parent and typed in CLASSES and CLASSES.index(target.environment) < CLASSES.index(typed):
        typed = ""  # it was typed for the runbook that handed over; this one is more harmless, so nothing is asked
    runbook = request.source.runbook
    return Case(
        runbook=runbook,
        target=target,
        limit=request.named if request.parent else request.limit,
        reason=request.reason,
        typed=typed,
        break_glass=request.break_glass,
        login=env.actor.person,
        groups=env.actor.groups,
        contacts=request.contacts,
        asks_nobody=request.mode == "auto",
        playbooks=playbooks,
        proofs=lambda: _proofs(log, playbooks.values()),
        now=now,
        lint_errors=lambda: _lint_errors(request, target, now.date()),
        call_problems=lambda: _call_problems(request, env, now),
        closed=lambda: Calendars(request.source.path.with_name("calendars.yml")).by_hand(now),
        approved=request.approved,
    )


def _call_problems(request: RunRequest, env: Installation, now: datetime) -> Sequence[str]:
    """Why nobody could be called for the run; nothing where nobody is to be."""
    runbook, contacts = request.source.runbook, request.contacts
    return () if request.tells_nobody else call_problems(runbook, contacts, env.secrets, now=now)


_CERTAIN = frozenset({"wrong-module-argument"})
"""Rules about what Ansible refuses for sure once it comes to the step, when those before it are done."""


def look_ahead(request: RunRequest, today: date) -> None:
    """Look at the runbook as a guard does again as soon as the hosts are known, which takes a third of the time then.

    The rules have been imported by then, and have compiled what they look for.
    """
    from runner.lint.engine import lint  # noqa: PLC0415 - it takes longer to import than most commands take

    lint(request.source, request.contacts, today=today)


def _lint_errors(request: RunRequest, target: Target, today: date) -> Mapping[str, bool]:
    from runner.lint.engine import lint  # noqa: PLC0415 - as above

    findings = lint(request.source, request.contacts, today=today, variables=target.variables, vaulted=target.vaulted)
    errors = [each for each in findings if each.level is Level.ERROR]
    # No run does anything of the drill, which may name what only the inventory of a rehearsal sets.
    own = [each for each in errors if not each.path.startswith("drill")]
    return {f"{each.file}:{each.line}: {each.message}": each.rule in _CERTAIN for each in own}


def _playbooks(request: RunRequest) -> Mapping[str, str]:
    """What may run: the playbook itself, and those of the runbooks that may take over."""
    runbook = request.source.runbook
    playbooks = {runbook.id: request.playbook}
    for step in runbook.procedure:
        for other in step.others.values():
            if request.library:
                source = request.library.source(other.run)
                playbooks[source.runbook.id] = reviewed(request.library, source)
    return {name: hashlib.sha256(playbook).hexdigest() for name, playbook in playbooks.items()}


def _proofs(log: Path, playbooks: Iterable[str]) -> Iterable[Proof]:
    """The newest proof of each playbook, by its SHA-256, on the environment where one is asked for."""
    if not log.is_file():
        return ()
    with RecordedRuns.opened(log) as runs:
        newest = [runs.newest_proof(playbook, STAGING) for playbook in playbooks]
    return [proof for proof in newest if proof]


def check_reachable(
    request: RunRequest, target: Target, env: RunEnvironment, recorder: Recorder, *, refuse: bool = True
) -> frozenset[str]:
    """Check every host on which a machine works, and record it; the hosts that are not well.

    Raises:
        UnreachableError: more hosts than the runbook allows cannot be worked on, or one on which something is done for
            the others, and that is to `refuse` the run.
    """
    runbook = request.source.runbook
    become = {host: users for host in target.connection_facts if (users := _becomes(runbook, target, host)) is not None}
    connections = [target.connection_facts[name] for name in target.reached if name in become]
    cancelled = lambda: bool(env.cancellation.asked())  # noqa: E731
    checks = env.executor.preflight(connections, become=become, environ=env.environ, cancelled=cancelled)
    for each in checks:
        recorder.record(Event(EventType.PREFLIGHT_FINISHED, request.run_id, None, each.host, _as_data(each)))
    bad = [each for each in checks if each.problem]
    for_all = any(each.host in hosts for each in bad for hosts in target.delegates.values())
    if refuse and (for_all or len(bad) > portion(runbook.max_failures, len(target.names))):
        hints = dict.fromkeys(each.hint for each in bad if each.hint)
        raise UnreachableError("\n".join(each.problem for each in bad), hint="; ".join(hints))
    return frozenset(each.host for each in bad)


def _as_data(each: HostCheck) -> Mapping[str, object]:
    data = {"outcome": each.outcome, "passed": list(each.passed), "reason": each.problem or each.left}
    return data | ({"hint": each.hint} if each.hint else {})


def _becomes(runbook: Runbook, target: Target, host: str) -> set[str] | None:
    """Whom a step becomes on `host`, where what the inventory says counts more; None where no machine works there."""
    facts = target.connection_facts[host]
    steps = [step for step in (*runbook.procedure, *runbook.on_cancel) if step.action or step.automated]
    mine = [step for step in steps if host in target.worked_on(runbook, step)]
    looks = any(host in target.looks_for(step) for step in steps)
    if not looks and not any(step.automated or not step.manual for step in mine):
        return None
    mine = [step for step in mine if not step.manual]
    if facts.become is False:
        return set()
    anyway = {"root"} if facts.become else set[str]()
    return {facts.become_user or user for step in mine for user in step.users or anyway}
