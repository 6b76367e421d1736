"""One Prometheus with its Alertmanager for all tests of probes that ask them: each test sets what they see."""

import os

import pytest
from harness.monitoring import monitoring
from harness.moto_server import moto

from runner.kinds.probes.asked_service import UnknownError


@pytest.fixture(scope="session")
def watched(tmp_path_factory):
    with monitoring(tmp_path_factory.mktemp("monitoring")) as made:
        yield made


@pytest.fixture
def why():
    """Why a look finds nothing out; empty where it does."""

    def why(look, question, now=0.0):
        try:
            look(question, now)
        except UnknownError as error:
            return str(error)
        return ""

    return why


@pytest.fixture(scope="session")
def aws(tmp_path_factory):
    with moto(tmp_path_factory.mktemp("moto")) as made:
        yield made


@pytest.fixture
def credentials(monkeypatch, tmp_path):
    """Keys in the environment, and nothing else of this machine that AWS' tools would look at."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-key-of-a-test")
