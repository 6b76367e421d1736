"""Who is root is where their labs are; how anybody else gets there is shown with a whole lab."""

import os
from pathlib import Path

import click
import pytest

from runner.cli import context
from runner.cli.lab_entry import enter, enter_for
from runner.cli.system import System

INVENTORIES = (Path("inventories/lab"), Path("/run/runbook-lab/two/inventory.yml"))


@pytest.fixture
def command(here):
    option = click.Option(["-i"])
    with click.Context(click.Command("run"), obj=context.CommandContext(None, None, System())) as entered:
        yield lambda inventories: enter_for(entered, option, inventories)


def test_inventories_stay_as_they_are_where_no_lab_is_to_be_entered(command):
    assert [command(each) for each in ((), INVENTORIES)] == [(), INVENTORIES]


@pytest.mark.skipif(os.geteuid() != 0, reason="anybody else would go on in a namespace of their own")
def test_root_goes_on_at_once(command):
    assert enter() is None
