"""A question to people: put where everybody concerned can see it, answered here or from elsewhere, and recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from runner.approvals.gate_context import GateContext, differences
from runner.approvals.question import Question, Verdict, Vote
from runner.approvals.question_store import Questions
from runner.approvals.vote import cast_vote
from runner.compiler.segments import Gate
from runner.core.duration import show
from runner.core.events import EventType, Outcome
from runner.orchestrator.run_context import Control
from runner.orchestrator.run_environment import Answer, QuestionView
from runner.render.history.decisions import NOBODY

_SHARED = frozenset({"approve", "manual", "confirm"})
"""What can be answered from elsewhere, by a yes or a no."""


def ask(control: Control, gate: Gate, hosts: Sequence[str]) -> Answer:
    """The answer of whoever answers for the people, about `hosts`; nothing runs while they think.

    Raises:
        TimedOutError: the deadline of the run passed meanwhile.
        InvalidInputError: it is for a group of which nobody is a member.
    """
    note = control.recorder.note
    which = {"kind": gate.kind, "part": gate.part, "hosts": list(hosts)}
    context = control.description(gate, hosts)
    control.locks.come_to(gate.step.id)
    poll = _Poll(control, gate, context)
    commands = {host: action.text for host, action in context.hosts.items() if action.text}
    asked = {"text": gate.text, "commands": commands, **which, **poll.terms, "context": context.data()}
    note(EventType.GATE_ASKED, gate.step.id, **asked)
    answer = poll.answer()
    if answer.yes and gate.kind == "approve":
        control.approvals.approved[gate.step.id] = gate, context
    said = {"outcome": _outcome(gate, answer), "by": answer.by, "note": answer.note, "instead": answer.instead}
    note(EventType.GATE_ANSWERED, gate.step.id, **which, **said)
    for host, chosen in answer.chosen.items():
        values = {"values": {gate.choice: list(chosen)}}
        control.recorder.record_of(EventType.VALUES_CAPTURED, gate.step.id, host, values)
    if answer.waited:
        control.unanswered = gate.step.name
    if answer.declared:
        control.declared = answer.declared
        note(EventType.ESCALATION_DECLARED, gate.step.id, declared=answer.declared, by=answer.by)
    return answer


def _outcome(gate: Gate, answer: Answer) -> Outcome:
    if answer.instead == "skip":
        return Outcome.SKIPPED
    if answer.yes:
        return Outcome.PASSED
    return Outcome.UNKNOWN if gate.kind == "unknown" else Outcome.ABORTED


class _Poll:
    """One question, until it is answered: whoever sits here and those elsewhere are asked at the same time."""

    def __init__(self, control: Control, gate: Gate, context: GateContext) -> None:
        self.control, self.gate, self.context = control, gate, context
        self.questions = Questions(control.directory.path)
        self.question = self._put() if gate.kind in _SHARED else None

    @property
    def terms(self) -> Mapping[str, Any]:
        """What the record says of who must answer, and until when."""
        if self.question is None or self.gate.kind != "approve":
            return {}
        terms = {name: getattr(self.context, name) for name in ("subject", "min", "group", "four_eyes", "expires")}
        return {"question": self.question.number, **terms}

    def answer(self) -> Answer:
        """What it came to."""
        while True:
            verdict, votes = self._verdict()
            if verdict != "open":
                return self._closed(verdict, votes)
            objection = self._objection(votes)
            needs = self.question.needs(votes) if self.question else ""
            until = self.question.until if self.question else None
            captured = self.control.recorder.captured
            view = QuestionView(self.context, captured, until, needs, objection, settled=self._settled)
            said = self.control.env.operator.answer(self.gate, view)
            self.control.left()
            if said is None and self.control.cancelled:
                return Answer(yes=False, by=NOBODY, note="the run was stopped")
            if said and (answer := self._take(said, objection)):
                return answer

    def _put(self) -> Question:
        """The question, or the same one if a run that died had put it, so that what was voted still counts."""
        question = Question(self.context, self.control.env.clock())
        last = self.questions.latest()
        if last and last.verdict == "open":
            verdict = last.judge((), question.asked)
            if verdict == "open" and last.subject == question.subject:
                starters = tuple(dict.fromkeys((*last.context.starters, *self.context.starters)))
                self.context = replace(self.context, starters=starters)
                return self.questions.save(replace(last, context=self.context))
            self.questions.close(last, "void" if verdict == "open" else verdict)
            if verdict == "open" and last.context.gate == self.context.gate:
                self.control.approvals.void(last.context, differences(last.context, self.context))
        return self.questions.ask(question)

    def _verdict(self) -> tuple[Verdict, Sequence[Vote]]:
        if self.question is None:
            return "open", ()
        votes = [self._without_secrets(vote) for vote in self.questions.votes(self.question)]
        return self.question.judge(votes, self.control.env.clock()), votes

    def _without_secrets(self, vote: Vote) -> Vote:
        """The vote as it may be kept: whoever gave it elsewhere does not know what the inventory keeps secret."""
        clean = replace(vote, note=self.control.redaction.text(vote.note))
        if self.question and clean != vote:
            self.questions.rewrite(self.question, clean)
        return clean

    def _settled(self) -> bool:
        """Whether there is nothing to wait for: somebody has answered, or it is too late, or the run was cancelled."""
        return self.control.cancelled or self.control.is_late or self._verdict()[0] != "open"

    def _objection(self, votes: Sequence[Vote]) -> str:
        """Why a yes from here would not count."""
        if self.question is None:
            return ""
        return self.question.objection(self._vote(Answer(yes=True, by=self.control.env.actor.user)), votes)

    def _vote(self, said: Answer) -> Vote:
        actor, now = self.control.env.actor, self.control.env.clock()
        by = actor.person if said.by == actor.user else said.by
        return Vote(by, actor.user, said.yes, self.context.subject, now.wall.isoformat(), said.note)

    def _take(self, said: Answer, objection: str) -> Answer | None:
        """The answer, if what was said here is one; a yes or no of a person is a vote as any other."""
        text, question = self.control.redaction.text, self.question  # a person may have named a secret
        said = replace(said, note=text(said.note), declared=text(said.declared or "") or None)
        if said.yes and self.context.missing:
            said = replace(said, yes=False, note=f"it lacks {'; '.join(self.context.missing)}")
        if question is None:
            return said
        if said.by == NOBODY and said.yes:  # a machine may answer for this step
            self.questions.close(question, "granted")
            return said
        if said.by == NOBODY or said.instead or said.declared or (said.yes and objection):
            self.questions.close(question, "withdrawn")
            return replace(said, yes=False, note=objection) if said.yes else said
        cast_vote(self.questions, question, self._vote(said), now=self.control.env.clock(), record=self._record)
        return None

    def _record(self, vote: Mapping[str, Any]) -> None:
        self.control.recorder.note(EventType.VOTE_GIVEN, self.context.step, **vote)

    def _closed(self, verdict: Verdict, votes: Sequence[Vote]) -> Answer:
        assert self.question  # noqa: S101 - only a question that was put comes to something
        self.questions.close(self.question, verdict)
        if verdict == "granted":
            yes = self.question.approvals(votes)
            return Answer(yes=True, by=_by(yes), note=_notes(yes))
        if verdict == "denied":
            no = [vote for vote in votes if not vote.yes]
            return Answer(yes=False, by=_by(no), note=_notes(no))
        after = show(timedelta(seconds=self.context.expires or 0))
        missing = f"not approved within {after}: {self.question.needs(votes)} missing"
        return Answer(yes=False, by=NOBODY, note=missing, waited=True)


def _by(votes: Sequence[Vote]) -> str:
    return ", ".join(dict.fromkeys(vote.who for vote in votes))


def _notes(votes: Sequence[Vote]) -> str:
    return "; ".join(dict.fromkeys(vote.note for vote in votes if vote.note))
