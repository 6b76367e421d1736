"""`runbook escalate`: Call whom a run's runbook names, for a reason that you give."""

import click

from runner.cli import context
from runner.cli.output.ending import called
from runner.cli.output.sent_pages import complain_of
from runner.core.errors import ExitCode
from runner.orchestrator.run_environment import Installation
from runner.services.incident_response import escalate


@click.command("escalate")
@click.argument("run_id", metavar="RUN")
@click.option("--because", metavar="WHY", required=True, help="What is wrong, in a few words: it stands in the page.")
def command(run_id: str, *, because: str) -> None:
    """Call whom the runbook of RUN (its id, or `last`) names, whether RUN is in progress or has ended.

    RUN itself goes on, or stays, as it is. The page carries the hand-off. Exit 3 if somebody has it, 8 if nobody does.
    """
    state = context.recorded_if_any()
    with context.recovered(state):  # nobody is called the less where nothing can be written
        _escalate(context.installation(state), run_id, because)


def _escalate(installation: Installation, run_id: str, because: str) -> None:
    done = escalate(installation, run_id, because)
    click.echo(f"escalated  run {done.run}")
    for line in called(done.calls):
        click.echo(line)
    complain_of(done.problems)
    raise click.exceptions.Exit(ExitCode.ESCALATED if done.reached else ExitCode.PAGING)
