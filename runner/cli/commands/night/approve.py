"""`runbook approve`: Approve or deny what a run asks, from any terminal that shares its state directory."""

import json

import click

from runner.cli import context
from runner.cli.output.terminal import labelled
from runner.cli.prompts import keyboard
from runner.services.run_list import find_run
from runner.services.votes import CastVote, cast_vote, check_waiting, question_of
from runner.store.run_state import RunDirectory


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
    state, now = context.recorded(), context.clock()
    none = "no run is waiting for an approval: runbook status shows what each is doing"
    run = find_run(state, run_id, suits=lambda each: question_of(each, now), none=none)
    if show or as_json:
        question = check_waiting(run, now)
        lines = labelled(question.labelled_lines())
        click.echo(json.dumps(question.as_data(), indent=2) if as_json else "\n".join(lines))
        return
    state.require_writable()
    if not (deny or subject):
        deny, subject = _ask(run)
    _show(cast_vote(context.installation(state), run, yes=not deny, subject=subject, by=name or "", note=note))


def _ask(run: RunDirectory) -> tuple[bool, str]:
    """Whether somebody who sees here what `run` asks denies it, and the subject of what they have seen."""
    question = question_of(run, context.clock())
    if question is None or not keyboard.is_there():
        return False, ""
    click.echo("\n".join(labelled(question.labelled_lines())), err=True)
    answer = keyboard.letter(
        "Approve this? (y)es, (n)o: the run ends, (q)uit: answer later", "ynq", settled=lambda: False
    )
    if answer == "q":
        raise click.exceptions.Exit(0)
    return answer != "y", question.subject


def _show(cast: CastVote) -> None:
    word = "approved" if cast.vote.yes else "denied"
    click.echo(f"{word}  {cast.step} by {cast.vote.who}" + ", already" * cast.already)
    if cast.needs:
        click.echo(f"hint: it still needs {cast.needs}", err=True)
