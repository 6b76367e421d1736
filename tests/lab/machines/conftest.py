"""What the tests of the lab's machines share: names of their own, which no lab of this machine has."""

import os
import subprocess

import pytest

from runner.lab.machines.control_groups import hierarchies
from runner.lab.machines.lab_directory import Place
from runner.lab.machines.lab_teardown import tear_down
from runner.lab.machines.topology import Topology


@pytest.fixture
def root():
    """Whoever may mount, make control groups and network namespaces."""
    if os.geteuid() != 0 or not hierarchies():
        pytest.skip("only root, where control groups of version 2 are mounted, can have machines")
    if subprocess.run(["unshare", "--net", "--mount", "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("this root may not make namespaces")


@pytest.fixture
def place(root, tmp_path):
    """Where labs may be that are none: nothing is in them, and no other lab is touched."""
    prefix = f"t{os.getpid() % 10000}x"
    yield Place(tmp_path / "labs", prefix)
    for network in range(2):
        tear_down(Topology(network, prefix))
