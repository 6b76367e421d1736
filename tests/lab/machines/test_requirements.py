"""What is absent is named, all of it, with what to install."""

import pytest

from runner.core.errors import InvalidInputError
from runner.lab.machines.requirements import require

KERNEL = "nodev\tcgroup2\nnodev\toverlay\n\text4\n"


@pytest.fixture
def kernel(tmp_path):
    def write(text):
        path = tmp_path / "filesystems"
        path.write_text(text)
        return path

    return write


def test_where_nothing_is_absent_it_goes_on(root, kernel):
    require({"sh": "dash"}, file_systems=kernel(KERNEL))


def test_absent_programs_are_named_with_their_packages(root, kernel):
    programs = {"sh": "dash", "runbook-x": "package-x", "runbook-y": "package-y", "runbook-z": "package-y"}

    with pytest.raises(InvalidInputError) as caught:
        require(programs, file_systems=kernel(KERNEL))

    assert caught.value.message.endswith("not installed: runbook-x, runbook-y, runbook-z")
    assert caught.value.hint == "apt-get install package-x package-y"


def test_absent_features_of_the_kernel_are_named(root, kernel):
    with pytest.raises(InvalidInputError) as caught:
        require({}, file_systems=kernel("nodev\tcgroup2\n"))

    assert caught.value.message.endswith("this kernel has no file system overlay")
    assert caught.value.hint == "modprobe overlay (CONFIG_OVERLAY_FS)"


def test_what_root_of_a_user_namespace_lacks_is_named(root, kernel, tmp_path):
    ids = tmp_path / "uid_map"
    ids.write_text("         0       1001          1\n")
    closed = tmp_path / "sealed"

    with pytest.raises(InvalidInputError) as caught:
        require({}, file_systems=kernel(KERNEL), ids=ids, written=[tmp_path, closed])

    assert caught.value.message == (
        "the lab cannot run on this machine: this user namespace has 1 of the 65536 users of a machine; "
        f"nothing can be made in {closed}: read-only, or of another user namespace"
    )
    assert "--backend embedded" in caught.value.hint
