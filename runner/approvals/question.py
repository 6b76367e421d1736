"""A question that a run puts to people, the votes on it, and what they come to."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, Self

from runner.approvals.gate_context import GateContext
from runner.core.deferred import dataclass
from runner.core.events import Instant
from runner.store.log.envelope import person

Verdict = Literal["open", "granted", "denied", "expired", "void", "withdrawn"]


@dataclass(frozen=True, slots=True)
class Vote:
    """What somebody has said: `by` is who they say they are, `login` who the system says they are, and `at` when."""

    by: str
    login: str
    yes: bool
    subject: str
    at: str
    note: str = ""

    @property
    def who(self) -> str:
        """Both names of whoever has voted, where they are two."""
        return self.by if self.by == self.login else f"{self.by} (logged in as {self.login})"

    def as_data(self, question: Question) -> Mapping[str, Any]:
        """The same for the record, as a vote on `question`."""
        who = {"by": self.by, "login": self.login, "vote": "yes" if self.yes else "no", "note": self.note}
        return {**who, "question": question.number, "subject": self.subject}


@dataclass(frozen=True, slots=True)
class Question:
    """A question that a run has put, which `context` describes whole.

    `number` counts the questions of the run, and `asked` is when it was put.
    """

    context: GateContext
    asked: Instant
    number: int = 0
    verdict: Verdict = "open"

    @classmethod
    def read(cls, text: str) -> Self:
        """The question that was written as JSON.

        Raises:
            ValueError: it is none.
        """
        try:
            data = json.loads(text)
            asked = data["asked"]
            instant = Instant(datetime.fromisoformat(asked["wall"]), asked["monotonic"], asked["boot_id"])
            return cls(GateContext.read(data["context"]), instant, data["number"], data["verdict"])
        except (TypeError, LookupError) as error:
            raise ValueError(f"is not a question: {error}") from error

    def written(self) -> str:
        """The same as JSON."""
        asked = {"wall": self.asked.wall, "monotonic": self.asked.monotonic, "boot_id": self.asked.boot_id}
        data = {"context": self.context.data(), "asked": asked, "number": self.number, "verdict": self.verdict}
        return json.dumps(data, indent=1, default=str)

    @property
    def subject(self) -> str:
        """The hash of all that it is about, which a yes names."""
        return self.context.subject

    @property
    def step(self) -> str:
        """The id of the step that it is about."""
        return self.context.step

    @property
    def until(self) -> datetime | None:
        """When it is too late to say yes, by the wall clock; None where there is no such limit."""
        expires = self.context.expires
        return None if expires is None else self.asked.wall + timedelta(seconds=expires)

    def left(self, now: Instant) -> float | None:
        """Seconds until nobody can say yes any more; None where there is no such limit."""
        return None if self.context.expires is None else self.context.expires - now.since(self.asked)

    def objection(self, vote: Vote, votes: Iterable[Vote]) -> str:
        """Why `vote`, a yes, does not count after `votes`; empty when it does."""
        asks, who = self.context, self._person(vote)
        if asks.missing:
            return f"{asks.step} cannot be approved, because it lacks {'; '.join(asks.missing)}"
        if asks.four_eyes and who in asks.starters:
            began = "started" if who == asks.starters[0] else "resumed"
            return f"{who} {began} this run; somebody else has to approve it{self._alias(vote)}"
        if asks.group and who not in asks.members:
            return f"{who} is not of {asks.group}: {', '.join(asks.members)}{self._alias(vote)}"
        if any(self._person(other) == who for other in self._counted(votes)):
            return f"{who} has approved this already; it takes {asks.min} different people{self._alias(vote)}"
        return ""

    def _person(self, vote: Vote) -> str:
        """Who has voted: the login that the system knows, unless several people are known to share it."""
        return vote.by if self.context.shared_account else person(vote.login)

    def _alias(self, vote: Vote) -> str:
        """Why a name that somebody gave was not taken for theirs."""
        if vote.by == self._person(vote):
            return ""
        return f" (--as {vote.by} names nobody else: the inventory's runbook_policy does not say shared_account: true)"

    def _counted(self, votes: Iterable[Vote]) -> list[Vote]:
        """The yes of each person who may say it, about what is asked now."""
        counted: dict[str, Vote] = {}
        asks = self.context
        for vote in votes:
            who = self._person(vote)
            fits = vote.yes and vote.subject == self.subject and (not asks.group or who in asks.members)
            if fits and not (asks.four_eyes and who in asks.starters) and not asks.missing:
                counted.setdefault(who, vote)
        return list(counted.values())

    def approvals(self, votes: Iterable[Vote]) -> list[Vote]:
        """The yes of each person who has said so, each once."""
        return self._counted(votes)

    def judge(self, votes: Sequence[Vote], now: Instant) -> Verdict:
        """What the votes have come to: an expiry denies always, and one no is enough."""
        if self.verdict != "open":
            return self.verdict
        if (left := self.left(now)) is not None and left <= 0:
            return "expired"
        if any(not vote.yes for vote in votes):
            return "denied"
        return "granted" if len(self._counted(votes)) >= self.context.min else "open"

    def needs(self, votes: Iterable[Vote]) -> str:
        """What is missing for a yes, in words."""
        asks = self.context
        missing = asks.min - len(self._counted(votes))
        people = "1 person" if missing == 1 else f"{missing} people"
        who = f"{people} of {asks.group}" if asks.group else people
        return f"{who}, not {' or '.join(asks.starters)}" if asks.four_eyes else who
