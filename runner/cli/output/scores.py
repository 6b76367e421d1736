"""The score of each runbook by the checklist, and what speaks against a better one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime

import click

from runner.cli import context
from runner.cli.output.table import draw
from runner.cli.output.terminal import safe
from runner.lint.engine import examine
from runner.lint.lint_context import LintContext
from runner.lint.score import QUESTIONS, Mark, score
from runner.model.yaml.finding import Finding
from runner.store.state_directory import StateDirectory

Scored = tuple[str, LintContext | None, Sequence[Finding]]


def draw_scores(runbooks: Sequence[Scored], *, as_json: bool) -> None:
    """Print a row for each runbook with its marks, and below what is missing."""
    tested = _tested()
    marks = {name: _marks(linted, tested) if linted else () for name, linted, _ in runbooks}
    if as_json:
        click.echo(json.dumps({name: _data(found) for name, found in marks.items()}, indent=2))
        return
    draw([_row(name, found) for name, found in marks.items()], empty="no runbooks here")
    for name, linted, faults in runbooks:
        if linted is None:
            click.echo(f"{safe(name)}: does not load ({len(faults)} findings, see runbook lint {safe(name)})")
        for mark in marks[name]:
            for reason in mark.reasons:
                click.echo(f"{safe(name)}: {mark.criterion}: {safe(reason)}")


def _marks(linted: LintContext, tested: dict[str, date]) -> tuple[Mark, ...]:
    found = examine(linted).findings
    day = tested.get(linted.source.sha256)
    return score(linted.runbook, found, tested=day, today=linted.today)


def _row(name: str, marks: Sequence[Mark]) -> dict[str, object]:
    met = {str(criterion): "-" for criterion in QUESTIONS} | {
        str(mark.criterion): "yes" * mark.met or "no" for mark in marks
    }
    return {"runbook": name, "score": f"{sum(mark.met for mark in marks)}/{len(QUESTIONS)}", **met}


def _data(marks: Sequence[Mark]) -> dict[str, object]:
    about = {str(mark.criterion): {"met": mark.met, "reasons": list(mark.reasons)} for mark in marks}
    return {"score": sum(mark.met for mark in marks), "of": len(QUESTIONS), "criteria": about}


def _tested() -> dict[str, date]:
    """The day of the last run that passed, by the SHA-256 of the runbook's text."""
    if not context.state_path().is_dir():
        return {}
    state: StateDirectory = context.state()
    passed = [run.state for run in state.runs() if run.state.outcome == "passed" and run.state.mode != "dry-run"]
    return {each.sha256: datetime.fromisoformat(each.finished).date() for each in passed if each.finished}
