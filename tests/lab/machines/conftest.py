"""What the tests of the lab's machines share: names of their own, which no lab of this machine has."""

import os
import pwd
import subprocess

import pytest
from harness.ordinary_user import OrdinaryUser

from runner.core.errors import InvalidInputError
from runner.lab.machines.control_groups import hierarchies
from runner.lab.machines.image import current_image
from runner.lab.machines.lab_directory import Place
from runner.lab.machines.lab_teardown import tear_down
from runner.lab.machines.requirements import PROGRAMS, require
from runner.lab.machines.topology import Topology
from runner.library.root import cache_directory


@pytest.fixture
def root():
    """Whoever may mount, make control groups and network namespaces."""
    if os.geteuid() != 0 or not hierarchies():
        pytest.skip("only root, where control groups of version 2 are mounted, can have machines")
    if subprocess.run(["unshare", "--net", "--mount", "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("this root may not make namespaces")


@pytest.fixture(scope="module")
def ordinary_user():
    """Somebody who is not root."""
    with OrdinaryUser() as user:
        yield user


@pytest.fixture
def place(root, tmp_path):
    """Where labs may be that are none: nothing is in them, and no other lab is touched."""
    prefix = f"t{os.getpid() % 10000}x"
    yield Place(tmp_path / "labs", prefix)
    for network in range(2):
        tear_down(Topology(network, prefix))


@pytest.fixture(scope="session")
def cache():
    """Where the image is: it is made once, by hand or by CI, not in the caches of the tests."""
    if os.geteuid() != 0:
        pytest.skip("the tests of the machines use them as root does; they make a user without root themselves")
    path = cache_directory({"HOME": pwd.getpwuid(os.geteuid()).pw_dir}) / "lab"
    try:
        require(PROGRAMS)
        current_image(path)
    except InvalidInputError as error:
        pytest.skip(f"{error.message}: {error.hint}")
    return path
