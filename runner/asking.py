"""A question to people: put where everybody concerned can see it, answered here or from elsewhere, and recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from runner.control import Control
from runner.duration import show
from runner.errors import InvalidInputError
from runner.events import EventType, Outcome
from runner.execution.spans import Gate
from runner.record.envelope import person
from runner.record.question import Question, Subject, Verdict, Vote
from runner.record.questions import Questions
from runner.request import About, Answer

_SHARED = frozenset({"approve", "manual", "confirm"})
"""What can be answered from elsewhere, by a yes or a no."""


def ask(control: Control, gate: Gate, hosts: Sequence[str]) -> Answer:
    """The answer of whoever answers for the people, about `hosts`; nothing runs while they think.

    Raises:
        TimedOutError: the deadline of the run passed meanwhile.
        InvalidInputError: it is for a group of which nobody is a member.
    """
    note = control.journal.note
    which = {"kind": gate.kind, "part": gate.part, "hosts": list(hosts)}
    about = About(hosts, control.journal.captured, control.shown(gate, hosts), control.request.run_id)
    control.come_to(gate.step.id)
    poll = _Poll(control, gate, about)
    note(EventType.GATE_ASKED, gate.step.id, text=gate.text, commands=dict(about.commands), **which, **poll.terms)
    answer = poll.answer()
    if answer.yes and gate.kind == "approve":
        control.approved[gate.step.id] = dict(about.commands)
    said = {"outcome": _outcome(gate, answer), "by": answer.by, "note": answer.note, "instead": answer.instead}
    note(EventType.GATE_ANSWERED, gate.step.id, **which, **said)
    for host, chosen in answer.chosen.items():
        values = {"values": {gate.choice: list(chosen)}}
        control.journal.record_of(EventType.VALUES_CAPTURED, gate.step.id, host, values)
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

    def __init__(self, control: Control, gate: Gate, about: About) -> None:
        self.control, self.gate, self.about = control, gate, about
        self.questions = Questions(control.directory.path)
        self.question = self._put() if gate.kind in _SHARED else None

    @property
    def terms(self) -> Mapping[str, Any]:
        """What the record says of who must answer, and until when."""
        question = self.question
        if question is None or self.gate.kind != "approve":
            return {}
        terms = {name: getattr(question, name) for name in ("subject", "min", "group", "four_eyes", "expires")}
        return {"question": question.number, **terms}

    def answer(self) -> Answer:
        """What it came to."""
        while True:
            verdict, votes = self._verdict()
            if verdict != "open":
                return self._closed(verdict, votes)
            objection = self._objection(votes)
            needs = self.question.needs(votes) if self.question else ""
            asked = replace(self.about, needs=needs, objection=objection, settled=self._settled)
            said = self.control.around.operator.answer(self.gate, asked)
            self.control.left()
            if said is None and self.control.cancelled:
                return Answer(yes=False, by="nobody", note="the run was stopped")
            if said and (answer := self._take(said, objection)):
                return answer

    def _put(self) -> Question:
        """The question, or the same one if a run that died had put it, so that what was voted still counts."""
        question = self._question()
        last = self.questions.latest()
        if last and last.verdict == "open":
            verdict = last.judge((), question.asked)
            if verdict == "open" and last.is_like(question):
                starters = tuple(dict.fromkeys((*last.starters, *question.starters)))
                return self.questions.save(replace(last, starters=starters))
            self.questions.close(last, "void" if verdict == "open" else verdict)
        return self.questions.ask(question)

    def _question(self) -> Question:
        control, gate, request = self.control, self.gate, self.control.request
        asks = gate.kind == "approve" and request.mode != "auto"  # where a machine may answer, it does
        approval = gate.step.approve if asks else None
        machines = control.target.machines if control.target else {}
        where = {host: machines.get(host, host) for host in self.about.hosts}
        kept = dict(request.inputs)
        subject = Subject(request.source.sha256, gate.step.id, gate.id, where, self.about.commands, kept)
        return Question(
            run=request.run_id,
            runbook=control.runbook.id,
            title=control.runbook.title,
            step=gate.step.id,
            kind=gate.kind,
            text=gate.text,
            hosts=tuple(self.about.hosts),
            commands=dict(self.about.commands),
            inputs=kept,
            starters=tuple(dict.fromkeys([person(control.directory.state.user), control.around.actor.person])),
            asked=control.around.clock(),
            subject=subject.sha256,
            min=approval.min if approval else 1,
            group=(approval.group or "") if approval else "",
            members=self._members(approval.group) if approval and approval.group else (),
            four_eyes=asks and control.four_eyes,
            expires=approval.expires.total_seconds() if approval else None,
        )

    def _members(self, group: str) -> tuple[str, ...]:
        contact = self.control.request.contacts.get(group)
        if contact is None or not contact.members:
            message = f"{self.gate.step.id} must be approved by {group}, of which contacts.yml names no members"
            raise InvalidInputError(message, hint=f"write `members: [LOGIN, ...]` under {group}")
        return tuple(member.lower() for member in contact.members)

    def _verdict(self) -> tuple[Verdict, Sequence[Vote]]:
        if self.question is None:
            return "open", ()
        votes = self.questions.votes(self.question)
        return self.question.judge(votes, self.control.around.clock()), votes

    def _settled(self) -> bool:
        """Whether there is nothing to wait for: somebody has answered, or it is too late, or the run was cancelled."""
        return self.control.cancelled or self.control.is_late or self._verdict()[0] != "open"

    def _objection(self, votes: Sequence[Vote]) -> str:
        """Why a yes from here would not count."""
        return self.question.objection(self.control.around.actor.person, votes) if self.question else ""

    def _take(self, said: Answer, objection: str) -> Answer | None:
        """The answer, if what was said here is one; a yes or no of a person is a vote as any other."""
        text, question = self.control.redaction.text, self.question  # a person may have named a secret
        said = replace(said, note=text(said.note), declared=text(said.declared or "") or None)
        if question is None:
            return said
        if said.by == "nobody" or said.instead or said.declared or (said.yes and objection):
            self.questions.close(question, "withdrawn")
            return replace(said, yes=False, note=objection) if said.yes else said
        actor = self.control.around.actor
        by = actor.person if said.by == actor.user else said.by
        vote = Vote(by, actor.user, said.yes, question.subject, self.control.around.clock().wall.isoformat(), said.note)
        self.control.journal.note(EventType.VOTE_GIVEN, question.step, **vote.told(question))
        self.questions.vote(question, vote)
        return None

    def _closed(self, verdict: Verdict, votes: Sequence[Vote]) -> Answer:
        assert self.question  # noqa: S101 - only a question that was put comes to something
        self.questions.close(self.question, verdict)
        if verdict == "granted":
            yes = [vote for vote in votes if vote.by in self.question.approvers(votes)]
            return Answer(yes=True, by=_by(yes), note=_notes(yes))
        if verdict == "denied":
            no = [vote for vote in votes if not vote.yes]
            return Answer(yes=False, by=_by(no), note=_notes(no))
        after = show(timedelta(seconds=self.question.expires or 0))
        missing = f"not approved within {after}: {self.question.needs(votes)} missing"
        return Answer(yes=False, by="nobody", note=missing, waited=True)


def _by(votes: Sequence[Vote]) -> str:
    return ", ".join(dict.fromkeys(vote.by for vote in votes))


def _notes(votes: Sequence[Vote]) -> str:
    return "; ".join(dict.fromkeys(vote.note for vote in votes if vote.note))
