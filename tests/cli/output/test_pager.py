"""What is longer than a terminal is read in the reader's pager; in a pipe, and where it fits, it is printed."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios

import click
import pytest
from harness import PATIENCE
from harness.fakes import runbook_file
from harness.ssh_lab import script

COMMAND = [sys.executable, "-m", "runner"]


def on_a_terminal(here, words, *, rows, **environment):
    """What `runbook WORDS` shows on a real terminal of so many rows."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, 100, 0, 0))
    environ = {key: value for key, value in os.environ.items() if key not in {"LINES", "COLUMNS", "LESS", "NO_COLOR"}}
    with subprocess.Popen(
        [*COMMAND, *words],
        cwd=here,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={**environ, "TERM": "xterm", **environment},
    ) as process:
        os.close(slave)
        shown = b""
        try:
            while chunk := os.read(master, 65536):
                shown += chunk
        except OSError:  # Linux says so when nobody holds the other end any more
            pass
        assert process.wait(timeout=PATIENCE) == 0
    os.close(master)
    return shown.decode()


@pytest.fixture
def show(tmp_path):
    runbook_file(tmp_path)
    pager = script(tmp_path / "pager", "echo PAGED; cat")
    return lambda rows: on_a_terminal(tmp_path, ["show", "RUN-001"], rows=rows, PAGER=str(pager))


def test_only_what_does_not_fit_goes_through_the_pager(show):
    assert show(200).startswith("\x1b[1mRUN-001")
    assert show(5) == "PAGED\r\n" + click.unstyle(show(200))


def test_in_a_pipe_there_is_none(tmp_path):
    runbook_file(tmp_path)
    environ = {**os.environ, "PAGER": "/bin/false", "LINES": "2"}

    shown = subprocess.check_output([*COMMAND, "show", "RUN-001"], text=True, env=environ, cwd=tmp_path)

    assert shown.startswith("RUN-001 ")
