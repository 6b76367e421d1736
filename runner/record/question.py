"""A question that a run puts to people, the votes on it, and what they come to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal, Self

from runner.events import Instant

Verdict = Literal["open", "granted", "denied", "expired", "void", "withdrawn"]


@dataclass(frozen=True, slots=True)
class Vote:
    """What `by` said, which is who they say they are; `login` is who the system says they are, and `at` when."""

    by: str
    login: str
    yes: bool
    subject: str
    at: str
    note: str = ""

    def told(self, question: Question) -> Mapping[str, Any]:
        """The same for the record, as a vote on `question`."""
        who = {"by": self.by, "login": self.login, "vote": "yes" if self.yes else "no", "note": self.note}
        return {**who, "question": question.number, "subject": self.subject}


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked about a step: `min` different people must say yes within `expires` seconds, None being no limit.

    `subject` stands for all that it is about. With a `group`, only its `members` may say yes; where there must be
    `four_eyes`, none of the `starters`, who began the run or went on with it. `number` counts the questions of the run.
    """

    run: str
    runbook: str
    title: str
    step: str
    kind: str
    text: str
    hosts: tuple[str, ...]
    commands: Mapping[str, str]
    inputs: Mapping[str, Any]
    starters: tuple[str, ...]
    asked: Instant
    subject: str = ""
    min: int = 1
    group: str = ""
    members: tuple[str, ...] = ()
    four_eyes: bool = False
    expires: float | None = None
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
            data["asked"] = Instant(datetime.fromisoformat(asked["wall"]), asked["monotonic"], asked["boot_id"])
            lists = {name: tuple(data[name]) for name in ("hosts", "members", "starters")}
            return cls(**{**data, **lists})
        except (TypeError, LookupError) as error:
            raise ValueError(f"is not a question: {error}") from error

    def written(self) -> str:
        """The same as JSON."""
        return json.dumps(asdict(self), indent=1, default=str)

    def is_like(self, other: Question) -> bool:
        """Whether a vote on the other is one on this: the same of the same people, whenever it was asked."""
        same = ("subject", "min", "group", "members", "four_eyes")
        return all(getattr(self, name) == getattr(other, name) for name in same)

    def left(self, now: Instant) -> float | None:
        """Seconds until nobody can say yes any more; None where there is no such limit."""
        return None if self.expires is None else self.expires - now.since(self.asked)

    def objection(self, by: str, votes: Iterable[Vote]) -> str:
        """Why a yes of `by` does not count, after `votes`; empty when it does."""
        if self.four_eyes and by in self.starters:
            return f"{by} started this run; somebody else has to approve it"
        if self.group and by not in self.members:
            return f"{by} is not of {self.group}: {', '.join(self.members)}"
        if any(vote.by == by for vote in self._counted(votes)):
            return f"{by} has approved this already; it takes {self.min} different people"
        return ""

    def _counted(self, votes: Iterable[Vote]) -> list[Vote]:
        """The yes of each person who may say it, about what is asked now."""
        counted: dict[str, Vote] = {}
        for vote in votes:
            fits = vote.yes and vote.subject == self.subject and (not self.group or vote.by in self.members)
            if fits and not (self.four_eyes and vote.by in self.starters):
                counted.setdefault(vote.by, vote)
        return list(counted.values())

    def approvers(self, votes: Iterable[Vote]) -> list[str]:
        """Who has said yes so far, each once."""
        return [vote.by for vote in self._counted(votes)]

    def judge(self, votes: Sequence[Vote], now: Instant) -> Verdict:
        """What the votes have come to: an expiry denies always, and one no is enough."""
        if self.verdict != "open":
            return self.verdict
        if (left := self.left(now)) is not None and left <= 0:
            return "expired"
        if any(not vote.yes for vote in votes):
            return "denied"
        return "granted" if len(self._counted(votes)) >= self.min else "open"

    def needs(self, votes: Iterable[Vote]) -> str:
        """What is missing for a yes, in words."""
        missing = self.min - len(self._counted(votes))
        people = "1 person" if missing == 1 else f"{missing} people"
        who = f"{people} of {self.group}" if self.group else people
        return f"{who}, not {' or '.join(self.starters)}" if self.four_eyes else who


@dataclass(frozen=True, slots=True)
class Subject:
    """What somebody says yes to: a step of the `runbook` with that SHA-256, the hosts with their addresses, the inputs.

    `commands` has what is done on each host.
    """

    runbook: str
    step: str
    kind: str
    hosts: Mapping[str, str]
    commands: Mapping[str, str]
    inputs: Mapping[str, Any] = field(default_factory=dict)

    @property
    def sha256(self) -> str:
        """The same for the same, and another one when a character, a host or an input is another one."""
        told = json.dumps(asdict(self), sort_keys=True, default=str)
        return hashlib.sha256(told.encode()).hexdigest()
