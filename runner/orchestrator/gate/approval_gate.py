"""A question to people: put where everybody concerned can see it, answered here or from elsewhere, and recorded."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from runner.approvals.gate_changes import differences
from runner.approvals.gate_context import GateContext
from runner.approvals.question import Question, Verdict, Vote
from runner.approvals.question_store import Questions, cast_vote
from runner.compiler.segments import Gate
from runner.core.duration import show
from runner.core.events import EventType, Outcome
from runner.orchestrator.deadline import Deadline
from runner.orchestrator.gate.gate_facts import lacks
from runner.orchestrator.run_environment import GateAnswer, QuestionView, RunEnvironment
from runner.orchestrator.start.run_locks import RunLocks
from runner.orchestrator.stepper import Stepper
from runner.render.history.decisions import NOBODY
from runner.store.run_state import RunDirectory

_SHARED = frozenset({"approve", "manual", "confirm"})
"""What can be answered from elsewhere, by a yes or a no."""


class ApprovalGate:
    """Puts the questions of one run to people.

    `unanswered` is the step about which nobody has answered in time, `denied` the last one to which a person said no,
    with who and why. `declare` has somebody called for what a person declares at the question about a step.
    """

    def __init__(
        self,
        stepper: Stepper,
        env: RunEnvironment,
        directory: RunDirectory,
        locks: RunLocks,
        deadline: Deadline,
        *,
        declare: Callable[[str, str], None],
    ) -> None:
        self.unanswered, self.denied = "", ""
        self._stepper, self._env, self._directory = stepper, env, directory
        self._locks, self._deadline, self._declare = locks, deadline, declare

    def fail_unknown(self, gate: Gate, hosts: Sequence[str]) -> list[str]:
        """Let the step fail on those of `hosts` on which nobody can approve it; these hosts.

        What it would do there is not known, however long anybody thinks: a name in it is not defined.
        """
        actions = self._stepper.describe(gate, hosts).hosts if gate.kind == "approve" else {}
        lacking = {host: lacks(action.missing) for host, action in actions.items() if action.missing}
        for host, reason in lacking.items():
            self._stepper.recorder.record_action(gate.step.id, host, reason)
        return list(lacking)

    def ask(self, gate: Gate, hosts: Sequence[str]) -> GateAnswer:
        """The answer of whoever answers for the people, about `hosts`; nothing runs while they think.

        Raises:
            TimedOutError: the deadline of the run passed meanwhile.
            InvalidInputError: it is for a group of which nobody is a member.
        """
        recorder = self._stepper.recorder
        which = {"kind": gate.kind, "part": gate.part, "hosts": list(hosts)}
        context = self._stepper.describe(gate, hosts)
        self._locks.come_to(gate.step.id)
        poll = _Poll(self._stepper, self._env, self._directory, self._deadline, gate, context, self._declare)
        commands = {host: action.text for host, action in context.hosts.items() if action.text}
        asked = {"text": gate.text, "commands": commands, **which, **poll.terms, "context": context.data()}
        recorder.note(EventType.GATE_ASKED, gate.step.id, **asked)
        answer = poll.answer()
        if answer.yes and gate.kind == "approve":
            self._stepper.approvals.approved[gate.step.id] = gate, context
        self._record(gate, which, answer)
        return answer

    def _record(self, gate: Gate, which: Mapping[str, Any], answer: GateAnswer) -> None:
        recorder, step = self._stepper.recorder, gate.step
        data = {"outcome": _outcome(gate, answer), "by": answer.by, "note": answer.note, "instead": answer.instead}
        recorder.note(EventType.GATE_ANSWERED, step.id, **which, **data)
        for host, chosen in answer.chosen.items():
            recorder.record_of(EventType.VALUES_CAPTURED, step.id, host, {"values": {gate.choice: list(chosen)}})
        if answer.waited:
            self.unanswered = step.name
        elif data["outcome"] is Outcome.ABORTED and answer.by != NOBODY and not answer.instead:
            self.denied = ": ".join(filter(None, [step.name, answer.by, answer.note]))


def _outcome(gate: Gate, answer: GateAnswer) -> Outcome:
    if answer.instead == "skip":
        return Outcome.SKIPPED
    if answer.yes:
        return Outcome.PASSED
    return {"unknown": Outcome.UNKNOWN, "trigger": Outcome.SKIPPED}.get(gate.kind, Outcome.ABORTED)


class _Poll:
    """One question, until it is answered: whoever sits here and those elsewhere are asked at the same time."""

    def __init__(
        self,
        stepper: Stepper,
        env: RunEnvironment,
        directory: RunDirectory,
        deadline: Deadline,
        gate: Gate,
        context: GateContext,
        declare: Callable[[str, str], None],
    ) -> None:
        self.stepper, self.env, self.deadline, self.declare = stepper, env, deadline, declare
        self.gate, self.context = gate, context
        self.questions = Questions(directory.path)
        self.question = self._put() if gate.kind in _SHARED else None

    @property
    def terms(self) -> Mapping[str, Any]:
        """What the record says of who must answer, and until when."""
        if self.question is None or self.gate.kind != "approve":
            return {}
        terms = {name: getattr(self.context, name) for name in ("subject", "min", "group", "four_eyes", "expires")}
        return {"question": self.question.number, **terms}

    def answer(self) -> GateAnswer:
        """What it came to."""
        while True:
            verdict, votes = self._verdict()
            if verdict != "open":
                return self._closed(verdict, votes)
            objection = self._objection(votes)
            needs = self.question.needs(votes) if self.question else ""
            until = self.question.until if self.question else None
            captured = self.stepper.recorder.captured
            view = QuestionView(self.context, captured, until, needs, objection, settled=self._settled)
            said = self.env.operator.answer(self.gate, view)
            self.deadline.left()
            if said is None and self.stepper.cancelled:
                return GateAnswer(yes=False, by=NOBODY, note="the run was stopped")
            if said and (answer := self._take(said, objection)):
                return answer

    def _put(self) -> Question:
        """The question, or the same one if a run that died had put it, so that what was voted still counts."""
        question = Question(self.context, self.env.clock())
        last = self.questions.latest()
        if last and last.verdict == "open":
            verdict = last.judge((), question.asked)
            if verdict == "open" and last.subject == question.subject:
                starters = tuple(dict.fromkeys((*last.context.starters, *self.context.starters)))
                self.context = replace(self.context, starters=starters)
                return self.questions.save(replace(last, context=self.context))
            self.questions.close(last, "void" if verdict == "open" else verdict)
            if verdict == "open" and last.context.gate == self.context.gate:
                self.stepper.approvals.void(last.context, differences(last.context, self.context))
        return self.questions.ask(question)

    def _verdict(self) -> tuple[Verdict, Sequence[Vote]]:
        if self.question is None:
            return "open", ()
        votes = [self._without_secrets(vote) for vote in self.questions.votes(self.question)]
        return self.question.judge(votes, self.env.clock()), votes

    def _without_secrets(self, vote: Vote) -> Vote:
        """The vote as it may be kept: whoever gave it elsewhere does not know what the inventory keeps secret."""
        clean = replace(vote, note=self.stepper.recorder.redaction.text(vote.note))
        if self.question and clean != vote:
            self.questions.rewrite(self.question, clean)
        return clean

    def _settled(self) -> bool:
        """Whether there is nothing to wait for: somebody has answered, or it is too late, or the run was cancelled."""
        return self.stepper.cancelled or self.deadline.is_late or self._verdict()[0] != "open"

    def _objection(self, votes: Sequence[Vote]) -> str:
        """Why a yes from here would not count."""
        if self.question is None:
            return ""
        return self.question.objection(self._vote(GateAnswer(yes=True, by=self.env.actor.user)), votes)

    def _vote(self, answer: GateAnswer) -> Vote:
        actor, now = self.env.actor, self.env.clock()
        by = actor.person if answer.by == actor.user else answer.by
        return Vote(by, actor.user, answer.yes, self.context.subject, now.wall.isoformat(), answer.note)

    def _take(self, answer: GateAnswer, objection: str) -> GateAnswer | None:
        """The answer, if what was said here is one; a yes or no of a person is a vote as any other.

        Who has somebody called has not decided yet, and is asked again.
        """
        text, question = self.stepper.recorder.redaction.text, self.question  # a person may have named a secret
        if answer.declared:
            self.declare(text(answer.declared), self.gate.step.id)
            return None
        answer = replace(answer, note=text(answer.note))
        if answer.yes and self.context.missing:
            answer = replace(answer, yes=False, note=f"it lacks {'; '.join(self.context.missing)}")
        if question is None:
            return answer
        if answer.by == NOBODY and answer.yes:  # a machine may answer for this step
            self.questions.close(question, "granted")
            return answer
        if answer.by == NOBODY or answer.instead or (answer.yes and objection):
            self.questions.close(question, "withdrawn")
            return replace(answer, yes=False, note=objection) if answer.yes else answer
        cast_vote(self.questions, question, self._vote(answer), now=self.env.clock(), record=self._record)
        return None

    def _record(self, vote: Mapping[str, Any]) -> None:
        self.stepper.recorder.note(EventType.VOTE_GIVEN, self.context.step, **vote)

    def _closed(self, verdict: Verdict, votes: Sequence[Vote]) -> GateAnswer:
        assert self.question  # noqa: S101 - only a question that was put comes to something
        self.questions.close(self.question, verdict)
        if verdict == "granted":
            yes = self.question.approvals(votes)
            return GateAnswer(yes=True, by=_by(yes), note=_notes(yes))
        if verdict == "denied":
            no = [vote for vote in votes if not vote.yes]
            return GateAnswer(yes=False, by=_by(no), note=_notes(no))
        after = show(timedelta(seconds=self.context.expires or 0))
        missing = f"not approved within {after}: {self.question.needs(votes)} missing"
        return GateAnswer(yes=False, by=NOBODY, note=missing, waited=True)


def _by(votes: Sequence[Vote]) -> str:
    return ", ".join(dict.fromkeys(vote.who for vote in votes))


def _notes(votes: Sequence[Vote]) -> str:
    return "; ".join(dict.fromkeys(vote.note for vote in votes if vote.note))
