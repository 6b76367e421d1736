"""Where things are, and who we are."""

from __future__ import annotations

import os
import pwd
import subprocess
from dataclasses import replace
from pathlib import Path

import click
import pytest
from harness.fakes import runbook_file

from runner.cli import context, system
from runner.cli.system import System
from runner.core.errors import InvalidInputError
from runner.core.identifiers import is_run_id
from runner.library.library import Library


@pytest.fixture
def group(here):
    """The options that stand before the command, as click keeps them."""
    with click.Context(click.Command("runbook"), obj=context.CommandContext(None, None, System())) as group:
        yield group


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

    assert (system.secret("env:KEY"), system.secret(f"file:{here / 'key'}")) == ("k1", "k2")
    with pytest.raises(ValueError, match="^the environment variable ABSENT is not set$"):
        system.secret("env:ABSENT")
    with pytest.raises(ValueError, match="^/absent cannot be read: No such file or directory$"):
        system.secret("file:/absent")


@pytest.mark.parametrize(("path", "typed"), [("bin", "runbook"), ("", "{}/bin/runbook")])
def test_a_command_is_typed_by_its_path_where_a_shell_does_not_find_it(group, here, monkeypatch, path, typed):
    program = here / "bin" / "runbook"
    program.parent.mkdir()
    program.touch(0o755)
    monkeypatch.setattr("sys.argv", [str(program), "run"])
    monkeypatch.setenv("PATH", str(here / path) if path else "/nowhere")

    assert context.typed(["ack", "last"]) == f"{typed.format(here)} ack last"


def test_the_actor_is_who_the_kernel_says_whatever_the_environment_claims(monkeypatch):
    monkeypatch.setenv("USER", "somebody-else")
    monkeypatch.delenv("SUDO_USER", raising=False)
    user = pwd.getpwuid(os.getuid()).pw_name

    assert (system.actor().user, system.actor().pid) == (user, os.getpid())


def test_behind_sudo_both_are_told(monkeypatch):
    monkeypatch.setenv("SUDO_USER", "alice")

    assert system.actor().user.endswith(" (sudo by alice)")


def test_a_user_without_a_name_is_a_number(monkeypatch):
    def unknown(_):
        raise KeyError

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    monkeypatch.delenv("SUDO_USER", raising=False)

    assert system.actor().user == str(os.getuid())


def test_run_ids_are_valid_and_never_the_same():
    made = [system.new_run_id() for _ in range(100)]

    assert all(map(is_run_id, made))
    assert len(set(made)) == 100


def test_the_clock_knows_both_times_and_the_boot():
    first, second = system.clock(), system.clock()

    assert first.wall.tzinfo is not None
    assert (second.monotonic >= first.monotonic, first.boot_id) == (True, second.boot_id)
    assert len(first.boot_id) == 36


def test_the_state_is_where_the_flag_says_else_the_environment_else_here(group, monkeypatch):
    found = [context.state_path()]
    monkeypatch.setenv("RUNBOOK_STATE", "/from/environment")
    found.append(context.state_path())
    group.obj = replace(group.obj, state_dir=Path("/from/flag"))
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


LOOKS = [["list"], ["lint"], ["show", "RUN-001"], ["matrix"], ["plan", "RUN-001", "-i", "inventory.yml"]]


@pytest.mark.parametrize("words", LOOKS)
def test_outside_of_any_library_none_is_used_and_it_is_said_how_to_begin(runbook, here, words):
    ran = runbook(*words)

    assert (ran.code, ran.out, list(here.iterdir())) == (2, "", [])
    assert ran.err == (
        f"error: there is no library here: neither {here} nor a directory above it holds runbooks/ with RUN- files\n"
        "hint: runbook new --category incident creates one here; --library DIR names another, --library shipped the examples "
        "that come with the product; runbook demo shows it at work\n"
    )


def test_the_library_that_is_shipped_is_used_where_it_is_asked_for_and_named(runbook, here):
    ran = runbook("--library", "shipped", "list")

    assert (ran.code, ran.err, list(here.iterdir())) == (0, f"library  {Library.shipped().root}\n", [])
    assert "RUN-001" in ran.out


@pytest.mark.parametrize("words", LOOKS)
def test_below_a_library_it_is_the_one_that_is_used_and_it_is_named(
    runbook, library, ansible, here, monkeypatch, words
):
    # Given a directory two levels below the library, with Markdown pages in a directory that is called like its own
    below = here / "services" / "shop"
    (below / "runbooks").mkdir(parents=True)
    (below / "runbooks" / "README.md").touch()
    above = runbook(*words)
    monkeypatch.chdir(below)

    ran = runbook(*words)

    # Then the answer is the same, and where it comes from is said
    assert (ran.code, ran.err.splitlines()[0]) == (above.code, f"library  {here}")
    assert ran.out.replace(f"{here}/", "") == above.out


def test_a_run_below_a_library_is_recorded_beside_it(runbook, library, ansible, here, monkeypatch):
    below = here / "services"
    below.mkdir()
    monkeypatch.chdir(below)

    ran = runbook("run", "RUN-001", "-i", "inventory.yml")

    assert (ran.code, list(below.iterdir())) == (0, [])
    assert (here / ".runbook").is_dir()


def test_a_directory_that_everybody_may_write_to_is_no_library_for_those_below(runbook, library, here, monkeypatch):
    here.chmod(0o1777)
    (here / "mine").mkdir()
    monkeypatch.chdir(here / "mine")

    assert "there is no library here" in runbook("list").err


def test_a_runbook_that_is_named_by_its_file_is_one_of_the_library_it_lies_in(
    runbook, library, ansible, here, tmp_path
):
    # Given another library, whose runbook has the same id
    path = runbook_file(tmp_path / "other", title="Disk of another team")

    ran = runbook("show", path)

    assert (ran.code, ran.err) == (0, f"library  {tmp_path / 'other'}\n")
    assert "Disk of another team" in ran.out


@pytest.mark.parametrize("command", ["run", "plan", "preflight"])
@pytest.mark.parametrize("words", [[], ["-i", "nowhere"]])
def test_without_an_inventory_those_there_are_are_named_with_their_class(runbook, library, here, command, words):
    for name, said in (("local", "runbook_environment: local\n"), ("prod", "x: 1\n")):
        (here / "inventories" / name / "group_vars").mkdir(parents=True)
        (here / "inventories" / name / "group_vars" / "all.yml").write_text(said)
    (here / "inventories" / "lab.ini").write_text("[web]\nh1\n[web:vars]\nrunbook_environment=lab\n")

    ran = runbook(command, "RUN-001", *words)

    message = "there is no inventory nowhere" if words else "-i INVENTORY is missing: on which hosts?"
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == (
        f"error: {message}\n"
        "  inventories/lab.ini  lab\n"
        "  inventories/local    local\n"
        "  inventories/prod     production\n"
        "hint: -i takes a file or a directory, like -i inventories/local\n"
    )


LAST = ("run", "RUN-001", "-i", "inventory.yml")
WRITES = [
    *(LAST, ("preflight", *LAST[1:]), ("resume", "last"), ("undo", "last"), ("cancel", "last"), ("status",)),
    *(("watch", "--once"), ("notify", "flush"), ("notify", "drop", "x", "--because", "y")),
    ("ack", "last"),
]
READS = [
    *(("list", "--runs"), ("show", "last"), ("audit", "verify"), ("audit", "show"), ("locks",), ("pending",)),
    *(("notify", "list"), ("find", "disk"), ("matrix",), ("plan", *LAST[1:])),
]


def test_where_the_state_cannot_be_written_whoever_writes_says_so_and_whoever_reads_reads(
    runbook, library, ansible, small_disk
):
    assert runbook("--state-dir", small_disk, *LAST).code == 0
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)

    wrote, read = ({words: runbook("--state-dir", small_disk, *words) for words in each} for each in (WRITES, READS))

    unwritable = f"error: {small_disk} cannot be written to\nhint: make it writable for yourself, or use --state-dir\n"
    nobody = "called  nobody: you read this, and `escalation.when` has no `refused`\n"
    begins = {words: (7, nobody + unwritable) for words in WRITES if words[0] == "run"}
    expected = dict.fromkeys(WRITES, (7, unwritable)) | begins
    assert begins
    assert {words: (ran.code, ran.err) for words, ran in wrote.items()} == expected
    assert "passed" in wrote["status",].out
    assert {words: ran.code for words, ran in read.items() if ran.code} == {}


def test_a_state_that_is_no_directory_is_refused(runbook, library, ansible, here):
    (here / "file").touch()
    without = {("find", "disk")}  # it needs no state

    ran = {words: runbook("--state-dir", "file", *words) for words in {*WRITES, *READS} - without}

    refused = "error: file is not a directory\nhint: name another one with --state-dir\n"
    assert {words: (each.code, each.out, each.err) for words, each in ran.items()} == dict.fromkeys(
        ran, (2, "", refused)
    )


def test_people_are_called_by_hand_and_for_an_unattended_run_though_nothing_can_be_written(
    runbook, library, ansible, small_disk
):
    assert runbook("--state-dir", small_disk, *LAST).code == 0
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)

    called = runbook("--state-dir", small_disk, "escalate", "last", "--because", "the data is wrong")
    refused = runbook("--state-dir", small_disk, *LAST, "--auto")

    assert (called.code, "on-call" in called.out) == (8, True), called
    assert (refused.code, "on-call" in refused.err) == (7, True), refused


def test_a_state_that_cannot_be_read_is_refused_with_the_code_of_one_that_cannot_be_written(
    runbook, here, unprivileged
):
    (here / ".runbook").mkdir(mode=0)

    refused = (7, "error: .runbook: Permission denied\nhint: make it writable for yourself, or use --state-dir\n")
    for words in (["--state-dir", ".runbook", "status"], ["list", "--runs"]):
        ran = runbook(*words)
        assert (ran.code, ran.err) == refused
