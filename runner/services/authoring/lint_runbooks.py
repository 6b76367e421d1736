"""Find what is wrong in runbooks, fix what can safely be fixed, and score them by the checklist."""

from __future__ import annotations

import os
from codecs import BOM_UTF8
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field, replace
from datetime import date, datetime
from functools import cached_property
from pathlib import Path

from runner.compiler.committed_playbook import is_stale
from runner.core.deferred import dataclass
from runner.core.errors import InvalidInputError
from runner.escalation.reached_contacts import ReachedContacts
from runner.executor.inventory.project_file import NAME
from runner.executor.inventory.project_settings import ProjectSettings
from runner.library.inventory import encrypted, variables, vaulted
from runner.library.library import Library
from runner.library.root import shown
from runner.library.runbook_source import Source
from runner.lint.autofix import mended
from runner.lint.engine import Excepted, Report, examine
from runner.lint.lint_context import LintContext
from runner.lint.score import Mark, score
from runner.model.contacts import Contact, read_contacts
from runner.model.yaml.finding import Finding, InvalidFileError, Level
from runner.store import durable

_MANY = 100
"""Runbooks from which on it pays to start other processes."""


@dataclass(frozen=True)
class LintRequest:
    """What runbooks are judged by: the day, the `inventories` that somebody named, and if vaults can be opened.

    The directory `state` says which contacts were ever reached; without one nobody knows.
    """

    library: Library
    today: date
    inventories: tuple[Path, ...] = ()
    has_vault_password: bool = False
    state: Path | None = None

    @cached_property
    def reached(self) -> frozenset[str] | None:
        """The contacts whom a page has ever reached, None where there is no state directory."""
        if self.state is None or not self.state.is_dir():
            return None
        return ReachedContacts(self.state / "reached").names()


@dataclass(frozen=True)
class LintedRunbooks:
    """Everything that is wrong, what the files except from rules, and what could not be looked at.

    `fixes` says in how many places each file was fixed; `unread` are encrypted files of inventories.
    """

    findings: Sequence[Finding]
    excepted: Sequence[Excepted]
    fixes: Mapping[Path, int]
    unread: Sequence[Path]

    def bad(self, *, strict: bool) -> bool:
        """Whether one is an error, or where it is `strict` a warning."""
        return any(each.level is Level.ERROR or (strict and each.level is Level.WARNING) for each in self.findings)


@dataclass(frozen=True)
class ScoredRunbook:
    """A runbook with its mark for each criterion; without any where it does not load, for so many `faults`."""

    name: str
    marks: Sequence[Mark]
    faults: int = 0


def lint_runbooks(
    names: Sequence[str], request: LintRequest, *, fix: bool = False, workers: int | None = None
) -> LintedRunbooks:
    """Everything that is wrong in the runbooks `names`, each an id or a file, after what can be fixed is fixed.

    Many are linted in several processes at once: in `workers`, or in as many as there are processors.

    Raises:
        InvalidInputError: there is no such runbook, or it cannot be written; or Ansible cannot read an inventory; or
            the settings of the library are wrong.
    """
    ProjectSettings.read(request.library.root / NAME)
    linter = _Linter(request)
    fixes = {path: count for name in names if fix for path, count in linter.fix(name)}
    reports = _reports(linter, names, workers or (len(os.sched_getaffinity(0)) if len(names) >= _MANY else 1))
    # What is wrong in contacts.yml is found with every runbook, and reported once.
    findings = list(dict.fromkeys(finding for report in reports for finding in report.findings))
    excepted = [each for report in reports for each in report.excepted]
    return LintedRunbooks(findings, excepted, fixes, linter.unread)


def _reports(linter: _Linter, names: Sequence[str], workers: int) -> list[Report]:
    """What is wrong in each of the runbooks `names`, in their order."""
    first = [linter.report(name) for name in names[:1]]  # which reads what all have in common
    if workers == 1:
        return [*first, *map(linter.report, names[1:])]
    from concurrent.futures import ProcessPoolExecutor  # noqa: PLC0415 - only a large library needs them
    from multiprocessing import get_context  # noqa: PLC0415

    with ProcessPoolExecutor(workers, mp_context=get_context("fork")) as pool:
        answers = pool.map(linter.attempt, names[1:], chunksize=max(1, len(names) // (4 * workers)))
        return [*first, *(report or linter.report(name) for name, report in zip(names[1:], answers, strict=True))]


def score_runbooks(
    names: Iterable[str], request: LintRequest, state: Path
) -> tuple[tuple[ScoredRunbook, ...], Sequence[Path]]:
    """The marks of the runbooks `names`, and the encrypted files that were not read.

    A runbook counts as tested on the day of the last run that passed, as the state directory `state` has it.

    Raises:
        InvalidInputError: there is no such runbook; or Ansible cannot read an inventory.
    """
    linter, tested = _Linter(request), _days_of_tests(state)
    return tuple(linter.scored(name, tested) for name in names), linter.unread


def _days_of_tests(state: Path) -> Mapping[str, date]:
    """The day of the last run that passed, by the SHA-256 of the runbook's text."""
    from runner.store.state_directory import StateDirectory  # noqa: PLC0415 - only a score needs it

    runs = [run.state for run in StateDirectory.open(state).runs()] if state.is_dir() else []
    passed = (run for run in runs if run.outcome == "passed" and run.mode != "dry-run" and run.finished)
    passed = (run for run in passed if not run.steps or any("passed" in hosts.values() for hosts in run.steps.values()))
    return {run.sha256: datetime.fromisoformat(run.finished).date() for run in passed}


@dataclass(frozen=True, slots=True)
class _KnownVariables:
    """The variables that inventories set, None where there is none; `incomplete` says that others may be set as well.

    `vaulted` are those of them, or of their parts, that ansible-vault has encrypted, as far as that is known.
    """

    names: frozenset[str] | None
    vaulted: frozenset[str] = frozenset()
    incomplete: bool = False


@dataclass
class _Linter:
    """Lints runbooks of one request; what several have in common is read once."""

    request: LintRequest
    unread: list[Path] = field(default_factory=list)
    _variables: dict[frozenset[Path], _KnownVariables] = field(default_factory=dict)
    _contacts: dict[Path, Mapping[str, Contact]] = field(default_factory=dict)

    def report(self, name: str) -> Report:
        """What is wrong in the runbook `name`."""
        try:
            linted = self._context(name)
        except InvalidFileError as error:
            return Report(tuple(error.findings))
        report = examine(linted)
        if any(finding.level is Level.ERROR for finding in report.findings):
            return report  # these are fixed first, and the playbook is compiled then
        return replace(report, findings=(*report.findings, *_not_compiled(self.request.library, linted.source)))

    def attempt(self, name: str) -> Report | None:
        """The same in another process; None where that process has something to say that only this one can report."""
        known = len(self.unread)
        try:
            report = self.report(name)
        except InvalidInputError:
            return None
        return report if len(self.unread) == known else None

    def fix(self, name: str) -> Iterable[tuple[Path, int]]:
        """Fix the runbook `name`: its file and in how many places, where there are any."""
        try:
            linted = self._context(name)
        except InvalidFileError:
            return
        text, count = mended(linted)
        if count:
            _write(linted.source, text)
            yield linted.source.path, count

    def scored(self, name: str, tested: Mapping[str, date]) -> ScoredRunbook:
        """The marks of the runbook `name`."""
        try:
            linted = self._context(name)
        except InvalidFileError as error:
            return ScoredRunbook(name, (), len(error.findings))
        day = tested.get(linted.source.sha256)
        marks = score(linted.runbook, examine(linted).findings, tested=day, today=linted.today)
        return ScoredRunbook(name, marks)

    def _context(self, name: str) -> LintContext:
        library, today = self.request.library, self.request.today
        # A draft that lies elsewhere may be called anything, and its people are those of the library.
        source = library.source(name, named=_in_library(name))
        beside = source.path.parent / "contacts.yml"
        people = beside if beside.exists() else library.root / "runbooks" / "contacts.yml"
        roots = {library.root.absolute(), source.path.absolute().parent.parent}
        known = self._known_variables(frozenset(root / "inventories" for root in roots))
        if people not in self._contacts:
            self._contacts[people] = read_contacts(people, file=shown(people))
        return LintContext(
            source,
            self._contacts[people],
            today,
            variables=known.names,
            vaulted=known.vaulted,
            incomplete=known.incomplete,
            reached=self.request.reached,
        )

    def _known_variables(self, folders: frozenset[Path]) -> _KnownVariables:
        if folders not in self._variables:
            self._variables[folders] = self._read_variables(folders)
        return self._variables[folders]

    def _read_variables(self, folders: frozenset[Path]) -> _KnownVariables:
        named = self.request.inventories
        paths = [path for path in (*sorted(folders), *named) if path.exists()]
        if not paths:
            return _KnownVariables(None)
        names = frozenset(name for path in paths for name in variables(path))
        secret = frozenset(name for path in paths for name in vaulted(path))
        hidden = list(dict.fromkeys(file for path in paths for file in encrypted(path)))
        if hidden and not self.request.has_vault_password:
            self.unread += [file for file in hidden if file not in self.unread]
            return _KnownVariables(names, secret, incomplete=True)
        if not (named or hidden):
            return _KnownVariables(names, secret)
        from runner.executor.inventory import inventory_hosts  # noqa: PLC0415 - only who asks Ansible needs it

        asked = [*named, *(each for folder in folders if hidden for each in inventory_hosts.inventories_in(folder))]
        found = inventory_hosts.variables(asked) if asked else None
        return _KnownVariables(names | found.names, secret | found.vaulted) if found else _KnownVariables(names, secret)


def _in_library(name: str) -> bool:
    return "." not in name or Path(os.path.realpath(name)).parent.name == "runbooks"


def _not_compiled(library: Library, source: Source) -> list[Finding]:
    """That a run would be refused, as the playbook is not what the runbook compiles to."""
    path = library.playbook(source)
    if not _in_library(str(source.path)) or not is_stale(library, source):
        return []
    state = "is not what this compiles to" if path.exists() else "is not there"
    message = f"{shown(path)} {state}, so every run is refused"
    hint = f"runbook compile {source.runbook.id}, then review the difference"
    return [Finding(shown(source.path), 1, 1, "", Level.WARNING, "stale-playbook", message, hint)]


def _write(source: Source, text: str) -> None:
    mark = BOM_UTF8 if source.text.startswith(BOM_UTF8) else b""
    try:
        durable.write(source.path.resolve(), mark + text.encode(), keep_mode=True)
    except OSError as error:
        raise InvalidInputError(f"{source.path} cannot be written: {error.strerror}") from None
