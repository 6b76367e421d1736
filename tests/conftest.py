"""What holds for every test: property tests have no deadline, and find the same examples each time where CI judges."""

from __future__ import annotations

import os
import signal

import pytest
from harness.engine import Engine
from hypothesis import settings

pytest_plugins = ["harness.audit_logs"]

settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")

# Whoever starts the tests in the background of a shell script makes them ignore Ctrl-C, and what they start as well.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def engine(tmp_path, monkeypatch):
    """A run on a bench, with a stand-in for Ansible."""
    return Engine(tmp_path, monkeypatch)
