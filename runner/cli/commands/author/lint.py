"""`runbook lint`: Find what is wrong in runbooks, with file, line and column; explain, fix, score."""

from __future__ import annotations

import os
import tempfile
from codecs import BOM_UTF8
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from runner.cli import context
from runner.cli.known_variables import known_variables
from runner.cli.output import findings as findings_shown
from runner.cli.output.formats import forms
from runner.cli.output.rule_explanation import explain
from runner.cli.output.scores import draw_scores
from runner.cli.output.terminal import counted
from runner.cli.prompts.input_options import vault_option
from runner.compiler.committed_playbook import is_stale
from runner.core.errors import ExitCode, InvalidInputError
from runner.library.library import Library, Source, shown
from runner.lint.autofix import mended
from runner.lint.engine import Report, check_plugins, context_of, examine
from runner.lint.lint_context import LintContext
from runner.model.contacts import read_contacts
from runner.model.yaml.finding import Finding, InvalidFileError, Level

_LEVELS = [str(level) for level in Level]


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
    known = tuple(context.inventories(inventory, library)) if inventory else ()
    names = runbooks or tuple(library.ids())
    if score:
        draw_scores([(name, *_linted(library, name, known)) for name in names], as_json=form == "json")
        return
    reports = [_report(library, name, known, fix=fix) for name in names]
    # What is wrong in contacts.yml is found with every runbook, and told once.
    findings = list(dict.fromkeys(each for report in reports for each in report.findings))
    told = [each for each in findings if _LEVELS.index(each.level) <= _LEVELS.index(level)]
    excepted = [each for report in reports for each in report.excepted]
    click.echo(findings_shown.FORMS[form](told, excepted, names), nl=False)
    also = f", {len(excepted)} excepted" if excepted else ""
    click.echo(f"{counted(len(names), 'runbook')}, {counted(len(told), 'finding')}{also}", err=True)
    bad = {Level.ERROR, Level.WARNING} if strict else {Level.ERROR}
    if any(each.level in bad for each in findings):
        raise click.exceptions.Exit(ExitCode.INVALID)


def _linted(library: Library, name: str, inventories: tuple[Path, ...]) -> tuple[LintContext | None, Sequence[Finding]]:
    try:
        # A draft that lies elsewhere may be called anything, and its people are those of the library.
        source = library.source(name, named=_in_library(name))
        return _around(library, source, inventories), ()
    except InvalidFileError as error:
        return None, error.findings


def _in_library(name: str) -> bool:
    return "." not in name or Path(name).resolve().parent.name == "runbooks"


def _around(library: Library, source: Source, inventories: tuple[Path, ...]) -> LintContext:
    beside = source.path.parent / "contacts.yml"
    people = beside if beside.exists() else library.root / "runbooks" / "contacts.yml"
    folders = frozenset({library.root.absolute() / "inventories", source.path.absolute().parent.parent / "inventories"})
    known = known_variables(folders, inventories)
    contacts = read_contacts(people, file=shown(people))
    today = context.clock().wall.date()
    return context_of(source, contacts, today=today, variables=known.names, incomplete=known.incomplete)


def _report(library: Library, name: str, inventories: tuple[Path, ...], *, fix: bool) -> Report:
    linted, faults = _linted(library, name, inventories)
    if linted and fix:
        _fix(linted)
        linted, faults = _linted(library, name, inventories)
    if linted is None:
        return Report(tuple(faults))
    report = examine(linted)
    if any(each.level is Level.ERROR for each in report.findings):
        return report  # which is mended first, and the playbook compiled then
    return replace(report, findings=(*report.findings, *_unreviewed(library, linted.source)))


def _unreviewed(library: Library, source: Source) -> list[Finding]:
    """That a run would be refused, as the playbook is not what the runbook compiles to."""
    path = library.playbook(source)
    if not _in_library(str(source.path)) or not is_stale(library, source):
        return []
    state = "is not what this compiles to" if path.exists() else "is not there"
    message = f"{shown(path)} {state}, so every run is refused"
    hint = f"runbook compile {source.runbook.id}, then review the difference"
    return [Finding(shown(source.path), 1, 1, "", Level.WARNING, "stale-playbook", message, hint)]


def _fix(linted: LintContext) -> None:
    text, count = mended(linted)
    if not count:
        return
    path = linted.source.path
    mark = BOM_UTF8 if linted.source.text.startswith(BOM_UTF8) else b""
    try:
        _write(path.resolve(), mark + text.encode())
    except OSError as error:
        raise InvalidInputError(f"{path} cannot be written: {error.strerror}") from None
    click.echo(f"{shown(path)}: fixed in {counted(count, 'place')}", err=True)


def _write(path: Path, text: bytes) -> None:
    """Put `text` into the file at once, so that nobody reads half of it."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text)
        Path(name).chmod(path.stat().st_mode & 0o7777)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
