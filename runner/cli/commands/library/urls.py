"""`runbook urls`: Print the runbook_url of each alert for Prometheus, or check existing rule files."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from runner.cli import context
from runner.cli.output.formats import forms
from runner.cli.output.terminal import counted, safe
from runner.core.errors import ExitCode, InvalidInputError
from runner.kinds.ansible_yaml import dump
from runner.library.alerts.prometheus_rules import KEY, opened
from runner.library.alerts.prometheus_urls import check
from runner.library.alerts.runbook_urls import Url, urls
from runner.library.snapshot import Collection, read
from runner.model.yaml.finding import Level


@click.command("urls")
@click.option("--base-url", envvar="RUNBOOK_BASE_URL", help="Where runbooks are published; {id} stands for RUN-001.")
@forms(("yaml", "json"))
@click.option(
    "--check",
    "files",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Rule file or directory; may be repeated.",
)
def command(base_url: str | None, form: str, files: Sequence[Path]) -> None:
    """Print the runbook_url annotation of each alert, to be copied into Prometheus rules.

    With --check, check rule files instead: exit 2 if an alert has no runbook_url, or one that is wrong or leads to a
    runbook that does not exist.
    """
    if base_url is not None and not re.fullmatch(r"https?://[^/\s{}]+(?:/(?:[^\s{}]|\{id\})*)?", base_url):
        raise InvalidInputError(f"--base-url {base_url}: is no URL", hint="like https://runbooks.example.com")
    collection = read(context.library(), context.cache()).whole()
    if files:
        _check(files, collection, base_url, form)
    elif base_url is None:
        raise click.UsageError("--base-url (or RUNBOOK_BASE_URL) says where the runbooks are published")
    else:
        _emit(list(urls(collection, base_url)), form)


def _check(files: Sequence[Path], collection: Collection, base: str | None, form: str) -> None:
    there = [file for path in files for file in opened(path)]
    found = [finding for file in there for finding in check(file, collection, base)]
    if form == "json":
        click.echo(json.dumps([asdict(finding) for finding in found], indent=2))
    else:
        for finding in found:
            click.echo(safe(str(finding)))
        click.echo(f"{counted(len(there), 'file')}, {counted(len(found), 'finding')}", err=True)
    if any(finding.level is Level.ERROR for finding in found):
        raise click.exceptions.Exit(ExitCode.INVALID)


def _emit(found: Sequence[Url], form: str) -> None:
    there = [each for each in found if each.url]
    if form == "json":
        click.echo(json.dumps([asdict(each) for each in found], indent=2))
        return
    if there:
        click.echo(dump({each.alertname: {"annotations": {KEY: each.url}} for each in there}), nl=False)
    for each in found:
        if each.why:
            click.echo(f"without a URL: {each.id} {safe(each.title)}: {safe(each.why)}", err=True)
