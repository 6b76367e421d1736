"""In a real shell, Tab completes what may come next, quickly and without a word of complaint."""

from __future__ import annotations

import json
import os
import pty
import select
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from harness import PATIENCE
from harness.fakes import RUN_ID, runbook_file

from runner.cli.commands.author.completion import SHELLS

INPUTS = {
    "version": {"help": "Which one"},
    "fast": {"help": "Hurry", "type": "bool", "default": False},
    "mode": {"help": "How", "type": "enum", "values": ["all at once", "slow"], "default": "slow"},
}
STEPS = [
    {"id": "look", "name": "Look", "command": "df", "capture": {"stuck": "stdout"}, "verify": [{"exit": 0}]},
    {"id": "pick", "name": "Pick", "choose": {"pids": {"from": "stuck"}}, "command": "df", "verify": [{"exit": 0}]},
]
TRY = """
eval "$SCRIPT"
COMP_LINE=$1 COMP_POINT=${#1} COMP_CWORD=0 COMP_WORDS=()
_runbook_completion runbook
printf '%s\\n' "${COMPREPLY[@]}"
"""


@dataclass(frozen=True)
class Shell:
    """Where somebody types, and the environment there; `SCRIPT` in it is what bash was told once."""

    here: Path
    environment: dict

    def run(self, words, **environment):
        given = {"env": {**self.environment, **environment}, "cwd": self.here, "timeout": 60}
        return subprocess.run(words, capture_output=True, text=True, check=False, **given)

    def completed(self, line):
        ran = self.run(["bash", "--norc", "-c", TRY, "bash", line])
        assert (ran.returncode, ran.stderr) == (0, "")
        return ran.stdout.split("\n")[:-1]


@pytest.fixture(scope="module")
def shell(tmp_path_factory):
    """A library, a run of it and a home, and `runbook` on the path; no test changes any of it."""
    here, home = tmp_path_factory.mktemp("here"), tmp_path_factory.mktemp("home")
    runbook_file(here, inputs=INPUTS, steps=STEPS)
    runbook_file(here, id="RUN-002")
    (here / "runbooks" / "registry").mkdir()
    (here / "runbooks" / "registry" / "a.yml").write_text("MON-001: {title: Full, owner: on-call}\n")
    (here / "hosts.yml").write_text("all: {hosts: {db1: }, children: {app: {hosts: {app1: }}}}\n")
    (here / "inventories").mkdir()
    (here / "inventories" / "hosts.yml").write_text("all: {children: {web: {hosts: {web1: }}}}\n")
    run = here / ".runbook" / "runs" / RUN_ID
    run.mkdir(parents=True)
    (run / "run.json").write_text(json.dumps({"runbook": "RUN-001", "outcome": "failed"}))
    (run / "runbook.yml").write_bytes((here / "runbooks" / "RUN-001.yml").read_bytes())
    programs = home / "bin"
    programs.mkdir()
    (programs / "runbook").write_text(f'#!/bin/sh\nexec {sys.executable} -m runner "$@"\n')
    (programs / "runbook").chmod(0o755)
    unsaid = ("RUNBOOK_STATE", "NO_COLOR", "SUDO_USER", "COLUMNS")
    environment = {name: text for name, text in os.environ.items() if name not in unsaid}
    environment |= {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / "cache"),
    }
    script = Shell(here, environment).run(["runbook", "completion", "bash"])
    assert (script.returncode, script.stderr) == (0, "")
    return Shell(here, {**environment, "SCRIPT": script.stdout})


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("runbook comp", ["compile", "completion"]),
        ("runbook run RUN-", ["RUN-001", "RUN-002"]),
        ("runbook run run-", ["RUN-001", "RUN-002"]),
        ("runbook lint RUN-001 ", ["RUN-002"]),
        ("runbook plan RUN-001 -i hosts.yml -l ", ["all", "app", "db1", "app1"]),
        ("runbook plan RUN-001 -i hosts.yml -l db1,a", ["db1,all", "db1,app", "db1,app1"]),
        ("runbook plan RUN-001 -i hosts.yml -l db1:app", ["app", "app1"]),
        ("runbook plan RUN-001 -l ", [""]),
        ("runbook run RUN-001 -e ", ["version=", "fast=", "mode="]),
        ("runbook run RUN-001 -e version=1 -e ", ["fast=", "mode="]),
        ("runbook run RUN-001 -e fast=", ["true", "false"]),
        ("runbook run RUN-001 -e mode=", ["'all at once'", "slow"]),
        ("runbook run -e f", [""]),
        ("runbook run RUN-001 --confirm l", ["look"]),
        ("runbook run RUN-001 --choose ", ["pick.pids="]),
        ("runbook run --dry", ["--dry-run"]),
        ("runbook resume ", ["last", "RUN"]),
        ("runbook resume last --redo ", ["look", "pick"]),
        ("runbook resume RUN --done p", ["pick"]),
        ("runbook audit ", ["deployments", "show", "verify"]),
        ("runbook show ", ["RUN-001", "RUN-002", "last", "RUN"]),
        ("runbook find MON", ["MON-001"]),
        ("runbook impact ", ["RUN-001", "RUN-002", "MON-001", "backend-team", "on-call", "all", "web", "web1", "df"]),
        ("runbook links w", ["web", "web1"]),
        ("runbook new ", ["RUN-003"]),
        ("runbook new --owner b", ["backend-team"]),
        ("runbook deprecate ", ["RUN-001", "RUN-002"]),
        ("runbook deprecate RUN-001 --replaced-by ", ["RUN-001", "RUN-002"]),
        ("runbook lint --explain check-r", ["check-repeats-action"]),
        ("runbook gate --expect al", ["alerts:"]),
        ("runbook gate --expect alerts:MON", ["MON-001"]),
        ("runbook show RUN-001 --format ", ["md", "html", "json", "handoff"]),
        ("runbook --library /nowhere run ", [""]),
        ("runbook run 'RUN-001", ["RUN-001"]),
        ("runbook nonsense x", [""]),
        ("runbook ", None),
    ],
)
def test_bash_offers_what_may_come_next(shell, line, expected):
    # RUN stands for an id that differs from process to process, which the name of a test must not.
    offered = [word.replace(RUN_ID, "RUN") for word in shell.completed(line.replace(" RUN ", f" {RUN_ID} "))]

    assert offered == expected or (expected is None and {"run", "find", "show"} <= set(offered))


def test_a_name_that_is_to_have_a_value_is_not_followed_by_a_space(shell):
    answers = shell.run(["runbook"], _RUNBOOK_COMPLETE="bash_complete", COMP_WORDS="runbook run RUN-001 -e ")

    assert answers.stdout.split() == ["part,version=", "part,fast=", "part,mode="]


@pytest.mark.parametrize(
    ("asked", "line"),
    [
        ("bash_complete", None),
        ("bash_complete", ""),
        ("tcsh_complete", "runbook "),
        ("", "runbook "),
        ("zsh_complete", "'"),
    ],
)
def test_whatever_is_wrong_no_word_of_it_is_said(runbook, here, monkeypatch, asked, line):
    monkeypatch.setenv("_RUNBOOK_COMPLETE", asked or "x")
    monkeypatch.delenv("COMP_WORDS", raising=False)
    if line is not None:
        monkeypatch.setenv("COMP_WORDS", line)

    ran = runbook()

    assert (ran.code, ran.out.strip(), ran.err) == (0, "", "")


def test_files_that_are_broken_are_passed_over_in_silence(shell, tmp_path):
    broken = replace(shell, here=shutil.copytree(shell.here, tmp_path / "broken"))
    (broken.here / "runbooks" / "RUN-001.yml").write_text("inputs: [")
    (broken.here / "hosts.yml").write_bytes(b"\xff{")

    assert broken.completed("runbook run RUN-001 -e ") == [""]
    assert broken.completed("runbook run RUN-001 -i hosts.yml -l ") == [""]


SHOW_MODULES = """
import json, os, sys
sys.argv = ["runbook"]
from runner.cli import main
try:
    main()
except SystemExit:
    print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def test_no_large_library_is_waited_for(shell):
    words = {"_RUNBOOK_COMPLETE": "bash_complete", "COMP_WORDS": "runbook run RUN-001 -i hosts.yml -e "}
    shell.completed("runbook ")  # makes the skeleton
    ran = shell.run([sys.executable, "-c", SHOW_MODULES], **words)

    loaded = set(json.loads(ran.stdout.splitlines()[-1]))
    assert loaded & {"ansible", "ansible_runner", "pydantic", "rich", "jinja2", "paramiko"} == set()


@pytest.mark.parametrize("name", SHELLS)
def test_the_script_of_each_shell_is_printed(runbook, here, tmp_path, monkeypatch, name):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    ran = runbook("completion", name)

    assert (ran.code, ran.err) == (0, "")
    assert "_RUNBOOK_COMPLETE=" in ran.out
    assert (tmp_path / "cache" / "runbook" / "commands.json").is_file()


def test_another_shell_is_refused(runbook, here):
    assert runbook("completion", "tcsh").code == 2


def test_fish_offers_the_same(shell):
    if not shutil.which("fish"):
        pytest.skip("fish is not here")
    script = 'runbook completion fish | source; complete -C "runbook run RUN-"'
    ran = shell.run(["fish", "--no-config", "-c", script])

    assert (ran.stderr, [line.split("\t")[0] for line in ran.stdout.splitlines()]) == ("", ["RUN-001", "RUN-002"])


@pytest.mark.parametrize(
    ("command", "before"),
    [(["bash", "--norc", "-i"], ""), (["zsh", "-f", "-i"], "autoload -U compinit; compinit -D; ")],
)
def test_a_person_who_types_in_it_sees_the_word_completed(shell, command, before):
    if not shutil.which(command[0]):
        pytest.skip(f"{command[0]} is not here")
    child, terminal = pty.fork()
    if not child:
        os.chdir(shell.here)
        os.execvpe(command[0], command, shell.environment)
    try:
        os.write(terminal, f'{before}eval "$(runbook completion {command[0]})"; echo rea""dy\n'.encode())
        seen = until(terminal, b"ready\r")
        os.write(terminal, b"runbook lint RUN-001 R\t; echo do''ne\n")
        seen += until(terminal, b"done\r")
    finally:
        os.close(terminal)
        os.waitpid(child, 0)

    assert b"2 runbooks, " in seen


def until(terminal, mark):
    """What the terminal shows until `mark` is there."""
    seen, end = b"", time.monotonic() + PATIENCE
    while mark not in seen:
        ready, _, _ = select.select([terminal], [], [], max(0, end - time.monotonic()))
        assert ready, seen
        seen += os.read(terminal, 4096)
    return seen
