"""Control groups: where they are, and that everything in one ends at once, whatever it does about it."""

import shlex
import subprocess

import pytest

from runner.lab.lab_processes import LabCommand, run
from runner.lab.machines import control_groups

HYBRID = """\
proc /proc proc rw 0 0
cgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0
cgroup /sys/fs/cgroup/systemd cgroup rw,relatime,name=systemd 0 0
cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0
"""
STUBBORN = "trap '' TERM INT HUP; setsid sh -c 'sleep 600 & sleep 600' & sleep 600"


@pytest.mark.parametrize(
    ("mounts", "expected"),
    [
        (HYBRID, ["/sys/fs/cgroup/unified", "/sys/fs/cgroup/systemd"]),
        ("cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n", ["/sys/fs/cgroup"]),
        ("cgroup /sys/fs/cgroup/systemd cgroup rw,name=systemd 0 0\n", []),
        # A user namespace has a /sys of its own over that of the machine.
        (HYBRID + "sysfs /sys sysfs rw 0 0\ncgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n", ["/sys/fs/cgroup"]),
    ],
)
def test_they_are_found_where_they_are_mounted(tmp_path, mounts, expected):
    (tmp_path / "mounts").write_text(mounts)

    assert list(map(str, control_groups.hierarchies(tmp_path / "mounts"))) == expected


def test_everything_that_was_started_inside_ends_with_the_group(place):
    # Given
    name = f"{place.prefix}0-db1"
    control_groups.create(name)
    started = subprocess.Popen(control_groups.inside(name, ["sh", "-c", STUBBORN]))
    while len(control_groups.processes(name)) < 4:
        assert started.poll() is None

    # When
    populated = control_groups.is_populated(name), control_groups.starting_with(place.prefix)
    control_groups.remove(name)

    # Then
    assert populated == (True, {name})
    assert started.wait() != 0
    assert (control_groups.is_populated(name), control_groups.starting_with(place.prefix)) == (False, set())


def test_a_group_that_is_not_there_is_empty_and_can_be_removed(place):
    name = f"{place.prefix}0-none"
    control_groups.remove(name)

    assert (control_groups.is_populated(name), control_groups.processes(name)) == (False, [])


def test_what_a_command_has_started_in_a_group_of_its_own_outlives_the_command(place, tmp_path):
    # Given
    name = f"{place.prefix}0-db1"
    control_groups.create(name)
    argv = control_groups.inside(name, ["setsid", "--fork", "sleep", "600"])

    # When: as a step of a drill that starts machines
    run(LabCommand("a step", ["sh", "-c", f"{shlex.join(argv)}; sleep 600 & true"], tmp_path / "log"))

    # Then
    assert len(control_groups.processes(name)) == 1
    control_groups.remove(name)
