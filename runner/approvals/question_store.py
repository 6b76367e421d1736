"""The questions of a run and the votes on them, as files that every terminal and machine with this state can see."""

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Literal

from runner.approvals.question import Question, Verdict, Vote
from runner.core.deferred import dataclass
from runner.core.errors import AuditError
from runner.core.events import Instant
from runner.store import durable

_QUESTION = "question.json"


class Questions:
    """The questions in the directory of a run. The run asks and closes; whoever may write there votes."""

    def __init__(self, run: Path) -> None:
        self.path = run / "questions"

    def latest(self) -> Question | None:
        """What was asked last."""
        for path in sorted(self.path.glob("[0-9]*"), reverse=True):
            with contextlib.suppress(OSError, ValueError):  # the run died before the question was there
                return Question.read((path / _QUESTION).read_text(encoding="utf-8"))
        return None

    def ask(self, question: Question) -> Question:
        """Put `question`, with a number; it is durable on return.

        Raises:
            AuditError: it cannot be written.
        """
        with _recorded(self.path):
            self.path.mkdir(mode=0o700, exist_ok=True)
            numbered = replace(question, number=1 + len(list(self.path.glob("[0-9]*"))))
            self._of(numbered).mkdir(mode=0o700)
            durable.write(self._of(numbered) / _QUESTION, numbered.written())
        return numbered

    def save(self, question: Question) -> Question:
        """Put `question` in the place of the one with its number.

        Raises:
            AuditError: it cannot be written.
        """
        with _recorded(self.path):
            durable.write(self._of(question) / _QUESTION, question.written())
        return question

    def close(self, question: Question, verdict: Verdict) -> None:
        """Say that `question` has come to `verdict`, so that nobody votes on it any more.

        Raises:
            AuditError: it cannot be written.
        """
        self.save(replace(question, verdict=verdict))

    def vote(self, question: Question, vote: Vote) -> bool:
        """Have `vote` count; whether it had not been given before. A person has one yes and one no.

        Raises:
            AuditError: it cannot be written.
        """
        path = self._path(question, vote)
        with _recorded(path), tempfile.TemporaryDirectory(prefix=".", dir=path.parent) as own:
            durable.write(Path(own, path.name), json.dumps(asdict(vote)))
            try:
                os.link(Path(own, path.name), path)  # unlike a rename it never takes the place of another
            except FileExistsError:
                return False
            durable.sync(path.parent)
        return True

    def rewrite(self, question: Question, vote: Vote) -> None:
        """Put `vote` in the place of the one that the same person has given.

        Raises:
            AuditError: it cannot be written.
        """
        path = self._path(question, vote)
        with _recorded(path):
            durable.write(path, json.dumps(asdict(vote)))

    def _path(self, question: Question, vote: Vote) -> Path:
        names = f"{vote.by}\n{vote.login}"  # a name that somebody gave must not stand in the way of who has it
        who = hashlib.sha256(names.encode(errors="surrogateescape")).hexdigest()[:32]
        return self._of(question) / f"{'yes' if vote.yes else 'no'}-{who}.json"

    def votes(self, question: Question) -> list[Vote]:
        """The votes on `question`, in the order in which they were given."""
        found = []
        for path in (*self._of(question).glob("yes-*.json"), *self._of(question).glob("no-*.json")):
            with contextlib.suppress(OSError, ValueError, TypeError):
                found.append(Vote(**json.loads(path.read_text(encoding="utf-8"))))
        return sorted(found, key=lambda vote: vote.at)

    def _of(self, question: Question) -> Path:
        return self.path / f"{question.number:04}"


@contextlib.contextmanager
def _recorded(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        where = error.filename or path
        raise AuditError(f"{where}: {error.strerror}", hint="make room, or give access to it") from error


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
