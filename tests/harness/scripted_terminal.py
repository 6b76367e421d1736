"""`runbook` on a terminal of its own, with the scripted executor behind it."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager

import pexpect

from harness import PATIENCE, TESTS

_PROGRAM = """
import sys
sys.path.insert(0, {tests!r})
from runner.executor.testing import ScriptedExecutor
made = ScriptedExecutor(**{options!r})
sys.argv = ["runbook", *{words!r}]
from runner.cli import main
from runner.cli.system import System
main(System(executor=lambda: made))
"""


@contextmanager
def terminals(home, command, *, columns, **options):
    """What starts `command` with more words on a terminal; `options` are those of the scripted executor."""
    started = []

    def start(*words, **environment):
        program = _PROGRAM.format(tests=str(TESTS), options=options, words=[*command, *words])
        env = {"PATH": os.environ["PATH"], "HOME": str(home), "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
        child = pexpect.spawn(
            sys.executable,
            ["-c", program],
            env=env | environment,
            timeout=PATIENCE,
            dimensions=(40, columns),
            encoding="utf-8",
        )
        started.append(child)
        return child

    yield start
    for child in started:
        child.close(force=True)


def ended(child):
    """What was shown until the end, and the exit code."""
    child.expect(pexpect.EOF)
    shown = child.before
    child.close()
    return shown, child.exitstatus
