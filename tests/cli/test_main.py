"""The one error boundary: every error has its words, its exit code, and no traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import click
import pytest
from harness import PATIENCE

from runner.cli import as_typed, cli, complain
from runner.core import errors
from runner.core.errors import RunbookError
from runner.library.library import Library

COMMANDS = [
    "ack",
    "approve",
    "audit",
    "cancel",
    "compile",
    "completion",
    "demo",
    "deprecate",
    "drill",
    "escalate",
    "export",
    "find",
    "gate",
    "impact",
    "import",
    "lab",
    "links",
    "lint",
    "list",
    "locks",
    "matrix",
    "new",
    "notify",
    "pending",
    "plan",
    "preflight",
    "readiness",
    "registry",
    "resume",
    "run",
    "schedule",
    "schema",
    "show",
    "site",
    "status",
    "undo",
    "urls",
    "watch",
]
KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, RunbookError)]


def raising(monkeypatch, error):
    """`runbook list` meets `error`."""

    def fail(*_):
        raise error

    monkeypatch.setattr("runner.cli.commands.library.list._runbooks", fail)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_error_has_its_words_and_its_exit_code(runbook, monkeypatch, kind):
    raising(monkeypatch, kind("it is broken", hint="mend it"))

    ran = runbook("list")

    assert (ran.code, ran.out, ran.err) == (int(kind.exit_code), "", "error: it is broken\nhint: mend it\n")


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (KeyboardInterrupt(), 130, "\ninterrupted\n"),
        (click.Abort(), 130, "interrupted\n"),
        (NotADirectoryError(20, "Not a directory", "/x/y"), 2, "error: /x/y: Not a directory\n"),
        (OSError("no more processes"), 2, "error: no more processes\n"),
        (
            click.UsageError("not so"),
            2,
            "Usage: runbook list [OPTIONS]\nTry 'runbook list --help' for help.\n\nError: not so\n",
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_what_else_may_go_wrong_is_no_traceback_either(runbook, monkeypatch, error, code, said):
    raising(monkeypatch, error)

    ran = runbook("list")

    assert (ran.code, ran.out, ran.err) == (code, "", said)


def test_what_an_error_quotes_can_not_speak_to_the_terminal(capsys):
    complain(RunbookError("one\nl\x1b[2Jne\r", hint="a\nb\x07"))

    assert capsys.readouterr().err == "error: one\nl\\x1b[2Jne\\r\nhint: a\\nb\\x07\n"


@pytest.mark.parametrize(
    ("hint", "shown"),
    [
        (
            "runbook status X shows where, runbook cancel X stops it",
            "/a b/runbook status X shows where, /a b/runbook cancel X stops it",
        ),
        ("the runbook lists its hosts; a runbook shows them", "the runbook lists its hosts; a runbook shows them"),
        ("/opt/runbook status X", "/opt/runbook status X"),
    ],
)
def test_a_command_in_a_hint_is_typed_by_its_path_where_a_shell_does_not_find_it(hint, shown):
    assert as_typed(hint, "/a b/runbook") == shown.replace("/a b/runbook", "'/a b/runbook'")
    assert as_typed(hint, "") == hint


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["lst"], "Error: No such command 'lst'. Did you mean 'list'?"),
        (["verify"], "Error: No such command 'verify'."),
        (["audit", "frobnicate"], "Error: No such command 'frobnicate'."),
        (["--frobnicate"], "Error: No such option '--frobnicate'."),
        (["run"], "Error: Missing argument 'RUNBOOK'."),
        (["run", "RUN-001", "-l", "\udcff"], "Error: Argument 4, '\\udcff', is not text in UTF-8."),
        (["list", "--library", "x"], "Error: --library stands before the command: runbook --library ... list"),
    ],
)
def test_words_that_make_no_sense_are_refused_with_a_way_on(runbook, words, said):
    ran = runbook(*words)

    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err.splitlines()
    assert "--help' for help." in ran.err


def test_without_a_command_the_help_is_shown(runbook):
    ran = runbook()

    assert (ran.code, ran.out) == (2, "")
    assert all(f"  {name} " in ran.err for name in COMMANDS)


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_the_help_names_every_command_with_its_caption(runbook, flag):
    ran = runbook(flag)

    assert (ran.code, ran.err) == (0, "")
    groups = {part.partition(":\n")[0]: part.partition(":\n")[2] for part in ran.out.split("\n\n")[3:]}
    shown = {
        name: [line.split()[0] for line in part.splitlines() if line[2:3].strip()] for name, part in groups.items()
    }
    assert list(groups) == ["On call", "Calling people", "Planned work", "Writing runbooks", "Library", "Record", "Lab"]
    assert sorted(name for names in shown.values() for name in names) == COMMANDS
    assert "resume" in shown["On call"]
    assert "Run a runbook against an inventory, step by verified step" in ran.out


@pytest.mark.parametrize("command", [*([name] for name in COMMANDS), ["audit", "verify"], ["audit", "show"]])
def test_each_command_explains_itself(runbook, command):
    ran = runbook(*command, "--help")

    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(f"Usage: runbook {' '.join(command)} [OPTIONS]")
    assert "\\b" not in ran.out


def test_the_version(runbook):
    ran = runbook("--version")

    assert (ran.code, ran.out.split()[0]) == (0, "runbook")
    assert ran.out.split()[1][0].isdecimal()


def command_line(*words, **options):
    """The command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "runner", *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
        **options,
    )


SHOW_MODULES = """
import json, sys
sys.argv = ["runbook", *sys.argv[1:]]
from runner.cli import main
try:
    main()
except SystemExit:
    print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["lst"]])
def test_what_needs_no_runbook_does_not_wait_for_large_libraries(words):
    ran = subprocess.run([sys.executable, "-c", SHOW_MODULES, *words], capture_output=True, text=True, check=True)

    loaded = set(json.loads(ran.stdout.splitlines()[-1]))
    assert loaded & {"ansible", "ansible_runner", "pydantic", "rich", "jinja2", "yaml", "paramiko"} == set()


_LARGE = {"ansible", "ansible_runner", "paramiko", "rich", "http", "logging", "multiprocessing", "smtplib", "ssl"}
_READERS = {"jinja2", "pydantic", "tree_sitter", "yaml"}


@pytest.mark.parametrize(
    ("words", "without"),
    [(["--library", "shipped", "show", "RUN-001"], {*_LARGE, "sqlite3"}), (["status"], {*_LARGE, *_READERS})],
)
def test_a_command_waits_for_no_large_library_that_it_does_not_use(here, words, without):
    (here / ".runbook").mkdir(mode=0o700)
    ran = subprocess.run([sys.executable, "-c", SHOW_MODULES, *words], capture_output=True, text=True, check=True)

    assert set(json.loads(ran.stdout.splitlines()[-1])) & without == set()


def test_a_pipe_whose_reader_went_away_is_no_cause_for_noise(here):
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as pipe:
        ran = subprocess.run(
            [sys.executable, "-m", "runner", "schema", "runbook"], stdout=pipe, stderr=subprocess.PIPE, check=False
        )

    assert (ran.returncode, ran.stderr) == (1, b"")


def test_another_pipe_whose_reader_went_away_is_told(runbook, monkeypatch):
    raising(monkeypatch, BrokenPipeError(32, "Broken pipe"))

    ran = runbook("list")

    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith(
        "error: a defect of runbookctl (RuntimeError: what it was sending something to went away)"
    )


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_without_the_letters_is_no_cause_to_fail(here, encoding):
    ran = command_line("--library", "shipped", "show", "RUN-001", env={**os.environ, "PYTHONIOENCODING": encoding})

    assert (ran.returncode, ran.stderr) == (0, f"library  {Library.shipped().root}\n")


def test_a_bad_file_is_told_with_every_fault_and_nothing_is_recorded(runbook, here):
    (here / "runbooks").mkdir()
    (here / "inventory.yml").touch()
    (here / "runbooks" / "RUN-100.yml").write_text("id: RUN-100\ntitel: x\nsteps:\n  - id: A\n    comand: ls\n")

    ran = runbook("run", "RUN-100", "-i", "inventory.yml")

    told = [line.removeprefix("error: ").split(": ")[:2] for line in ran.err.splitlines()]
    assert ran.code == 2
    assert ["runbooks/RUN-100.yml:2:1", "titel"] in told
    assert ["runbooks/RUN-100.yml:5:5", "steps[0].comand"] in told
    assert ["runbooks/RUN-100.yml:1:1", "severity"] in told
    assert not (here / ".runbook").exists()


def test_a_library_that_is_none_is_refused(runbook, here):
    ran = runbook("--library", here, "list")

    assert (ran.code, ran.err) == (2, f"error: {here} holds no runbooks/\nhint: name the directory above runbooks/\n")


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_who_wants_no_colour_gets_none(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    context = click.Context(cli)

    with context:
        cli.callback(state_dir=None, library=None)

    assert context.color is False
