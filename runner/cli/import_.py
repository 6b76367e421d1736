"""`runbook import`: Read runbooks that are written in Markdown into YAML that loads, and say what needs a person."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from runner.cli import context
from runner.cli.terminal import counted, safe
from runner.definition.beginning import SCHEMA_LINE, begin
from runner.definition.catalog import Library, shown
from runner.definition.finding import Finding, Level
from runner.definition.markdown.convert import convert
from runner.definition.model import Category
from runner.errors import ExitCode, InvalidInputError
from runner.record import durable

_ENDINGS = (".md", ".markdown", ".mdown", ".mkd")
_LARGEST = 4 * 1024 * 1024


@click.command("import")
@click.argument("pages", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option("--into", type=click.Path(path_type=Path, file_okay=False), help="Where to write.  [default: runbooks/]")
@click.option("--category", type=click.Choice([str(each) for each in Category]), help="Of pages that do not say.")
@click.option("--id", "name", metavar="ID", help="Of the one page that has none; else the next free one.")
@click.option("--force", is_flag=True, help="Write over runbooks that are there.")
@click.option("--dry-run", is_flag=True, help="Print the YAML, and write nothing.")
@click.option("--json", "as_json", is_flag=True, help="What was made and found, as JSON.")
def command(
    pages: tuple[Path, ...],
    *,
    into: Path | None,
    category: str | None,
    name: str | None,
    force: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Import PAGES: Markdown files, or directories of them.

    Nothing is guessed: what no command says is for a person (`manual`, `confirm`), and everything that a person should
    look at is a finding with its line. What finds no place is kept as a comment.
    """
    where = into or context.own_library().root / "runbooks"
    ids = _Ids(where, name)
    place = _Place(where, "" if into else SCHEMA_LINE, writes=not dry_run, force=force)
    rows = [_import(page, place, ids, category) for page in _pages(pages)]
    begun = list(begin(where)) if place.writes and not into and any(row.runbooks for row in rows) else []
    if as_json:
        click.echo(json.dumps([asdict(row) for row in rows], indent=2))
    else:
        for row in rows:
            row.tell(dry_run=dry_run)
        for path in begun:
            click.echo(f"wrote  {shown(path)}")
    if any(finding.level is Level.ERROR for row in rows for finding in row.findings):
        raise click.exceptions.Exit(ExitCode.INVALID)


@dataclass(frozen=True)
class _Place:
    """Where runbooks are written to, and whether; `head` stands above each."""

    where: Path
    head: str
    writes: bool
    force: bool


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

    def tell(self, *, dry_run: bool) -> None:
        """Say it to a person; the YAML itself goes to the output only when it was not written."""
        for made in self.runbooks:
            if dry_run:
                click.echo(made.text)
            else:
                click.echo(f"wrote  {made.path}  ({counted(made.steps, 'step')}) from {safe(self.page)}")
        for finding in self.findings:
            click.echo(safe(str(finding)), err=True)
        click.echo(f"{safe(self.page)}: {counted(len(self.findings), 'finding')}", err=True)


class _Ids:
    """Ids for pages that have none: the one that was given, once, then those that are free in `where`."""

    def __init__(self, where: Path, given: str | None) -> None:
        self._given, self._where, self._last = given, where, 0

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


def _import(page: Path, place: _Place, ids: _Ids, category: str | None) -> _Imported:
    made = convert(_read(page), file=shown(page), new_id=ids.next, category=category)
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


def _pages(paths: Sequence[Path]) -> Iterator[Path]:
    """The Markdown files that are meant by `paths`."""
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        found = sorted(file for file in path.rglob("*") if file.suffix.lower() in _ENDINGS and file.is_file())
        if not found:
            raise InvalidInputError(
                f"{path} holds no Markdown", hint=f"files that end with {', '.join(_ENDINGS)} are read"
            )
        yield from found


def _read(page: Path) -> bytes:
    if page.stat().st_size > _LARGEST:
        raise InvalidInputError(
            f"{page} is larger than {_LARGEST // 1024 // 1024} MiB", hint="a runbook is a few pages"
        )
    return page.read_bytes()
