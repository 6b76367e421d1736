"""The words of `runbook drill` that are no runbook: `init` writes a first drill, `stop` ends all of them."""

import click

from runner.cli import context
from runner.cli.output.drill_lines import show_taken_back
from runner.cli.output.table import draw
from runner.cli.output.terminal import safe
from runner.cli.prompts import keyboard
from runner.core.errors import ExitCode


@click.command(
    "init",
    epilog="""\b
    runbook drill init RUN-100 --fault stop-service -e service=nginx
    runbook drill init --faults
    """,
)
@click.argument("runbook", required=False)
@click.option("--fault", metavar="KEY", default="", help="How it is broken; without it what its words suggest.")
@click.option("-e", "needs", metavar="NAME=VALUE", multiple=True, help="What the fault needs.")
@click.option("--url", default="", help="What the probe asks, where no verification of the runbook says that.")
@click.option("--faults", "show", is_flag=True, help="Show the faults that there are.")
def init(*, runbook: str | None, fault: str, needs: tuple[str, ...], url: str, show: bool) -> None:
    """Write a first drill into the file of RUNBOOK.

    It is a `drill:` block, with a fault that is known and its undo.
    """
    from runner.kinds.plugins import faults  # noqa: PLC0415 - as below
    from runner.services.drills import first_drill  # noqa: PLC0415 - as below

    if show:
        rows = [{"fault": each.key, "what": each.title, "needs": ", ".join(each.needs)} for each in faults().values()]
        draw(rows, empty="there is none")
        return
    if runbook is None:
        raise click.UsageError("name the runbook, or --faults")
    library = context.library(runbook)
    source = library.usable(runbook)
    chosen = first_drill.choose_fault(source, fault)
    values = first_drill.found_values(source, chosen) | _pairs(needs)
    for each, about in chosen.needs.items():
        if not values.get(each) and keyboard.is_there():
            values[each] = click.prompt(f"{chosen.title}: {each}, {about}", err=True)
    done = first_drill.write_first_drill(library, runbook, chosen, values, url=url)
    click.echo(safe(done.text, lines=True), nl=False)
    others = ", ".join(each.key for each in done.others)
    click.echo(f"wrote  the drill of {done.runbook}: {safe(chosen.title)}; other faults: {others}", err=True)
    context.hint(f"look at it, then runbook lint {done.runbook} and runbook compile {done.runbook}, then")
    click.echo(f"       {context.typed(['drill', done.runbook, '-i', 'inventories/staging'])}", err=True)


def _pairs(given: tuple[str, ...]) -> dict[str, str]:
    pairs = [each.partition("=") for each in given]
    if wrong := [name for name, sign, _ in pairs if not sign]:
        raise click.UsageError(f"-e takes NAME=VALUE, not {wrong[0]!r}")
    return {name: value for name, _, value in pairs}


@click.command("stop")
@click.option("--all", "every", is_flag=True, help="End those that go on, and let none begin.")
@click.option("--over", is_flag=True, help="Let drills begin again.")
def stop(*, every: bool, over: bool) -> None:
    """Stop all drills (--all), until --over.

    They are those of this state directory; what they have broken is taken back. Without an option it says whether they
    are stopped, and on which hosts something is not taken back.
    Exit code: 0 nothing is left broken; 1 something is, as far as anybody knows.
    """
    from runner.services.drills.brakes import let_go, pulled  # noqa: PLC0415 - it imports all that a run needs
    from runner.services.drills.owed_faults import stop_drills, take_back_abandoned  # noqa: PLC0415 - as the one before

    if every and over:
        raise click.UsageError("--all and --over cannot be combined")
    state = context.state()
    here = context.installation(state)
    if over:
        click.echo("drills may begin again" if let_go(state) else "drills were not stopped")
    show_taken_back(stop_drills(here) if every else take_back_abandoned(here, at_once=True))
    if lever := pulled(state):
        click.echo(f"stopped  {safe(lever.sentence)}; {context.typed(['drill', 'stop', '--over'])} ends that")
    left = [each for each in state.owed_undos.all() if each.armed]
    for each in left:
        click.secho(f"broken   {safe(each.host)}: the drill {each.run} of {each.runbook} is not taken back", fg="red")
    raise click.exceptions.Exit(ExitCode.FAILED if left else ExitCode.DONE)
