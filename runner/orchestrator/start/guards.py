"""The guards of a run, as pure rulings: what is required of it, what was given, and whether that will do."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from datetime import datetime, timedelta
from typing import Literal

from runner.compiler.segments import before
from runner.core import duration
from runner.core.deferred import dataclass
from runner.core.identifiers import PRODUCTION, STAGING
from runner.core.wording import counted, listed
from runner.executor.target import Target
from runner.library.last_tested import Proof
from runner.model.contacts import Contact
from runner.model.run_policy import SCHEDULE, RunPolicy, is_one_of, people
from runner.model.runbook import Runbook
from runner.model.step import Effect, Step

Guard = Literal[
    "calendar", "calls", "environment", "lint", "reason", "max_hosts", "protected", "proof", "four_eyes", "may_run"
]
Verdict = Literal["met", "warned", "refused", "overridden"]

_NOTHING, _FEW = "nothing", 3


@dataclass(frozen=True, slots=True)
class Ruling:
    """What one guard requires, what was given, and what follows: `sentence` tells both, `hint` how it can be met.

    `flags` are those with which the same command meets it, each with its value; one without a value is left out.
    """

    guard: Guard
    required: str
    given: str
    verdict: Verdict
    sentence: str
    hint: str = ""
    flags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Case:
    """A run that is to begin, and what was given for it.

    `typed` is the environment that somebody has named, `login` who that is and `groups` the groups of the system
    that they are in. `asks_nobody` says whether a machine says yes where a person would be asked, `playbooks` the
    SHA-256 of what will run, for each runbook that may. `proofs` is only asked where a proof is required.
    `lint_errors` are the errors of lint in the runbook, and whether the run would fail half done by each;
    `call_problems` says why somebody whom the runbook names could not be called, `closed` which calendar lets
    nobody change anything now, and why one cannot be asked. `approved` is who has approved that it asks nobody.
    """

    runbook: Runbook
    target: Target
    limit: str | None
    reason: str
    typed: str
    break_glass: str
    login: str
    groups: tuple[str, ...]
    contacts: Mapping[str, Contact]
    asks_nobody: bool
    playbooks: Mapping[str, str]
    proofs: Callable[[], Iterable[Proof]]
    now: datetime
    lint_errors: Callable[[], Mapping[str, bool]] = dict
    call_problems: Callable[[], Sequence[str]] = tuple
    closed: Callable[[], tuple[str, str]] = lambda: ("", "")
    approved: str = ""

    @property
    def changing(self) -> list[Step]:
        """The steps that a machine does and that do more than look."""
        steps = (*self.runbook.procedure, *self.runbook.on_cancel)
        return [step for step in steps if step.effect is not Effect.READ and step.action and not step.manual]


def environment(case: Case) -> Iterator[Ruling]:
    """In production somebody says that they mean it; whoever names an environment elsewhere must not be wrong."""
    here = case.target.environment
    whose = "Production needs" if here == PRODUCTION else "These hosts would need"
    if here == PRODUCTION or case.typed:
        yield Ruling(
            "environment",
            f"the typed name {here}",
            case.typed or _NOTHING,
            "met" if case.typed == here else "refused",
            f"{whose} --environment {here}; you gave {case.typed or 'none'}",
            flags={"--environment": "" if case.typed else here},
            hint=f"if {here} is what you mean, say --environment {here}" if not case.typed else _elsewhere(case),
        )


def _elsewhere(case: Case) -> str:
    named = ", ".join(f"{name} is {found}" for name, found in list(case.target.environments.items())[:5])
    return f"look at the inventory and at --limit: {named}"


def rules(case: Case) -> list[Ruling]:
    """The rulings of every guard but that of the environment, which may have to ask a person.

    Raises:
        InvalidInputError: what the inventory demands cannot be understood.
    """
    policy = case.target.policy
    rulings = [*_may_run(case), *_reason(case), *_lint(case), *_calls(case), *_most_hosts(case, policy)]
    rulings += _calendar(case) if case.changing else ()
    return [*rulings, *_protected(case), *_proof(case, policy), *_four_eyes(case, policy)] if case.changing else rulings


def undoing(case: Case) -> list[Ruling]:
    """What is required to take back what was done: to be somebody who may do it, and to say why."""
    return [*_may_run(case), *_reason(case)]


def _may_run(case: Case) -> Iterator[Ruling]:
    """Who may run the runbooks of a category; no broken glass makes anybody another person.

    A schedule may run what the owner of its runbook may: the contact is named, or each of its members may.
    """
    category = case.runbook.category
    demands = [policy.may_run[category] for policy in case.target.policies if category in policy.may_run]
    for names in dict.fromkeys(demands):
        allowed = people(names, case.contacts)
        who, may = case.login, is_one_of(case.login, case.groups, allowed)
        hint = f"ask one of them: {', '.join(allowed) or 'contacts.yml names no members of that group'}"
        if case.login.startswith(SCHEDULE):
            owner, members = case.runbook.owner, people([case.runbook.owner], case.contacts)
            who = f"{case.login} of {owner}"
            may = owner in names or (bool(members) and all(is_one_of(each, (), allowed) for each in members))
            hint = f"name {owner}, who owns {case.runbook.id}, in may_run, or give the runbook to somebody who may"
        yield Ruling(
            "may_run",
            f"one of {', '.join(names)} to run a {category} runbook",
            who,
            "met" if may else "refused",
            f"Only {', '.join(names)} may run {category} runbooks; you are {who}",
            hint=hint,
        )


def _reason(case: Case) -> Iterator[Ruling]:
    if case.target.environment == PRODUCTION:
        reason = case.reason or case.break_glass
        yield Ruling(
            "reason",
            "a reason",
            reason or _NOTHING,
            "met" if reason.strip() else "refused",
            f"Production needs a reason; you gave {reason if reason.strip() else 'none'}",
            flags={"--reason": "WHY"},
            hint="say why with --reason; it is recorded",
        )


def _lint(case: Case) -> Iterator[Ruling]:
    """What lint calls an error is no matter of taste: it stops a run that it fails for sure, or that nobody watches."""
    if errors := case.lint_errors():
        matters = case.target.environment == PRODUCTION or case.asks_nobody
        lines = sorted(errors, key=lambda line: not errors[line])
        summary = f"{counted(len(errors), 'error')}: {'; '.join(lines[:_FEW])}"
        where = "in production" if case.target.environment == PRODUCTION else "that asks nobody"
        yield Ruling(
            "lint",
            "a runbook without errors of lint",
            summary,
            _overridable(case, met=False) if matters or any(errors.values()) else "warned",
            f"A run{f' {where}' * matters} needs a runbook without errors of lint; {case.runbook.id} has {summary}",
            hint=f"runbook lint {case.runbook.id} says how to fix each; then compile it, and review it. {_BREAK}",
        )


def _calls(case: Case) -> Iterator[Ruling]:
    """Whoever starts the run hears before it begins that a call would fail; what is on fire does not wait for that."""
    if problems := case.call_problems():
        summary = "; ".join(problems[:_FEW]) + (f"; and {len(problems) - _FEW} more" if problems[_FEW:] else "")
        yield Ruling(
            "calls",
            "a way to call everybody whom the runbook names",
            summary,
            "warned",
            f"A run should be able to call everybody whom {case.runbook.id} names, but {summary}",
            hint=f"runbook preflight {case.runbook.id} has all of it",
        )


def _overridable(case: Case, *, met: bool) -> Verdict:
    return "met" if met else "overridden" if case.break_glass.strip() else "refused"


_BREAK = "where life or service depends on it, --break-glass REASON continues all the same, and tells everybody"


def _calendar(case: Case) -> Iterator[Ruling]:
    """Nobody changes anything while a calendar is closed that also counts by hand, unless they break the glass."""
    title, fault = case.closed()
    if title or fault:
        what = f"{title} lets nobody change anything now" * bool(title)
        yield Ruling(
            "calendar",
            "that no calendar is closed",
            title or fault,
            _overridable(case, met=False) if title else "warned",
            what[:1].upper() + what[1:] or f"Nobody knows whether a calendar is closed: {fault}",
            hint=f"wait until it is open: runbooks/calendars.yml says when; {_BREAK}",
        )


def _most_hosts(case: Case, policy: RunPolicy) -> Iterator[Ruling]:
    for most, whose in ((case.runbook.max_hosts, case.runbook.id), (policy.max_hosts, "the inventory's policy")):
        if most is not None:
            names = case.target.names
            hosts = f"{counted(len(names), 'host')}: {listed(names, 10)}"
            yield Ruling(
                "max_hosts",
                f"at most {counted(most, 'host')} (says {whose})",
                hosts,
                _overridable(case, met=len(names) <= most),
                f"{whose[0].upper()}{whose[1:]} allows at most {counted(most, 'host')}; this is a run on {hosts}",
                hint=f"do fewer at a time with --limit; {_BREAK}",
            )


def _protected(case: Case) -> Iterator[Ruling]:
    """A protected host is changed only when it is named itself, not by a group or a pattern, and with a reason."""
    named = set((case.limit or "").replace(",", ":").split(":"))
    by_runbook = {step.on for step in case.changing}  # which no group and no pattern can make another one
    touched = {host for step in case.changing for host in case.target.worked_on(case.runbook, step)}
    for host, why in case.target.protected.items():
        if host in touched:
            by_name = [f"{host} in --limit"] if host in named else [f"on: {host}"] if host in by_runbook else []
            given = by_name + ["a reason"] * bool(case.reason.strip())
            yield Ruling(
                "protected",
                f"{host} in --limit by its own name, and a reason ({why})",
                " and ".join(given) or _NOTHING,
                _overridable(case, met=len(given) == 2),  # noqa: PLR2004 - both of them
                f"{host} ({why}) is changed only with --limit {host} and --reason; "
                f"you gave {' and '.join(given) or 'neither'}",
                hint=f"leave it out with --limit '{case.limit or 'all'}:!{host}', or name it: --limit {host} --reason "
                f"WHY; {_BREAK}",
            )


def _proof(case: Case, policy: RunPolicy) -> Iterator[Ruling]:
    if policy.proof is None or case.target.environment != PRODUCTION:
        return
    within = policy.proof.within
    proven = {proof.playbook_sha256: proof for proof in case.proofs() if proof.environment == STAGING}
    for runbook, sha256 in case.playbooks.items():
        proof = proven.get(sha256)
        yield Ruling(
            "proof",
            f"that {runbook} as it is compiled now ({sha256[:12]}) has passed on {STAGING} "
            f"within {duration.show(within)}",
            _passed(proof, case.now) if proof else "no such run",
            _overridable(case, met=proof is not None and case.now - proof.time <= within),
            f"{runbook} as it is compiled now ({sha256[:12]}) must have passed on {STAGING} within "
            f"{duration.show(within)}; {f'it did in {_passed(proof, case.now)}' if proof else 'there is no such run'}",
            hint=f"runbook run {runbook} against a {STAGING} inventory first; {_BREAK}",
        )


def _four_eyes(case: Case, policy: RunPolicy) -> Iterator[Ruling]:
    """Somebody else says yes before anything is changed; with a broken glass whoever began the run may say it."""
    asks = bool(case.approved) or (not case.asks_nobody and _is_asked_first(case))
    wanted = policy.four_eyes or case.target.environment == PRODUCTION
    alone = bool(case.break_glass.strip()) and asks and wanted
    asked = "a question that whoever began the run may answer" if alone else "such a question"
    if policy.four_eyes or alone:
        yield Ruling(
            "four_eyes",
            "that somebody else says yes before anything is changed",
            f"the approval of {case.approved}" if case.approved else asked if asks else "no question",
            _overridable(case, met=asks and not case.break_glass.strip()),
            f"Somebody else must say yes before anything is changed; {case.runbook.id} asks "
            f"{asked if asks else 'no question'}",
            hint=f"write `approve` in the first step that changes something, and leave --auto out; {_BREAK}",
        )


def _is_asked_first(case: Case) -> bool:
    """Whether an approval stands before everything that changes something."""
    first = next(iter(case.changing), None)
    for step in case.runbook.procedure:
        if any(gate.kind == "approve" for gate in before(step)):
            return True
        if step is first:
            return False
    return False


def _passed(proof: Proof, now: datetime) -> str:
    return f"the run {proof.run}, {duration.show(max(timedelta(), now - proof.time))} ago"
