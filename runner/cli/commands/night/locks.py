"""`runbook locks`: Show which hosts and resources are locked, by which run, and since when."""

from dataclasses import asdict

import click

from runner.cli import context
from runner.cli.output.table import print_json
from runner.cli.output.terminal import safe
from runner.services.run_list import held_locks
from runner.store.locks.holder import blocked


@click.command("locks")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def command(*, as_json: bool) -> None:
    """Show the locks that are held now. The kernel releases a lock when its holder ends, so none is stale."""
    held = held_locks(context.recorded(), context.command_context().system.clock)
    if as_json:
        print_json([{"lock": name, **(asdict(holder) if holder else {})} for name, holder in held])
        return
    now = context.clock()
    for each in blocked(held):
        click.echo(safe(each.sentence(now)))
    if not held:
        click.echo("No locks are held.", err=True)
