"""What a rule of lint is about: its problem, what is wrong and what is right."""

from __future__ import annotations

import json

import click

from runner.cli.output.pager import paged
from runner.cli.output.table import draw
from runner.core.errors import InvalidInputError
from runner.lint.engine import rules
from runner.lint.rules.base import Rule
from runner.model.yaml.finding import did_you_mean

_SHOWN = 14


def explain(name: str, form: str) -> None:
    """Print what the rule `name` is about; without a name, the list of rules.

    Raises:
        InvalidInputError: there is no such rule.
    """
    if name and name not in rules():
        hint = did_you_mean(name, rules()) or "runbook lint --explain lists them; what the reader finds explains itself"
        raise InvalidInputError(f"no rule is called {name!r}", hint=hint)
    chosen = [rules()[name]] if name else list(rules().values())
    if form == "json":
        click.echo(json.dumps([_data(rule) for rule in chosen], indent=2))
    elif name:
        with paged():
            _tell(chosen[0])
    else:
        draw([_row(rule) for rule in chosen], empty="no rules")


def _data(rule: Rule) -> dict[str, object]:
    shown = {key: getattr(rule, key) for key in ("id", "level", "criterion", "problem", "wrong", "right", "fixes")}
    return {key: value if isinstance(value, bool) else str(value) for key, value in shown.items()}


def _row(rule: Rule) -> dict[str, object]:
    fix = "yes" if rule.fixes else ""
    return {"rule": rule.id, "level": rule.level, "criterion": rule.criterion, "fix": fix, "problem": rule.problem}


def _tell(rule: Rule) -> None:
    click.secho(rule.id, bold=True, nl=False)
    click.echo(f" ({rule.level}, {rule.criterion}{', fixed by --fix' * rule.fixes})\n\n{rule.problem}")
    for title, example in (("Wrong", rule.wrong), ("Right", rule.right)):
        click.secho(f"\n{title}:", bold=True)
        lines = example.splitlines()
        for line in lines[:_SHOWN]:
            click.echo(f"  {line}")
        if len(lines) > _SHOWN:
            click.echo(f"  ... ({len(lines) - _SHOWN} more lines)")
