"""`runbook approve`: Approve or deny what a run asks, from any terminal that shares its state directory."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NoReturn

import click
from pydantic import TypeAdapter, ValidationError

from runner.approvals.gate_text import describe
from runner.approvals.question import Question, Vote
from runner.approvals.question_store import Questions
from runner.cli import context
from runner.cli.named_run import find_run
from runner.cli.output.terminal import labelled
from runner.cli.prompts import keyboard
from runner.core.errors import DeniedError, InvalidInputError
from runner.core.events import Event, EventType
from runner.core.identifiers import Login
from runner.store.run_state import RunDirectory
from runner.store.state_directory import StateDirectory

_SHORTEST = 6
"""Characters of a subject, at least: fewer may be those of another question as well."""


def waiting(run: RunDirectory) -> Question | None:
    """The question that `run` waits with, which somebody is doing and nobody has answered yet."""
    questions = Questions(run.path)
    last = questions.latest()
    if last is None or last.judge(questions.votes(last), context.clock()) != "open":
        return None
    return last if run.live else None


def row(run: RunDirectory, question: Question) -> dict[str, Any]:
    """The question of `run` for a program: its whole description, who has answered, and who still must."""
    votes = Questions(run.path).votes(question)
    asks, until = question.context, question.until
    return {
        "run": asks.run,
        "runbook": asks.runbook,
        "step": asks.step,
        "asks": f"{asks.kind}: {asks.text}",
        "hosts": ", ".join(asks.hosts),
        "subject": question.subject,
        "needs": question.needs(votes),
        "has": ", ".join(vote.who for vote in question.approvals(votes)) or "-",
        "until": until.isoformat() if until else None,
        "context": asks.data(),
    }


def lines(run: RunDirectory, question: Question) -> list[str]:
    """The same for a person."""
    votes = Questions(run.path).votes(question)
    has = [("has", f"a yes of {vote.who}") for vote in question.approvals(votes)]
    rest = [*has, ("needs", question.needs(votes))]
    return labelled([*describe(question.context, until=question.until), *rest])


@click.command(
    "approve",
    epilog="""\b
    runbook approve 20260102T030405Z-0a1b2c3d --show
    runbook approve 20260102T030405Z-0a1b2c3d --subject 5f2a90
    runbook approve last --deny --note "wait for the backup"
    """,
)
@click.argument("run_id", metavar="RUN")
@click.option("--as", "name", metavar="LOGIN", help="Who you are, if several people share an account. It is recorded.")
@click.option("--deny", is_flag=True, help="Say no: the step is not executed, and the run ends.")
@click.option("--note", default="", help="A comment for the record.")
@click.option("--show", is_flag=True, help="Only show what is asked; do not answer.")
@click.option("--json", "as_json", is_flag=True, help="Show what is asked as JSON; do not answer.")
@click.option("--subject", metavar="HASH", default="", help="Approve what was shown under this hash, and nothing else.")
def command(run_id: str, *, name: str | None, deny: bool, note: str, show: bool, as_json: bool, subject: str) -> None:
    """Approve or deny what RUN asks. RUN is the id of a run, or `last`: the newest run that waits for an answer.

    On a terminal, what is asked is shown first, and then you answer. Without a terminal, --subject HASH says what you
    have seen: `runbook approve RUN --show` and `runbook pending` print it. An approval becomes void when anything that
    was shown changes.
    """
    state = context.recorded()
    none = "no run is waiting for an approval: runbook status shows what each is doing"
    run = find_run(state, run_id, suits=waiting, none=none)
    if show or as_json:
        _show(run, as_json=as_json)
        return
    questions, question = Questions(run.path), Questions(run.path).latest()
    actor, now = context.actor(), context.clock()
    by = _login(name) if name else actor.person

    def vote(asked: str) -> Vote:
        return Vote(by, actor.user, not deny, asked, now.wall.isoformat(), note)

    if question is None or not (question.verdict == "open" and run.live):
        _too_late(questions, question, vote(""), run=run)
        return
    if not deny:
        deny = not _agrees(run, question, subject)
    _cast(state, run, question, vote(question.subject))


def _show(run: RunDirectory, *, as_json: bool) -> None:
    question = waiting(run)
    if question is None:
        _not_waiting(run)
    click.echo(json.dumps(row(run, question), indent=2) if as_json else "\n".join(lines(run, question)))


def _agrees(run: RunDirectory, question: Question, subject: str) -> bool:
    """Whether it is a yes to `question`: its `subject` was given, or somebody who sees it here says so.

    Raises:
        InvalidInputError: nobody has said to what.
        DeniedError: the subject is that of something else.
    """
    if not subject and not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise InvalidInputError(
            "without a terminal --subject HASH is required: it names what you have seen",
            hint=f"runbook approve {run.path.name} --show shows it",
        )
    if subject:
        _check_subject(question, subject)
        return True
    click.echo("\n".join(lines(run, question)), err=True)
    said = keyboard.letter(
        "Approve this? (y)es, (n)o: the run ends, (q)uit: answer later", "ynq", settled=lambda: False
    )
    if said == "q":
        raise click.exceptions.Exit(0)
    return said == "y"


def _check_subject(question: Question, subject: str) -> None:
    if not re.fullmatch(rf"[0-9a-fA-F]{{{_SHORTEST},64}}", subject):
        hint = f"it is {question.subject[:12]} now"
        raise InvalidInputError(f"--subject {subject}: give {_SHORTEST} or more characters of the hash", hint=hint)
    if not question.subject.startswith(subject.lower()):
        hint = f"look at what is asked now: runbook approve {question.context.run} --show"
        raise DeniedError(f"{question.step} asks something else than {subject}", hint=hint)


def _cast(state: StateDirectory, run: RunDirectory, question: Question, vote: Vote) -> None:
    """Record `vote` and have it count, if it does and `question` is still what is asked."""
    questions, now = Questions(run.path), context.clock()
    latest = questions.latest()
    if latest is None or (latest.number, latest.verdict) != (question.number, "open"):
        _too_late(questions, latest, vote, run=run)
        return
    votes = questions.votes(question)
    if question.judge(votes, now) == "expired":
        raise DeniedError(f"it is too late: the time to approve {question.step} is over")
    objection = question.objection(vote, votes) if vote.yes else ""
    _record(state, question, vote, objection)
    if objection and not (_is_given(vote, votes) and question.judge(votes, now) != "open"):
        raise DeniedError(objection, hint=f"it still needs {question.needs(votes)}")
    questions.vote(question, vote)
    votes = questions.votes(question)
    click.echo(f"{_word(vote)}  {question.step} by {vote.who}")
    if question.judge(votes, now) == "open":
        click.echo(f"hint: it still needs {question.needs(votes)}", err=True)


def _is_given(vote: Vote, votes: Sequence[Vote]) -> bool:
    """Whether the very same person has given this very answer."""
    return any((each.by, each.login, each.yes) == (vote.by, vote.login, vote.yes) for each in votes)


def _word(vote: Vote) -> str:
    return "approved" if vote.yes else "denied"


def _login(name: str) -> str:
    try:
        return TypeAdapter(Login).validate_python(name).lower()
    except ValidationError:
        raise InvalidInputError(f"--as {name}: must be a login name, like alice") from None


def _record(state: StateDirectory, question: Question, vote: Vote, objection: str) -> None:
    """The vote in the audit log, before it counts; also one that does not.

    The run records the note: here nobody knows the secrets that may be in it.
    """
    data = {**replace(vote, note="").told(question), **({"refused": objection} if objection else {})}
    with state.open_log(clock=context.clock, actor=context.actor()) as log:
        log.append(Event(EventType.VOTE_GIVEN, question.context.run, question.step, data=data))


def _too_late(questions: Questions, question: Question | None, vote: Vote, *, run: RunDirectory) -> None:
    """Say that nothing is asked any more; that is fine for somebody who has given this very answer."""
    if question is None or not _is_given(vote, questions.votes(question)):
        _not_waiting(run)
    click.echo(f"{_word(vote)}  {question.step} by {vote.who}, already")


def _not_waiting(run: RunDirectory) -> NoReturn:
    question = Questions(run.path).latest()
    closed = question is not None and question.verdict != "open"
    why = f": {question.step} was {question.verdict}" if question and closed else ""
    hint = f"runbook status {run.path.name} shows what it is doing"
    raise InvalidInputError(f"run {run.path.name} is not waiting for an approval{why}", hint=hint)
