"""The form in which a command prints."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from runner.cli.output.formats import forms


@click.command
@forms(["text", "json", "sarif"])
def command(form):
    click.echo(form)


@pytest.mark.parametrize(
    ("words", "form"),
    [([], "text"), (["--json"], "json"), (["--format", "sarif"], "sarif"), (["--format=json"], "json")],
)
def test_the_first_is_what_a_person_reads_and_json_has_a_short_name(words, form):
    assert CliRunner().invoke(command, words).output == f"{form}\n"


def test_another_is_refused():
    assert CliRunner().invoke(command, ["--format", "xml"]).exit_code == 2
