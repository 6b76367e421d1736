"""Options that several commands have together."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from runner.cli.option_groups import forms, together


def test_the_first_of_several_options_comes_first():
    @click.command()
    @together(click.option("--one"), click.option("--other"))
    def command(one, other):
        del one, other

    assert [option.name for option in command.params] == ["one", "other"]


@click.command
@forms(["text", "json", "sarif"])
def formed(form):
    click.echo(form)


@pytest.mark.parametrize(
    ("words", "form"),
    [([], "text"), (["--json"], "json"), (["--format", "sarif"], "sarif"), (["--format=json"], "json")],
)
def test_the_first_is_what_a_person_reads_and_json_has_a_short_name(words, form):
    assert CliRunner().invoke(formed, words).output == f"{form}\n"


def test_another_form_is_refused():
    assert CliRunner().invoke(formed, ["--format", "xml"]).exit_code == 2
