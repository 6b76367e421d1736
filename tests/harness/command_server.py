"""The command in a process of its own that need not start Python and import the product again: it is forked.

It is the same `main()`, with the arguments, the environment, the working directory and the streams that it would have.
Where a test says what Ansible answers, the shipped stand-in for Ansible answers that for a host `here`.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from harness import TESTS

PROGRAM = """\
import functools, importlib, json, os, pkgutil, sys
sys.path.insert(0, TESTS)
from harness import forked_programs
sys.path.remove(TESTS)
import runner
from runner.cli import main
from runner.cli.system import System
from runner.executor.testing import ScriptedExecutor
for module in pkgutil.walk_packages(runner.__path__, "runner."):
    if not any(part in module.name for part in (".plugins.", ".lab.", "__main__")):
        importlib.import_module(module.name)
for form in ("md", "html"):
    runner.render.report_html.report_template(form)
forked_programs.prepare()
replies = os.dup(1)
while line := sys.stdin.readline():
    asked = json.loads(line)
    child = os.fork()
    if child == 0:
        break
    os.write(replies, b"%d\\n" % child)
    os.write(replies, b"%d\\n" % os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
else:
    sys.exit()
os.close(replies)
for number, (path, mode) in enumerate([(os.devnull, os.O_RDONLY), (asked["out"], os.O_WRONLY), (asked["err"], os.O_WRONLY)]):
    opened = os.open(path, mode)
    os.dup2(opened, number)
    os.close(opened)
sys.stdin = open(0, closefd=False)
os.environ.clear()
os.environ.update(asked["environment"])
os.chdir(asked["directory"])
sys.argv = ["runbook", *asked["words"]]
if answers := asked["answers"]:
    answers = {tuple(task.split()): tuple(answer) for task, answer in answers.items()}
    main = functools.partial(main, System(executor=lambda: ScriptedExecutor(hosts={"all": ["here"]}, answers=answers)))
forked_programs.end(main)
"""


class CommandServer:
    """Does one command after the other, with what Python finds in `path` besides."""

    def __init__(self, path=""):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        environment = {**os.environ, "PYTHONPATH": str(path)} if path else None
        self._process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM.replace("TESTS", repr(str(TESTS)))], **pipes, env=environment
        )
        self._answered = b""

    def do(self, words, *, environment, directory, patience, answers=None):
        """The exit code, and what was written to the standard output and to the standard error.

        `answers` has what a stand-in for Ansible says, by step and part: `{"act action": ("failed", {"rc": 1})}`.
        """
        with tempfile.TemporaryDirectory() as place:
            out, err = Path(place, "out"), Path(place, "err")
            out.touch()
            err.touch()
            asked = {"words": list(map(str, words)), "environment": environment, "directory": str(directory)}
            asked["answers"] = answers
            self._process.stdin.write(json.dumps({**asked, "out": str(out), "err": str(err)}).encode() + b"\n")
            self._process.stdin.flush()
            child = self._number(60)
            try:
                code = self._number(patience)
            except TimeoutError:
                os.kill(child, signal.SIGKILL)
                self._number(60)
                raise subprocess.TimeoutExpired(list(words), patience, out.read_text(), err.read_text()) from None
            return code, out.read_text(), err.read_text()

    def _number(self, patience):
        """The next number that it answers: each stands in a line of its own."""
        answers = select.poll()
        answers.register(self._process.stdout, select.POLLIN)
        while b"\n" not in self._answered:
            if not answers.poll(patience * 1000):
                raise TimeoutError
            self._answered += os.read(self._process.stdout.fileno(), 100)
        line, _, self._answered = self._answered.partition(b"\n")
        return int(line)

    def close(self):
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


@functools.cache
def command_server():
    """The one of this process, until it ends."""
    made = CommandServer()
    atexit.register(made.close)
    return made
