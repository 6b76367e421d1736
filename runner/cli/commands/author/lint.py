"""`runbook lint`: Find what is wrong in runbooks, with file, line and column; explain, fix, score."""

import os
from collections.abc import Sequence
from pathlib import Path

import click

from runner.cli import context
from runner.cli.option_groups import forms
from runner.cli.output import findings as findings_shown
from runner.cli.output.pager import paged
from runner.cli.output.table import draw, print_json
from runner.cli.output.terminal import safe
from runner.cli.prompts.input_options import vault_option
from runner.cli.target_options import inventories_option
from runner.core.errors import ExitCode, InvalidInputError
from runner.core.wording import counted
from runner.library.root import shown
from runner.lint.engine import check_plugins, rules
from runner.lint.rules.base import Rule
from runner.lint.score import QUESTIONS, Mark
from runner.model.yaml.finding import Level, did_you_mean
from runner.services.authoring.lint_runbooks import LintRequest, ScoredRunbook, lint_runbooks, score_runbooks

_SHOWN = 14
"""Lines of an example that are shown."""
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
@inventories_option
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
    inventories: Sequence[Path],
) -> None:
    """Lint RUNBOOKS (all of them if none is named); exit 2 if one does not load or has an error.

    A line that ends with `# lint: allow RULE - reason` is an exception to that rule.
    """
    check_plugins()
    if rule is not None:
        _explain(rule, form)
        return
    library = context.own_library() if fix else context.library(next(iter(runbooks), ""))
    existing = tuple(context.inventories(inventories, library)) if inventories else ()
    has_password = any(map(os.environ.get, _PASSWORDS))
    today, state = context.clock().wall.date(), context.state_path()
    request = LintRequest(library, today, existing, has_vault_password=has_password, state=state)
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
        print_json({each.name: _data(each.marks) for each in runbooks})
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


def _explain(name: str, form: str) -> None:
    """Print what the rule `name` is about; without a name, the list of rules.

    Raises:
        InvalidInputError: there is no such rule.
    """
    if name and name not in rules():
        hint = did_you_mean(name, rules()) or "runbook lint --explain lists them; what the reader finds explains itself"
        raise InvalidInputError(f"no rule is called {name!r}", hint=hint)
    chosen = [rules()[name]] if name else list(rules().values())
    if form == "json":
        print_json([_rule_data(rule) for rule in chosen])
    elif name:
        with paged():
            _tell_rule(chosen[0])
    else:
        draw([_rule_row(rule) for rule in chosen], empty="no rules")


def _rule_data(rule: Rule) -> dict[str, object]:
    shown = {key: getattr(rule, key) for key in ("id", "level", "criterion", "problem", "wrong", "right", "fixes")}
    return {key: value if isinstance(value, bool) else str(value) for key, value in shown.items()}


def _rule_row(rule: Rule) -> dict[str, object]:
    fix = "yes" if rule.fixes else ""
    return {"rule": rule.id, "level": rule.level, "criterion": rule.criterion, "fix": fix, "problem": rule.problem}


def _tell_rule(rule: Rule) -> None:
    click.secho(rule.id, bold=True, nl=False)
    click.echo(f" ({rule.level}, {rule.criterion}{', fixed by --fix' * rule.fixes})\n\n{rule.problem}")
    for title, example in (("Wrong", rule.wrong), ("Right", rule.right)):
        click.secho(f"\n{title}:", bold=True)
        lines = example.splitlines()
        for line in lines[:_SHOWN]:
            click.echo(f"  {line}")
        if len(lines) > _SHOWN:
            click.echo(f"  ... ({len(lines) - _SHOWN} more lines)")
