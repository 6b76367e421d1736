"""What holds for every test: property tests have no deadline, and look at the same examples each time."""

from __future__ import annotations

import gc
import signal

import pytest
from harness import EXAMPLES
from harness.engine import Engine
from hypothesis import settings

pytest_plugins = ["harness.audit_logs", "harness.longest_first"]

gc.disable()  # what is collected stays until the end: to look through it again and again is a fifth of the time


# Whoever starts the tests in the background of a shell script makes them ignore Ctrl-C, and what they start as well.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_configure(config):
    """`--hypothesis-seed=NUMBER` looks at other examples, the same ones for the same number."""
    same = config.getoption("hypothesis_seed") is None
    settings.register_profile("runbook", deadline=None, derandomize=same, max_examples=EXAMPLES)
    settings.load_profile("runbook")


def pytest_collection_finish():
    gc.freeze()
    gc.enable()


@pytest.fixture(autouse=True, scope="session")
def _cache(tmp_path_factory):
    """What a test leaves in a cache does not stay with whoever runs it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def engine(tmp_path, monkeypatch):
    """A run on a bench, with a stand-in for Ansible."""
    return Engine(tmp_path, monkeypatch)
