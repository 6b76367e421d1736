"""The first word of a command may be another command, or what the command is about."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from runner.cli.words_or_arguments import WordsOrArguments


@click.command("stop")
@click.option("--all", "every", is_flag=True)
def stop(*, every):
    """End all of them."""
    click.echo(f"stops {every}")


@click.command("drill", cls=WordsOrArguments, others={"stop": stop})
@click.argument("names", nargs=-1)
def drill(*, names):
    """Do those that are named."""
    click.echo(f"drills {list(names)}")


cli = click.Group(commands={"drill": drill})


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "drills []"),
        (["RUN-001", "stop"], "drills ['RUN-001', 'stop']"),
        (["stop", "--all"], "stops True"),
    ],
)
def test_the_first_word_decides(words, said):
    assert CliRunner().invoke(cli, ["drill", *words]).output == f"{said}\n"


def test_the_help_and_what_is_known_of_it_have_the_other_commands():
    shown = CliRunner().invoke(cli, ["drill", "--help"]).output
    known = drill.to_info_dict(click.Context(drill))["others"]

    assert "Commands:\n  stop  End all of them." in shown
    assert [each["name"] for each in known["stop"]["params"]] == ["every", "_click_default_help"]
