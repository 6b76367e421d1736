"""`runbook locks`: Show which hosts and resources are locked, by which run, and since when."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from runner.cli import context
from runner.cli.output.terminal import safe
from runner.store.locks.holder import blocked
from runner.store.locks.host_locks import Locks


@click.command("locks")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def command(*, as_json: bool) -> None:
    """Show the locks that are held now. The kernel releases a lock when its holder ends, so none is stale."""
    found = Locks(context.recorded().path / "locks", clock=context.clock).held()
    if as_json:
        rows = [{"lock": name, **(asdict(holder) if holder else {})} for name, holder in found]
        click.echo(json.dumps(rows, indent=2, default=str))
        return
    now = context.clock()
    for each in blocked(found):
        click.echo(safe(each.sentence(now)))
    if not found:
        click.echo("No locks are held.", err=True)
