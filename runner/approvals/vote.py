"""Casts a vote on a question, for every front end: what does not count is refused, what counts is recorded first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

from runner.approvals.question import Question, Vote
from runner.approvals.question_store import Questions
from runner.core.deferred import dataclass
from runner.core.events import Instant


@dataclass(frozen=True, slots=True)
class Cast:
    """What became of a vote: `needs` says who must still say yes, empty where nobody has to.

    `refused` has an `objection`; `expired` and `closed` came too late. Only what was `counted` or `refused` is
    recorded.
    """

    outcome: Literal["counted", "refused", "expired", "closed"]
    needs: str = ""
    objection: str = ""


def cast_vote(
    questions: Questions,
    question: Question,
    vote: Vote,
    *,
    now: Instant,
    record: Callable[[Mapping[str, Any]], object],
) -> Cast:
    """Record `vote` on `question` by `record` and have it count, if it does; giving it twice changes nothing.

    Raises:
        AuditError: it cannot be recorded or written, and does not count.
    """
    latest, votes = questions.latest(), questions.votes(question)
    if latest is None or (latest.number, latest.verdict) != (question.number, "open"):
        return Cast("closed")
    verdict = question.judge(votes, now)
    if verdict == "expired":
        return Cast("expired")
    objection = question.objection(vote, votes) if vote.yes else ""
    record({**vote.as_data(question), **({"refused": objection} if objection else {})})
    if objection and not (verdict != "open" and is_given(vote, votes)):
        return Cast("refused", question.needs(votes), objection)
    questions.vote(question, vote)
    votes = questions.votes(question)
    return Cast("counted", question.needs(votes) if question.judge(votes, now) == "open" else "")


def is_given(vote: Vote, votes: Iterable[Vote]) -> bool:
    """Whether the very same person has given this very answer."""
    return any((each.by, each.login, each.yes) == (vote.by, vote.login, vote.yes) for each in votes)
