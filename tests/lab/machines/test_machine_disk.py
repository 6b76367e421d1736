"""The disk of a machine: what it writes is its own, the layers stay, and what is this lab's own is written safely."""

import os

import pytest

from runner.lab.machines.lab_teardown import unmount
from runner.lab.machines.machine_disk import changes, furnish, mount
from runner.lab.machines.ssh_access import Access
from runner.lab.machines.topology import MACHINES, Topology


@pytest.fixture
def topology(place):
    topology = Topology(0, place.prefix)
    yield topology
    unmount(topology.unit(MACHINES["db1"]))


@pytest.fixture
def layers(tmp_path):
    newer, image = tmp_path / "newer", tmp_path / "image"
    for path in (newer, image / "etc/ssh/sshd_config.d", image / "root", image / "home/ops"):
        path.mkdir(parents=True)
    os.chown(image / "home/ops", 1000, 1000)
    (image / "old").write_text("image")
    (image / "both").write_text("image")
    (newer / "both").write_text("newer")
    return [newer, image]


def test_the_newest_layer_counts_and_only_changes_are_written(topology, layers, tmp_path):
    disk, unit = tmp_path / "disk", topology.unit(MACHINES["db1"])

    mounts = [mount(unit, disk, layers)]
    (disk / "root/new").write_text("mine")
    mounts.append(mount(unit, disk, layers))

    assert mounts == [True, False]
    assert [(disk / "root" / name).read_text() for name in ("old", "both", "new")] == ["image", "newer", "mine"]
    assert [path.name for path in changes(disk).iterdir()] == ["new"]
    assert [sorted(path.name for path in layer.iterdir()) for layer in layers] == [
        ["both"],
        ["both", "etc", "home", "old", "root"],
    ]


def test_the_lab_s_own_files_replace_links_of_the_image_instead_of_following_them(topology, layers, tmp_path):
    # Given
    outside = tmp_path / "outside"
    outside.write_text("mine")
    (layers[1] / "etc/resolv.conf").symlink_to(outside)
    access, machine, disk = Access(tmp_path, topology), MACHINES["db1"], tmp_path / "disk"
    access.create()
    mount(topology.unit(machine), disk, layers)

    # When
    furnish(disk / "root", machine, topology, access)

    # Then
    root = disk / "root"
    assert outside.read_text() == "mine"
    assert {name: (root / "etc" / name).read_text() for name in ("hostname", "hosts", "resolv.conf")} == {
        "hostname": "db1\n",
        "hosts": topology.hosts_file(),
        "resolv.conf": "",
    }
    keys = [root / "root/.ssh/authorized_keys", root / "home/ops/.ssh/authorized_keys"]
    assert [(path.read_text(), path.stat().st_uid, path.parent.stat().st_uid) for path in keys] == [
        (access.public_key(), 0, 0),
        (access.public_key(), 1000, 1000),
    ]
    key = root / "etc/ssh/ssh_host_ed25519_key"
    assert (key.read_text(), key.stat().st_mode & 0o777) == (access.host_key(machine).read_text(), 0o600)
