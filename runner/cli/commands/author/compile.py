"""`runbook compile`: Write the Ansible playbooks of runbooks, or check that they are up to date."""

from __future__ import annotations

import click

from runner.cli import context
from runner.compiler.committed_playbook import compiled, is_stale
from runner.core.errors import ExitCode, InvalidInputError
from runner.library.library import shown


@click.command("compile")
@click.argument("runbooks", nargs=-1)
@click.option("--check", is_flag=True, help="Write nothing; fail if a playbook is missing or stale.")
def command(runbooks: tuple[str, ...], *, check: bool) -> None:
    """Compile RUNBOOKS (all of them if none is named) to playbooks/."""
    library = context.own_library()
    names = runbooks or tuple(library.ids())
    if not names:
        raise InvalidInputError(f"{library.root / 'runbooks'} holds no runbooks", hint="runbook new creates one")
    stale = 0
    for name in names:
        source = library.source(name)
        path = library.playbook(source)
        if not is_stale(library, source):
            click.echo(f"fresh  {shown(path)}")
        elif check:
            stale += 1
            click.echo(f"stale  {shown(path)}")
        else:
            path.parent.mkdir(exist_ok=True)
            path.write_text(compiled(source), encoding="utf-8")
            click.echo(f"wrote  {shown(path)}")
    if stale:
        click.echo("hint: runbook compile, then review the difference", err=True)
        raise click.exceptions.Exit(ExitCode.FAILED)
