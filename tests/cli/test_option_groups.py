"""Options that several commands have together."""

from __future__ import annotations

import click

from runner.cli.option_groups import together


def test_the_first_of_several_options_comes_first():
    @click.command()
    @together(click.option("--one"), click.option("--other"))
    def command(one, other):
        del one, other

    assert [option.name for option in command.params] == ["one", "other"]
