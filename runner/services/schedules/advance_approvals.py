"""What a planned run will ask people, hours before it begins, and what they have answered to it by then."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from runner.approvals.gate_context import GateContext
from runner.approvals.question import Question, Vote
from runner.compiler.batches import batches
from runner.compiler.segments import Gate, after, before
from runner.core.deferred import dataclass
from runner.core.duration import comes_true
from runner.core.errors import DeniedError
from runner.core.events import EventType
from runner.core.redaction import Redaction
from runner.executor.job import NOTHING, JobPart
from runner.executor.target import Target
from runner.model.mentions import mentioned, mentioned_in
from runner.model.runbook import Runbook
from runner.model.step import Step
from runner.orchestrator.gate.gate_subjects import GateSubjects
from runner.orchestrator.request import RunRequest
from runner.orchestrator.run_environment import GateAnswer, Installation, Operator, QuestionView
from runner.render.history.decisions import NOBODY
from runner.services.schedules.deciding import asked_of, decided, record_word
from runner.services.votes import cast_vote
from runner.store.log.envelope import person

_LOOKS_AGAIN = 0.2


@dataclass(frozen=True)
class AdvanceQuestion:
    """What a step will ask about, as `context` describes it; `unknown` says why nobody can answer that before the run.

    `approvals` are the yes of people so far, each with who says so.
    """

    context: GateContext
    unknown: str = ""
    approvals: tuple[str, ...] = ()

    @property
    def is_granted(self) -> bool:
        """Whether enough people have said yes."""
        return len(self.approvals) >= self.context.min


def advance_questions(request: RunRequest, installation: Installation, name: str) -> list[AdvanceQuestion]:
    """What the planned run of the schedule `name` will ask, as things stand now. No host is contacted, none is locked.

    Raises:
        RunbookError: the inventory cannot be read, or a question is for a group of which nobody is a member.
    """
    request, runbook = request.masked(), request.source.runbook
    asking = {step.id: gate for step in runbook.procedure if (gate := _gate(step))}
    redaction = Redaction()
    redaction.learn((*request.hidden, *request.secrets.values()))
    part = JobPart(NOTHING.tags, render=list(asking))
    message = installation.executor.resolve(request.job(installation.environ, redaction.learn), part)
    target, about = Target.from_message(message), _subjects(request.masked(redaction), installation, redaction, message)
    given, found = _given(installation, name, request.run_id), []
    for step, hosts in _asked(runbook, target, asking):
        context = about.describe(asking[step.id], hosts, target, request.inputs, {})
        yes = tuple(by for subject, by in given if subject == context.subject)
        found.append(AdvanceQuestion(context, _unknown(runbook, step, context), yes))
    return found


def _subjects(
    request: RunRequest, installation: Installation, redaction: Redaction, message: Mapping[str, Any]
) -> GateSubjects:
    """What the questions of the run have in common, by what the inventory says in `message`."""
    target, commands = Target.from_message(message), message.get("commands") or {}
    previews = {
        step: {host: redaction.data(preview, ours=2) for host, preview in hosts.items()}
        for step, hosts in commands.items()
    }
    starters = (person(installation.actor.user),)
    return GateSubjects(request, target.environment, target.policy, starters, redaction.text(request.reason), previews)


def _gate(step: Step) -> Gate | None:
    """The approval that `step` asks for, where no machine may answer."""
    return None if step.auto else next((gate for gate in before(step) if gate.kind == "approve"), None)


def _asked(runbook: Runbook, target: Target, asking: Collection[str]) -> Iterator[tuple[Step, Sequence[str]]]:
    """Each step that asks, with the hosts about which it asks at once."""
    for batch in batches(runbook, target):
        for step in (each for each in batch.steps if each.id in asking):
            if hosts := [host for host in target.of(runbook, step) if host in (batch.hosts or target.names)]:
                yield step, hosts


def _unknown(runbook: Runbook, step: Step, context: GateContext) -> str:
    """What of the question only the run itself finds out; empty where all of it is known."""
    earlier = runbook.procedure[: runbook.procedure.index(step)]
    captured = [name for each in earlier for name in each.capture]
    uses = dict.fromkeys([*mentioned(step, captured), *mentioned_in([step.undo], captured), *step.choose])
    if uses:
        return f"{', '.join(uses)}: found out by an earlier step of the run"
    return "; ".join(context.missing)


def _given(installation: Installation, name: str, run: str) -> list[tuple[str, str]]:
    """Each yes to what the run will ask: the subject, and who has said it."""
    with decided(installation.state) as occurrences:
        facts = occurrences.facts(EventType.SCHEDULE_APPROVED)
    ours = f"{asked_of(name, run)}/"
    return [(str(each["value"]), str(each["by"])) for key, each in facts.items() if key.startswith(ours)]


def approve_in_advance(installation: Installation, name: str, asked: AdvanceQuestion) -> None:
    """Record that whoever runs this says yes to what the planned run of the schedule `name` will ask.

    Raises:
        DeniedError: their yes does not count, or nobody can answer it before the run.
    """
    actor, now, context = installation.actor, installation.clock(), asked.context
    if asked.unknown:
        raise DeniedError(f"{context.step} is asked about when it is run: {asked.unknown}")
    vote = Vote(actor.person, actor.user, True, context.subject, now.wall.isoformat())  # noqa: FBT003 - a yes
    others = [Vote(by, by, True, context.subject, "") for by in asked.approvals]  # noqa: FBT003 - theirs as well
    if objection := Question(context, now).objection(vote, others):
        raise DeniedError(objection)
    key = f"{asked_of(name, context.run)}/{context.subject}/{actor.person}"
    record_word(installation, EventType.SCHEDULE_APPROVED, key, context.subject)


def check_approved(runbook: Runbook, questions: Sequence[AdvanceQuestion]) -> None:
    """That people have said yes to all that is known before the run, and that it wants nothing else of a person.

    Raises:
        DeniedError: they have not.
    """
    asking = ((step, {gate.kind for gate in (*before(step), *after(step))}) for step in runbook.procedure)
    vouched = [step.id for step, kinds in asking if not step.auto and kinds & {"manual", "confirm"}]
    if vouched:
        raise DeniedError(f"nobody is there for what a person must do or confirm: {', '.join(vouched)}")
    if missing := [each.context for each in questions if not (each.unknown or each.is_granted)]:
        steps = ", ".join(f"{each.step} on {', '.join(each.hosts)} ({each.subject[:12]})" for each in missing)
        raise DeniedError(f"not approved in advance, or what would be done has changed since: {steps}")


class VotesInAdvance:
    """Casts the votes that people have given before a planned run began, once it asks; others answer all else.

    A question that could not be answered before waits for `wait` seconds for those who answer from elsewhere.
    """

    def __init__(
        self, others: Operator, installation: Installation, questions: Sequence[AdvanceQuestion], wait: float
    ) -> None:
        self._others, self._installation, self._wait = others, installation, wait
        self._approvals = {each.context.subject: each.approvals for each in questions}
        self._cast: set[str] = set()

    def answer(self, gate: Gate, view: QuestionView) -> GateAnswer | None:
        """The answer to `gate`; None once it is settled by votes."""
        if gate.kind != "approve" or gate.step.auto:
            return self._others.answer(gate, view)
        self._vote(view.context)
        if comes_true(view.settled, within=self._wait, every=_LOOKS_AGAIN):
            return None
        return GateAnswer(yes=False, by=NOBODY, note="nobody has approved it in its window", waited=True)

    def _vote(self, context: GateContext) -> None:
        if context.subject in self._cast:
            return
        self._cast.add(context.subject)
        run = self._installation.state.directory(context.run)
        for name in self._approvals.get(context.subject, ()):
            voter = replace(self._installation, actor=replace(self._installation.actor, user=name, groups=()))
            cast_vote(voter, run, yes=True, subject=context.subject, note="given before the run")
