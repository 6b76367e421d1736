"""What runs Ansible for real is marked `live`."""

from __future__ import annotations

import pytest
from bench import Bench


def pytest_collection_modifyitems(items):
    for item in items:
        if "/live/" in str(item.path):
            item.add_marker(pytest.mark.live)


@pytest.fixture
def bench(tmp_path):
    made = Bench(tmp_path)
    made.hosts()
    return made
