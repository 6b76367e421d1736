"""Every command where what surrounds it is broken: streams that are closed or full, no working directory, broken files."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest
from harness import PATIENCE
from harness.fakes import RUN_ID, runbook_file

from runner.cli import cli

APART = {"demo"}
"""It makes a world of its own, which takes longer than all the others together."""

WORDS = {
    "approve": [RUN_ID],
    "audit": ["verify"],
    "cancel": [RUN_ID],
    "deprecate": ["RUN-001", "--reason", "Old"],
    "find": ["disk"],
    "impact": ["MON-001"],
    "import": ["page.md"],
    "new": ["RUN-002", "--category", "incident"],
    "plan": ["RUN-001", "-i", "inventory.yml"],
    "preflight": ["RUN-001", "-i", "inventory.yml"],
    "registry": ["list"],
    "run": ["RUN-001", "-i", "inventory.yml"],
    "show": [RUN_ID],
    "export": ["RUN-001"],
    "resume": ["last"],
    "undo": ["last"],
    "completion": ["bash"],
    "site": ["site"],
    "watch": ["--once"],
}
COMMANDS = sorted(set(cli.list_commands(click.Context(cli))) - APART)

WAYS = {
    "no standard input": "os.close(0)",
    "no standard output": "os.close(1)",
    "no standard error": "os.close(2)",
    "a full standard output": "os.dup2(os.open('/dev/full', os.O_WRONLY), 1)",
    "a full standard error": "os.dup2(os.open('/dev/full', os.O_WRONLY), 2)",
    "a reader that is gone": "r, w = os.pipe(); os.close(r); os.dup2(w, 1)",
    "no working directory": "d = tempfile.mkdtemp(); os.chdir(d); os.rmdir(d)",
    "broken files": "[p.write_text('{') for p in pathlib.Path('.runbook').rglob('*') if p.is_file()]",
}
OF_EVERY_COMMAND = {
    "nobody to hear it": "os.close(0); os.dup2(os.open('/dev/full', os.O_WRONLY), 1)",
    **{way: WAYS[way] for way in ("a reader that is gone", "no working directory", "broken files")},
}
PROGRAM = """\
import importlib, json, os, pathlib, pkgutil, shutil, sys, tempfile
import runner
from runner.cli import main
from runner.cli.system import System
from runner.executor.testing import ScriptedExecutor
for module in pkgutil.walk_packages(runner.__path__, "runner."):  # once, and not in each child
    if not any(part in module.name for part in (".plugins.", ".lab.", "__main__")):
        importlib.import_module(module.name)
system = System(executor=lambda: ScriptedExecutor(hosts={"all": ["h1"]})) if sys.argv[2] == "scripted" else System()
for number, (words, break_it) in enumerate(json.load(open(sys.argv[1]))):
    if (child := os.fork()) == 0:
        errors = os.open(f"{sys.argv[1]}.{number}", os.O_RDWR | os.O_CREAT)
        os.dup2(errors, 2)
        os.dup2(os.open(os.devnull, os.O_RDWR), 0)
        os.dup2(errors, 1)
        shutil.copytree(".", here := tempfile.mkdtemp(dir=".."), dirs_exist_ok=True)
        os.chdir(here)
        sys.argv = ["runbook", *words]
        exec(break_it)
        try:
            main(system)
        except SystemExit as end:
            code = end.code
        except BaseException:
            import traceback
            os.write(errors, traceback.format_exc().encode())
            code = 99
        os._exit(code)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A library with one runbook, and a state directory with a run that has failed."""
    here = tmp_path_factory.mktemp("world")
    runbook_file(here)
    (here / "page.md").write_text("# RUN-003: Page\n")
    local = f"{{ansible_connection: local, ansible_python_interpreter: {sys.executable}, runbook_environment: local}}"
    (here / "inventory.yml").write_text(f"all: {{vars: {local}, hosts: {{h1: }}}}\n")
    for words in (["compile"], ["run", *WORDS["run"]]):
        program = [sys.executable, "-m", "runner", *words]
        subprocess.run(program, cwd=here, check=True, capture_output=True, timeout=PATIENCE)
    (run,) = (here / ".runbook" / "runs").iterdir()
    return here, run.name


def done(world, cases, executor):
    """For each case of a command and a way to break what surrounds it: the exit code, and all that it printed.

    `executor` is `ansible` or `scripted`, the stand-in for it.
    """
    here, run = world
    named = [([run if word == RUN_ID else word for word in words], break_it) for words, break_it in cases]
    file = here.parent / f"cases-{len(cases)}-{hash(str(named)) % 10**6}"
    file.write_text(json.dumps(named))
    program = [sys.executable, "-c", PROGRAM, str(file), executor]
    ended = subprocess.run(program, cwd=here, check=True, capture_output=True, text=True, timeout=PATIENCE)
    printed = [Path(f"{file}.{number}").read_text() for number in range(len(cases))]
    return list(zip(map(int, ended.stdout.split()), printed, strict=True))


@pytest.mark.parametrize("way", OF_EVERY_COMMAND)
def test_every_command_ends_with_a_code_and_a_sentence(world, way):
    cases = [([name, *WORDS.get(name, [])], OF_EVERY_COMMAND[way]) for name in COMMANDS]

    for name, (code, printed) in zip(COMMANDS, done(world, cases, "scripted"), strict=True):
        assert code in {0, 1, 2, 4, 7}, (name, code, printed)
        assert not any(word in printed for word in ("Traceback", "Exception ignored", "defect")), (name, printed)
        assert printed.strip() or code == 0 or way == "a reader that is gone", (name, code)


def test_a_run_ends_as_it_ends_whoever_listens(world):
    ways = [way for way in WAYS if way not in {"no working directory", "broken files"}]
    closed = [way for way in ways if way.startswith("no ")]  # what Ansible is started with may lie where they were
    still = [way for way in ways if way not in closed]

    for some, executor in ((closed, "ansible"), (still, "scripted")):
        ended = done(world, [(["run", *WORDS["run"], "--json"], WAYS[way]) for way in some], executor)
        assert dict(zip(some, [code for code, _ in ended], strict=True)) == dict.fromkeys(some, 0), ended
