"""`runbook compile`: Write the Ansible playbooks of runbooks, or check that they are up to date."""

import click

from runner.cli import context
from runner.core.errors import ExitCode
from runner.library.root import shown
from runner.services.authoring.write_runbooks import compile_runbooks


@click.command("compile")
@click.argument("runbooks", nargs=-1)
@click.option("--check", is_flag=True, help="Write nothing; fail if a playbook is missing or stale.")
def command(runbooks: tuple[str, ...], *, check: bool) -> None:
    """Compile RUNBOOKS (all of them if none is named) to playbooks/."""
    stale = False
    for each in compile_runbooks(runbooks, context.own_library(), check=check):
        click.echo(f"{each.state}  {shown(each.playbook)}")
        stale |= each.state == "stale"
    if stale:
        click.echo("hint: runbook compile, then review the difference", err=True)
        raise click.exceptions.Exit(ExitCode.FAILED)
