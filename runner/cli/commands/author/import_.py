"""`runbook import`: Convert Markdown runbooks to YAML that loads, and list what a person must complete."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import click

from runner.cli import context
from runner.cli.output.table import print_json
from runner.cli.output.terminal import safe
from runner.core.errors import ExitCode
from runner.core.wording import counted, grouped
from runner.library.library import Library
from runner.library.root import shown
from runner.markdown.draft import Defaults
from runner.model.category import Category
from runner.model.severity import Severity
from runner.model.yaml.finding import Level
from runner.services.authoring.import_documents import ImportedPage, ImportRequest, import_pages

_ORDER = (Level.ERROR, Level.WARNING, Level.INFO)


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
    contacts = tuple(filter(None, (options["contacts"] or "").replace(" ", "").split(",")))
    defaults = Defaults(**{key: options[key] for key in ("category", "severity", "owner", "hosts")}, contacts=contacts)
    imported = import_pages(
        ImportRequest(
            library=Library(into) if into else context.own_library(),
            pages=pages,
            defaults=defaults,
            into=into,
            name=name,
            force=options["force"],
            dry_run=options["dry_run"],
        )
    )
    several = len(imported.pages) > 1
    if options["as_json"]:
        print_json(imported.pages)
    else:
        for page in imported.pages:
            _show(page, dry_run=options["dry_run"], details=options["details"] or not several)
        for path in imported.files:
            click.echo(f"wrote  {safe(shown(path))}")
        if several:
            _summarise(imported.pages, details=options["details"])
    if imported.has_errors:
        raise click.exceptions.Exit(ExitCode.INVALID)


def _show(page: ImportedPage, *, dry_run: bool, details: bool) -> None:
    """Show what a page became; the YAML itself goes to the output only if it was not written."""
    for runbook in page.runbooks:
        if dry_run:
            click.echo(runbook.text)
        else:
            click.echo(f"wrote  {safe(str(runbook.path))}  ({counted(runbook.steps, 'step')}) from {safe(page.page)}")
    for finding in page.findings:
        if details or finding.level is Level.ERROR:
            click.echo(safe(str(finding)), err=True)
    click.echo(f"{safe(page.page)}: {counted(len(page.findings), 'finding')}", err=True)


def _summarise(pages: Sequence[ImportedPage], *, details: bool) -> None:
    """How many findings there are of each kind, and in how many pages, the most serious and most frequent first."""
    found = [(finding, page.page) for page in pages for finding in page.findings]
    kinds = grouped(((finding.level, finding.rule), page) for finding, page in found)
    empty = sum(not page.runbooks for page in pages)
    click.echo(
        f"\n{counted(len(pages), 'page')}, {empty} without a runbook, {counted(len(found), 'finding')}:", err=True
    )
    for (level, rule), files in sorted(kinds.items(), key=lambda kind: (_ORDER.index(kind[0][0]), -len(kind[1]))):
        click.echo(f"  {level:8} {rule:20} {len(files):5} in {counted(len(set(files)), 'page')}", err=True)
    if not details:
        click.echo("hint: --details shows each finding with its line; so does importing a single page", err=True)
