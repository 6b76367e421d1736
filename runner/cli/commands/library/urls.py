"""`runbook urls`: Print the runbook_url of each alert for Prometheus, or check existing rule files."""

from collections.abc import Sequence
from pathlib import Path

import click

from runner.cli import context
from runner.cli.option_groups import forms
from runner.cli.output.table import print_json
from runner.cli.output.terminal import safe
from runner.core.errors import ExitCode
from runner.core.wording import counted
from runner.kinds.ansible_yaml import dump
from runner.library.alerts.prometheus_rules import KEY
from runner.library.alerts.runbook_urls import Url
from runner.model.yaml.finding import Level
from runner.services.library.publish_library import alert_urls, check_rule_files


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
    if files:
        _check(files, base_url, form)
    elif base_url is None:
        raise click.UsageError("--base-url (or RUNBOOK_BASE_URL) says where the runbooks are published")
    else:
        _emit(alert_urls(context.library(), base_url), form)


def _check(files: Sequence[Path], base: str | None, form: str) -> None:
    checked = check_rule_files(files, context.library(), base)
    if form == "json":
        print_json(checked.findings)
    else:
        for finding in checked.findings:
            click.echo(safe(str(finding)))
        click.echo(f"{counted(checked.files, 'file')}, {counted(len(checked.findings), 'finding')}", err=True)
    if any(finding.level is Level.ERROR for finding in checked.findings):
        raise click.exceptions.Exit(ExitCode.INVALID)


def _emit(urls: Sequence[Url], form: str) -> None:
    complete = [each for each in urls if each.url]
    if form == "json":
        print_json(urls)
        return
    if complete:
        click.echo(dump({each.alertname: {"annotations": {KEY: each.url}} for each in complete}), nl=False)
    for each in urls:
        if each.why:
            click.echo(f"without a URL: {each.id} {safe(each.title)}: {safe(each.why)}", err=True)
