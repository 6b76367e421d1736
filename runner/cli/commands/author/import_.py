"""`runbook import`: Convert Markdown runbooks to YAML that loads, and list what a person must complete."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

import click

from runner.cli import context
from runner.cli.output.terminal import counted, safe
from runner.core.errors import ExitCode, InvalidInputError
from runner.library.bootstrap import SCHEMA_LINE, begin
from runner.library.library import Library, shown
from runner.markdown.convert import convert
from runner.markdown.draft import Defaults
from runner.model.runbook import Category, Severity
from runner.model.yaml.finding import Finding, Level
from runner.store import durable

_ENDINGS = (".md", ".markdown", ".mdown", ".mkd")
_LARGEST = 4 * 1024 * 1024


@click.command("import")
@click.argument("pages", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option("--into", type=click.Path(path_type=Path, file_okay=False), help="Where to write.  [default: runbooks/]")
@click.option("--category", type=click.Choice([str(each) for each in Category]), help="For pages that name none.")
@click.option("--severity", type=click.Choice(get_args(Severity)), help="For pages that name none.")
@click.option("--owner", metavar="CONTACT", help="For pages that name none.")
@click.option("--hosts", metavar="PATTERN", help="For pages that name none.")
@click.option("--contacts", metavar="CONTACT,...", help="Whom to call, for pages that name nobody.")
@click.option("--id", "name", metavar="ID", help="For a single page without an id.  [default: the next free id]")
@click.option("--force", is_flag=True, help="Overwrite existing runbooks.")
@click.option("--dry-run", is_flag=True, help="Print the YAML; write nothing.")
@click.option("--details", is_flag=True, help="Print each finding, also if there are several pages.")
@click.option("--json", "as_json", is_flag=True, help="The new runbooks and the findings, as JSON.")
def command(pages: tuple[Path, ...], *, into: Path | None, name: str | None, **options: Any) -> None:
    """Import PAGES: Markdown files, or directories of them.

    Nothing is guessed. Where a page gives no command, the step is for a person (`manual`, `confirm`). Everything that a
    person should check is a finding with its line, and text without a place is kept as a comment. In a directory, pages
    that have no command and do not call themselves a runbook are skipped.
    """
    where = into or context.own_library().root / "runbooks"
    found = list(_pages(pages))
    ids = _Ids(where, name, taken={number for page, _ in found for number in _numbers(page)})
    contacts = tuple(filter(None, (options["contacts"] or "").replace(" ", "").split(",")))
    otherwise = Defaults(**{key: options[key] for key in ("category", "severity", "owner", "hosts")}, contacts=contacts)
    head = "" if into else SCHEMA_LINE
    place = _Place(where, head, writes=not options["dry_run"], force=options["force"], otherwise=otherwise)
    rows = [_import(page, place, ids, sure=sure) for page, sure in found]
    begun = list(begin(where)) if place.writes and not into and any(row.runbooks for row in rows) else []
    if options["as_json"]:
        click.echo(json.dumps([asdict(row) for row in rows], indent=2))
    else:
        several = len(rows) > 1
        for row in rows:
            row.tell(dry_run=options["dry_run"], details=options["details"] or not several)
        for path in begun:
            click.echo(f"wrote  {shown(path)}")
        if several:
            _summarise(rows, details=options["details"])
    if any(finding.level is Level.ERROR for row in rows for finding in row.findings):
        raise click.exceptions.Exit(ExitCode.INVALID)


def _summarise(rows: Sequence[_Imported], *, details: bool) -> None:
    """How many findings there are of each kind, and in how many pages, the most serious and most frequent first."""
    found = [(finding, row.page) for row in rows for finding in row.findings]
    kinds: dict[tuple[Level, str], list[str]] = {}
    for finding, page in found:
        kinds.setdefault((finding.level, finding.rule), []).append(page)
    empty = sum(not row.runbooks for row in rows)
    click.echo(
        f"\n{counted(len(rows), 'page')}, {empty} without a runbook, {counted(len(found), 'finding')}:", err=True
    )
    for (level, rule), pages in sorted(kinds.items(), key=lambda kind: (_ORDER.index(kind[0][0]), -len(kind[1]))):
        click.echo(f"  {level:8} {rule:20} {len(pages):5} in {counted(len(set(pages)), 'page')}", err=True)
    if not details:
        click.echo("hint: --details shows each finding with its line; so does importing a single page", err=True)


_ORDER = (Level.ERROR, Level.WARNING, Level.INFO)


@dataclass(frozen=True)
class _Place:
    """Where runbooks are written to, and whether; `head` stands above each, `otherwise` is for what none says."""

    where: Path
    head: str
    writes: bool
    force: bool
    otherwise: Defaults


@dataclass(frozen=True)
class _Made:
    """What one runbook of a page became; `path` is empty where nothing was written."""

    id: str
    path: str
    steps: int
    text: str


@dataclass(frozen=True)
class _Imported:
    """What a page became."""

    page: str
    runbooks: list[_Made]
    findings: list[Finding]

    def tell(self, *, dry_run: bool, details: bool) -> None:
        """Say it to a person; the YAML itself goes to the output only when it was not written."""
        for made in self.runbooks:
            if dry_run:
                click.echo(made.text)
            else:
                click.echo(f"wrote  {made.path}  ({counted(made.steps, 'step')}) from {safe(self.page)}")
        for finding in self.findings:
            if details or finding.level is Level.ERROR:
                click.echo(safe(str(finding)), err=True)
        click.echo(f"{safe(self.page)}: {counted(len(self.findings), 'finding')}", err=True)


class _Ids:
    """Ids for pages that have none: the one that was given, once, then those free in `where` and in all the pages."""

    def __init__(self, where: Path, given: str | None, *, taken: Collection[int]) -> None:
        self._given, self._where, self._last = given, where, max(taken, default=0)

    def next(self) -> str:
        """The next one."""
        given, self._given = self._given, None
        if given:
            return given
        first = int(Library(self._where.parent).next_id()[4:]) if self._where.name == "runbooks" else self._beside()
        self._last = max(self._last + 1, first)
        return f"RUN-{self._last:03}"

    def _beside(self) -> int:
        numbers = [int(path.stem[4:]) for path in self._where.glob("RUN-*.yml") if path.stem[4:].isdecimal()]
        return max(numbers, default=0) + 1


def _import(page: Path, place: _Place, ids: _Ids, *, sure: bool) -> _Imported:
    made = convert(_read(page), file=shown(page), new_id=ids.next, otherwise=place.otherwise, sure=sure)
    findings, done = list(made.findings), []
    for one in made.runbooks:
        path, text = place.where / f"{one.id}.yml", place.head + one.text
        if path.exists() and place.writes and not place.force:
            hint = "--force writes over it, --into DIR writes elsewhere"
            message = f"{one.id} is there already: {shown(path)}"
            findings.append(Finding(shown(page), one.line, 1, "", Level.ERROR, "import-exists", message, hint))
            continue
        if place.writes:
            place.where.mkdir(parents=True, exist_ok=True)
            durable.write(path, text)
        done.append(_Made(one.id, shown(path) if place.writes else "", len(one.runbook.steps), text))
    return _Imported(shown(page), done, sorted(findings))


def _numbers(page: Path) -> Iterator[int]:
    """The number of each runbook that the page speaks of."""
    yield from (int(number) for number in re.findall(rb"RUN-([0-9]{3,6})", _read(page)))


def _pages(paths: Sequence[Path]) -> Iterator[tuple[Path, bool]]:
    """The Markdown files that are meant by `paths`, and whether each only counts when it is surely a runbook."""
    for path in paths:
        if not path.is_dir():
            yield path, False
            continue
        found = sorted(file for file in path.rglob("*") if file.suffix.lower() in _ENDINGS and file.is_file())
        if not found:
            raise InvalidInputError(
                f"{path} holds no Markdown", hint=f"files that end with {', '.join(_ENDINGS)} are read"
            )
        yield from ((file, True) for file in found)


def _read(page: Path) -> bytes:
    if page.stat().st_size > _LARGEST:
        raise InvalidInputError(
            f"{page} is larger than {_LARGEST // 1024 // 1024} MiB", hint="a runbook is a few pages"
        )
    return page.read_bytes()
