"""`runbook approve` (At night): Say yes or no to what a run waits for, from any terminal that shares its state."""

from __future__ import annotations

import click
from pydantic import TypeAdapter, ValidationError

from runner.cli import context
from runner.cli.named_run import find_run
from runner.cli.terminal import safe
from runner.errors import DeniedError, InvalidInputError
from runner.events import Event, EventType
from runner.identifiers import Login
from runner.record.question import Question, Vote
from runner.record.questions import Questions
from runner.record.run_state import RunDirectory, StateDirectory


def waiting(run: RunDirectory) -> Question | None:
    """The question that `run` waits with, which somebody is doing and nobody has answered yet."""
    questions = Questions(run.path)
    last = questions.latest()
    if last is None or last.judge(questions.votes(last), context.clock()) != "open":
        return None
    return last if run.live else None


@click.command(
    "approve",
    epilog="""\b
    runbook approve 20260102T030405Z-0a1b2c3d
    runbook approve last --as bob --note "the sessions are those of the old release"
    runbook approve last --deny --note "wait for the backup"
    """,
)
@click.argument("run_id", metavar="RUN")
@click.option("--as", "name", metavar="LOGIN", help="Who you are, where several people share an account; recorded.")
@click.option("--deny", is_flag=True, help="Say no: the step is not done, and the run ends.")
@click.option("--note", default="", help="A word for the record.")
@click.option("--subject", metavar="SHA256", default="", help="Only when it is still this that is asked.")
def command(run_id: str, *, name: str | None, deny: bool, note: str, subject: str) -> None:
    """Say yes to what RUN (its id, or `last`: the newest that waits) asks; what you say yes to is shown.

    A yes is one for exactly what is shown. It is void when a command, a host or an input becomes another one.
    """
    state = context.recorded()
    actor = context.actor()
    run = find_run(
        state, run_id, suits=waiting, none="no run waits for anybody: runbook status shows what each is doing"
    )
    questions, by = Questions(run.path), _login(name) if name else actor.person
    question = questions.latest()
    if question is None or not (question.verdict == "open" and run.live):
        _too_late(questions, question, by, yes=not deny, run=run)
        return
    if subject and not question.subject.startswith(subject.lower()):
        hint = f"look at what is asked now: runbook pending; it is {question.subject[:12]}"
        raise DeniedError(f"{question.step} asks something else than {subject}", hint=hint)
    _show(question)
    now = context.clock()
    votes = questions.votes(question)
    again = any((vote.by, vote.yes) == (by, not deny) for vote in votes)
    objection = "" if deny else question.objection(by, votes)
    if question.judge(votes, now) == "expired":
        raise DeniedError(f"it is too late: the time to approve {question.step} is over")
    vote = Vote(by, actor.user, not deny, question.subject, now.wall.isoformat(), note)
    _record(state, question, vote, objection)
    if objection and not (again and question.judge(votes, now) != "open"):
        raise DeniedError(objection, hint=f"it still needs {question.needs(votes)}")
    questions.vote(question, vote)
    votes = questions.votes(question)
    open_ = question.judge(votes, now) == "open"
    click.echo(f"{'denied' if deny else 'approved'}  {question.step} by {by}")
    if open_:
        click.echo(f"hint: it still needs {question.needs(votes)}", err=True)


def _login(name: str) -> str:
    try:
        return TypeAdapter(Login).validate_python(name).lower()
    except ValidationError:
        raise InvalidInputError(f"--as {name}: must be a login name, like alice") from None


def _show(question: Question) -> None:
    click.secho(f"{question.runbook} {safe(question.title)}  run {question.run}", bold=True, err=True)
    click.echo(f"  {question.kind:8}{safe(question.text.splitlines()[0])}  ({question.step})", err=True)
    for host in question.hosts:
        click.echo(f"  on      {safe(host)}", err=True)
        for number, line in enumerate(question.commands.get(host, "").splitlines()):
            click.echo(f"  {'' if number else 'does':8}{safe(line)}", err=True)
    for key, value in question.inputs.items():
        click.echo(f"  with    {safe(key)} = {safe(str(value))}", err=True)
    click.echo(f"  subject {question.subject[:12]}", err=True)


def _record(state: StateDirectory, question: Question, vote: Vote, objection: str) -> None:
    """The vote in the audit log, before it counts; also one that does not."""
    said = {**vote.told(question), **({"refused": objection} if objection else {})}
    with state.open_log(clock=context.clock, actor=context.actor()) as log:
        log.append(Event(EventType.VOTE_GIVEN, question.run, question.step, data=said))


def _too_late(questions: Questions, question: Question | None, by: str, *, yes: bool, run: RunDirectory) -> None:
    """Say that nothing is asked any more; that is fine for somebody who has given this very answer."""
    mine = question and any((vote.by, vote.yes) == (by, yes) for vote in questions.votes(question))
    if not (question and mine):
        why = f" any more: {question.step} was {question.verdict}" if question and question.verdict != "open" else ""
        hint = f"runbook status {run.path.name} tells what it is doing"
        raise InvalidInputError(f"the run {run.path.name} waits for nobody{why}", hint=hint)
    click.echo(f"{'approved' if yes else 'denied'}  {question.step} by {by}, already")
