"""`runbook lint`: Find what is wrong in runbooks, with file, line and column; explain, fix, score."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

import click

from runner.cli import context
from runner.cli.output import findings as findings_shown
from runner.cli.output.formats import forms
from runner.cli.output.rule_explanation import explain
from runner.cli.output.table import draw
from runner.cli.output.terminal import counted, safe
from runner.cli.prompts.input_options import vault_option
from runner.core.errors import ExitCode
from runner.library.library import shown
from runner.lint.engine import check_plugins
from runner.lint.score import QUESTIONS, Mark
from runner.model.yaml.finding import Level
from runner.services.authoring.lint_runbooks import LintRequest, ScoredRunbook, lint_runbooks, score_runbooks

_LEVELS = [str(level) for level in Level]
_PASSWORDS = ("ANSIBLE_VAULT_PASSWORD_FILE", "ANSIBLE_VAULT_IDENTITY_LIST")


@click.command("lint")
@click.argument("runbooks", nargs=-1)
@forms(findings_shown.FORMS)
@click.option("--fix", is_flag=True, help="Fix what can safely be fixed, and report the rest.")
@click.option("--level", type=click.Choice(_LEVELS), default="info", help="Report no finding below this level.")
@click.option("--strict", is_flag=True, help="Exit 2 also if there is a warning.")
@click.option("--score", is_flag=True, help="Score each of the seven criteria of the checklist instead.")
@click.option(
    "--explain", "rule", is_flag=False, flag_value="", metavar="[RULE]", help="Explain a rule, or list all rules."
)
@click.option(
    "-i",
    "--inventory",
    multiple=True,
    type=click.Path(path_type=Path),
    help="An inventory that defines variables the runbooks use.",
)
@vault_option
def command(
    runbooks: tuple[str, ...],
    *,
    form: str,
    fix: bool,
    level: str,
    strict: bool,
    score: bool,
    rule: str | None,
    inventory: Sequence[Path],
) -> None:
    """Lint RUNBOOKS (all of them if none is named); exit 2 if one does not load or has an error.

    A line that ends with `# lint: allow RULE - reason` is an exception to that rule.
    """
    check_plugins()
    if rule is not None:
        explain(rule, form)
        return
    library = context.own_library() if fix else context.library(next(iter(runbooks), ""))
    inventories = tuple(context.inventories(inventory, library)) if inventory else ()
    has_password = any(map(os.environ.get, _PASSWORDS))
    request = LintRequest(library, context.clock().wall.date(), inventories, has_vault_password=has_password)
    names = runbooks or tuple(library.ids())
    if score:
        scored, unread = score_runbooks(names, request, context.state_path())
        _notice(unread)
        _draw_scores(scored, as_json=form == "json")
        return
    linted = lint_runbooks(names, request, fix=fix)
    for path, count in linted.fixes.items():
        click.echo(f"{shown(path)}: fixed in {counted(count, 'place')}", err=True)
    _notice(linted.unread)
    findings = [each for each in linted.findings if _LEVELS.index(each.level) <= _LEVELS.index(level)]
    click.echo(findings_shown.FORMS[form](findings, linted.excepted, names), nl=False)
    also = f", {len(linted.excepted)} excepted" if linted.excepted else ""
    click.echo(f"{counted(len(names), 'runbook')}, {counted(len(findings), 'finding')}{also}", err=True)
    if linted.bad(strict=strict):
        raise click.exceptions.Exit(ExitCode.INVALID)


def _notice(unread: Sequence[Path]) -> None:
    if unread:
        files = ", ".join(safe(shown(file)) for file in unread)
        click.echo(f"notice   what {files} sets is not known: give --vault-password-file FILE to read it", err=True)


def _draw_scores(runbooks: Sequence[ScoredRunbook], *, as_json: bool) -> None:
    """Print a row for each runbook with its marks, and below what is missing."""
    if as_json:
        click.echo(json.dumps({each.name: _data(each.marks) for each in runbooks}, indent=2))
        return
    draw([_row(each.name, each.marks) for each in runbooks], empty="no runbooks here")
    for each in runbooks:
        if each.faults:
            click.echo(f"{safe(each.name)}: does not load ({each.faults} findings, see runbook lint {safe(each.name)})")
        for mark in each.marks:
            for reason in mark.reasons:
                click.echo(f"{safe(each.name)}: {mark.criterion}: {safe(reason)}")


def _row(name: str, marks: Sequence[Mark]) -> dict[str, object]:
    met = {str(criterion): "-" for criterion in QUESTIONS} | {
        str(mark.criterion): "yes" * mark.met or "no" for mark in marks
    }
    return {"runbook": name, "score": f"{sum(mark.met for mark in marks)}/{len(QUESTIONS)}", **met}


def _data(marks: Sequence[Mark]) -> dict[str, object]:
    about = {str(mark.criterion): {"met": mark.met, "reasons": list(mark.reasons)} for mark in marks}
    return {"score": sum(mark.met for mark in marks), "of": len(QUESTIONS), "criteria": about}
