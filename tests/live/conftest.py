"""What runs Ansible for real is marked `live`."""

from __future__ import annotations

import pytest
from harness.bench import Bench, by_engine
from harness.places import Place, reach, sshd_hosts


def pytest_collection_modifyitems(items):
    for item in items:
        if "/live/" in str(item.path):
            item.add_marker(pytest.mark.live)


@pytest.fixture
def bench(tmp_path, request):
    made = Bench(tmp_path, by_engine(request))
    made.hosts()
    return made


@pytest.fixture(scope="session")
def up(tmp_path_factory):
    """One host of real sshd, for all tests."""
    with sshd_hosts(tmp_path_factory.mktemp("ssh") / "hosts", {"here": "127.0.77.71"}) as hosts:
        yield hosts


@pytest.fixture
def place(bench, request):
    """A bench that works in the way that the test is given as a parameter."""
    way = request.param
    if way == "local":
        return Place(bench, way)
    up = request.getfixturevalue("up")
    reach(bench, up, way)
    return Place(bench, way, tuple(up.servers.values()))
