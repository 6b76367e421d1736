"""`runbook matrix`: Show the incident response matrix, gaps first; write or check its committed copy."""

from pathlib import Path

import click
from click.core import ParameterSource

from runner.cli import context
from runner.cli.option_groups import forms
from runner.cli.output.table import draw
from runner.cli.output.terminal import safe
from runner.core.errors import ExitCode
from runner.render.matrix_tables import FORMS, note
from runner.services.library.library_overview import copy_state, matrix_copy, response_matrix
from runner.services.run_list import proven_runs

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("matrix")
@forms(("table", *FORMS))
@click.option("--must-haves", is_flag=True, help="Only the procedures that every team must have a runbook for.")
@click.option("--write", type=_FILE, help="Write the copy to a file: .md, .html, .csv or .json.")
@click.option("--check", type=_FILE, help="Write nothing; exit 1 if that file is missing or stale.")
@click.pass_context
def command(ctx: click.Context, /, form: str, write: Path | None, check: Path | None, *, must_haves: bool) -> None:
    """Show each scenario with its runbook, the response time, the owner and who is called; gaps first.

    The committed copy does not contain when a runbook was last tested: that is in the record, and a drill must not make
    the copy stale.
    """
    if sum(map(bool, (write, check, must_haves))) > 1:
        raise click.UsageError("--write, --check and --must-haves cannot be combined")
    if (write or check) and ctx.get_parameter_source("form") is not ParameterSource.DEFAULT:
        raise click.UsageError("the name of the file gives the format; leave --format out")
    if check:
        _check(check)
    elif write:
        text = matrix_copy(context.library(), write)
        write.parent.mkdir(parents=True, exist_ok=True)
        write.write_text(text, encoding="utf-8")
        click.echo(f"wrote  {safe(str(write))}")
    else:
        _show(form, only_must_haves=must_haves)


def _check(path: Path) -> None:
    state = copy_state(path, matrix_copy(context.library(), path))
    click.echo(f"{state}  {safe(str(path))}")
    if state != "fresh":
        click.echo(f"hint: runbook matrix --write {safe(str(path))}, then review the difference", err=True)
        raise click.exceptions.Exit(ExitCode.FAILED)


def _show(form: str, *, only_must_haves: bool) -> None:
    proofs = proven_runs(context.state_path(), context.clock())
    rows = response_matrix(context.library(), proofs, only_must_haves=only_must_haves)
    if form == "table":
        draw([row.cells() for row in rows], empty="nothing")
        click.echo(safe(note(rows)), err=True)
    else:
        click.echo(FORMS[form](rows), nl=False)
