"""What runs ask people, and the answers to it: from any terminal, a web page or a chat, by the same rules."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter, ValidationError

from runner.approvals import question_store
from runner.approvals.gate_context import describe
from runner.approvals.question import Question, Vote
from runner.approvals.question_store import Questions
from runner.core.deferred import dataclass
from runner.core.errors import DeniedError, InvalidInputError
from runner.core.events import Event, EventType, Instant
from runner.core.identifiers import Login
from runner.orchestrator.run_environment import Installation
from runner.store.run_state import RunDirectory
from runner.store.state_directory import StateDirectory

_SHORTEST = 6
"""Characters of a subject, at least: fewer may be those of another question as well."""


@dataclass(frozen=True)
class PendingQuestion:
    """A question that the run `run` waits with, and the votes on it so far."""

    run: str
    question: Question
    votes: tuple[Vote, ...]

    @property
    def subject(self) -> str:
        """The hash of all that is asked, which an approval names."""
        return self.question.subject

    @property
    def needs(self) -> str:
        """Who else must say yes, in words."""
        return self.question.needs(self.votes)

    @property
    def approvers(self) -> list[str]:
        """Who has said yes."""
        return [vote.who for vote in self.question.approvals(self.votes)]

    @property
    def until(self) -> datetime | None:
        """When it is too late to say yes."""
        return self.question.until

    def as_data(self) -> dict[str, Any]:
        """The question for a program: its whole description, who has answered, and who still must."""
        asked = self.question.context
        return {
            "run": asked.run,
            "runbook": asked.runbook,
            "step": asked.step,
            "asks": f"{asked.kind}: {asked.text}",
            "hosts": ", ".join(asked.hosts),
            "subject": self.subject,
            "needs": self.needs,
            "has": ", ".join(self.approvers) or "-",
            "until": self.until.isoformat() if self.until else None,
            "context": asked.data(),
        }

    def labelled_lines(self) -> list[tuple[str, str]]:
        """The same for a person: each line with its label."""
        approvals = [("has", f"a yes of {who}") for who in self.approvers]
        return [*describe(self.question.context, until=self.until), *approvals, ("needs", self.needs)]


@dataclass(frozen=True)
class CastVote:
    """A vote that counts; `already` says that the same person had given it before. `needs` is who must vote yet."""

    step: str
    vote: Vote
    already: bool = False
    needs: str = ""


def pending(state: StateDirectory, now: Instant) -> list[PendingQuestion]:
    """Every question that a run asks and that is not answered yet, the oldest run first."""
    return [question for run in state.running() if (question := question_of(run, now))]


def question_of(run: RunDirectory, now: Instant) -> PendingQuestion | None:
    """The question that `run`, which somebody is executing, waits with."""
    questions = Questions(run.path)
    last = questions.latest()
    if last is None:
        return None
    votes = tuple(questions.votes(last))
    is_open = last.judge(votes, now) == "open" and run.live
    return PendingQuestion(run.path.name, last, votes) if is_open else None


def check_waiting(run: RunDirectory, now: Instant) -> PendingQuestion:
    """The same.

    Raises:
        InvalidInputError: it waits for nobody.
    """
    question = question_of(run, now)
    if question is None:
        raise _not_waiting(run)
    return question


def cast_vote(
    installation: Installation, run: RunDirectory, *, yes: bool, subject: str = "", by: str = "", note: str = ""
) -> CastVote:
    """Record a vote on what `run` asks, and have it count.

    Args:
        installation: where it is recorded, and who runs this.
        run: the run that asks.
        yes: the answer; one no is enough to stop the run.
        subject: the hash, or its beginning, of what somebody has seen; a yes needs it.
        by: who votes, where several people share an account.
        note: a comment for the record.

    Raises:
        InvalidInputError: the run asks nothing now, or `subject` or `by` is not written as it must be.
        DeniedError: the vote does not count; it is recorded all the same.
    """
    actor, now = installation.actor, installation.clock()
    who, at = _login(by) if by else actor.person, now.wall.isoformat()
    questions = Questions(run.path)
    question = questions.latest()
    if question is None or not (question.verdict == "open" and run.live):
        return _repeated(run, questions, question, Vote(who, actor.user, yes, "", at, note))
    if yes:
        _check_subject(question, subject)
    vote = Vote(who, actor.user, yes, question.subject, at, note)
    cast = question_store.cast_vote(
        questions, question, vote, now=now, record=lambda data: _record(installation, question, data)
    )
    match cast.outcome:
        case "expired":
            raise DeniedError(f"it is too late: the time to approve {question.step} is over")
        case "refused":
            raise DeniedError(cast.objection, hint=f"it still needs {cast.needs}")
        case "closed":
            return _repeated(run, questions, questions.latest(), vote)
    return CastVote(question.step, vote, needs=cast.needs)


def _login(name: str) -> str:
    try:
        return TypeAdapter(Login).validate_python(name).lower()
    except ValidationError:
        raise InvalidInputError(f"--as {name}: must be a login name, like alice") from None


def _check_subject(question: Question, subject: str) -> None:
    if not subject:
        raise InvalidInputError(
            "without a terminal --subject HASH is required: it names what you have seen",
            hint=f"runbook approve {question.context.run} --show shows it",
        )
    if not re.fullmatch(rf"[0-9a-fA-F]{{{_SHORTEST},64}}", subject):
        hint = f"it is {question.subject[:12]} now"
        raise InvalidInputError(f"--subject {subject}: give {_SHORTEST} or more characters of the hash", hint=hint)
    if not question.subject.startswith(subject.lower()):
        hint = f"look at what is asked now: runbook approve {question.context.run} --show"
        raise DeniedError(f"{question.step} asks something else than {subject}", hint=hint)


def _record(installation: Installation, question: Question, vote: Mapping[str, Any]) -> None:
    """The vote in the audit log without its note, which the run records: it knows the secrets that may be in it."""
    data = {**vote, "note": ""}
    with installation.state.open_log(clock=installation.clock, actor=installation.actor) as log:
        log.append(Event(EventType.VOTE_GIVEN, question.context.run, question.step, data=data))


def _repeated(run: RunDirectory, questions: Questions, question: Question | None, vote: Vote) -> CastVote:
    """A vote when nothing is asked any more, which is fine for somebody who has given this very answer."""
    if question is None or not question_store.is_given(vote, questions.votes(question)):
        raise _not_waiting(run)
    return CastVote(question.step, vote, already=True)


def _not_waiting(run: RunDirectory) -> InvalidInputError:
    question = Questions(run.path).latest()
    closed = question is not None and question.verdict != "open"
    why = f": {question.step} was {question.verdict}" if question and closed else ""
    hint = f"runbook status {run.path.name} shows what it is doing"
    return InvalidInputError(f"run {run.path.name} is not waiting for an approval{why}", hint=hint)
