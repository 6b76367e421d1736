"""Where things are, and who we are."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import click
import pytest

from runner.cli import context
from runner.definition.catalog import Library
from runner.errors import InvalidInputError
from runner.identifiers import is_run_id


@pytest.fixture
def group(here):
    """The options that stand before the command, as click keeps them."""
    options = {"state_dir": None, "library": None}
    with click.Context(click.Command("runbook"), obj=options):
        yield options


def test_inventories_are_absolute_and_looked_for_here_and_then_in_the_library(here, tmp_path):
    (here / "hosts.yml").touch()
    for root in (here, tmp_path / "library"):
        (root / "inventories" / "lab").mkdir(parents=True)
    (tmp_path / "library" / "inventories" / "local").mkdir()

    paths = [Path("hosts.yml"), Path("inventories/lab"), Path("inventories/local")]

    assert context.inventories(paths, Library(tmp_path / "library")) == [
        here / "hosts.yml",
        here / "inventories" / "lab",
        tmp_path / "library" / "inventories" / "local",
    ]


def test_an_inventory_that_is_nowhere_is_refused(here):
    with pytest.raises(InvalidInputError, match="there is no inventory nowhere"):
        context.inventories([Path("nowhere")], Library(here))


def test_a_secret_is_behind_its_reference(here, monkeypatch):
    monkeypatch.setenv("KEY", "k1")
    (here / "key").write_text("k2\n")

    assert (context.secret("env:KEY"), context.secret(f"file:{here / 'key'}")) == ("k1", "k2")
    with pytest.raises(ValueError, match="^the environment variable ABSENT is not set$"):
        context.secret("env:ABSENT")
    with pytest.raises(ValueError, match="^/absent: No such file or directory$"):
        context.secret("file:/absent")


def test_the_actor_is_who_the_kernel_says_whatever_the_environment_claims(monkeypatch):
    monkeypatch.setenv("USER", "somebody-else")
    monkeypatch.delenv("SUDO_USER", raising=False)
    user = pwd.getpwuid(os.getuid()).pw_name

    assert (context.actor().user, context.actor().pid) == (user, os.getpid())


def test_behind_sudo_both_are_told(monkeypatch):
    monkeypatch.setenv("SUDO_USER", "alice")

    assert context.actor().user.endswith(" (sudo by alice)")


def test_a_user_without_a_name_is_a_number(monkeypatch):
    def unknown(_):
        raise KeyError

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    monkeypatch.delenv("SUDO_USER", raising=False)

    assert context.actor().user == str(os.getuid())


def test_run_ids_are_valid_and_never_the_same():
    made = [context.new_run_id() for _ in range(100)]

    assert all(map(is_run_id, made))
    assert len(set(made)) == 100


def test_the_clock_knows_both_times_and_the_boot():
    first, second = context.clock(), context.clock()

    assert first.wall.tzinfo is not None
    assert (second.monotonic >= first.monotonic, first.boot_id) == (True, second.boot_id)
    assert len(first.boot_id) == 36


def test_the_state_is_where_the_flag_says_else_the_environment_else_here(group, monkeypatch):
    found = [context.state_path()]
    monkeypatch.setenv("RUNBOOK_STATE", "/from/environment")
    found.append(context.state_path())
    group["state_dir"] = Path("/from/flag")
    found.append(context.state_path())

    assert found == [Path(".runbook"), Path("/from/environment"), Path("/from/flag")]


def test_a_state_that_is_absent_is_made_for_its_owner_only(group, here):
    context.state()

    assert oct((here / ".runbook").stat().st_mode)[-4:] == "0700"


def test_a_command_that_only_reads_makes_no_state(group, here):
    with pytest.raises(InvalidInputError, match="there is no state directory .runbook"):
        context.recorded()

    assert list(here.iterdir()) == []


@pytest.mark.parametrize("look", [context.state, context.recorded])
def test_a_state_that_is_a_file_is_refused(group, here, look):
    (here / ".runbook").touch()

    with pytest.raises(InvalidInputError) as raised:
        look()

    assert (raised.value.message, raised.value.hint) == (
        ".runbook is not a directory",
        "name another one with --state-dir",
    )


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777])
@pytest.mark.parametrize("look", [context.state, context.recorded])
def test_a_state_that_others_may_write_to_is_refused(group, here, mode, look):
    (here / ".runbook").mkdir()
    (here / ".runbook").chmod(mode)

    with pytest.raises(InvalidInputError) as raised:
        look()

    assert raised.value.message == ".runbook must be a directory that only you may write to"
    assert raised.value.hint == "chmod 700 .runbook, or use --state-dir"


def test_a_state_that_is_a_link_is_refused(group, here, tmp_path):
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (here / ".runbook").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(InvalidInputError, match="must be a directory"):
        context.state()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory to another user")
def test_a_state_of_another_user_is_refused(group, here):
    (here / ".runbook").mkdir(mode=0o700)
    os.chown(here / ".runbook", 65534, 65534)

    with pytest.raises(InvalidInputError, match="only you may write to"):
        context.state()
