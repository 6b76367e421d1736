"""Whatever is left of a lab ends and goes, and nothing of another one."""

import subprocess
import sys

import pytest

from runner.lab.machines import control_groups
from runner.lab.machines.lab_teardown import mounted, strays, tear_down
from runner.lab.machines.topology import MACHINES, Topology


@pytest.fixture
def left_behind(place, tmp_path):
    """What a killed command may leave: a process in its control group, and a mount over another one."""

    def leave(topology):
        unit, target = topology.unit(MACHINES["db1"]), tmp_path / f"disk{topology.network}"
        target.mkdir()
        control_groups.create(unit)
        started.append(subprocess.Popen(control_groups.inside(unit, ["sleep", "600"])))
        for _ in range(2):
            subprocess.run(["mount", "-t", "tmpfs", unit, target], check=True)
        (target / "file").touch()
        return started[-1], target

    started = []
    yield leave
    for network in range(2):
        tear_down(Topology(network, place.prefix))
    for process in started:
        process.wait()


def test_processes_end_and_mounts_go_but_those_of_another_lab_stay(place, left_behind):
    # Given
    first, second = Topology(0, place.prefix), Topology(1, place.prefix)
    process, target = left_behind(first)
    other, _ = left_behind(second)
    before = strays(place.prefix)

    # When
    tear_down(first)
    tear_down(first)

    # Then
    assert (before, strays(place.prefix)) == ({0, 1}, {1})
    assert (process.wait() != 0, other.poll()) == (True, None)
    assert list(target.iterdir()) == []
    assert (mounted(first.unit(MACHINES["db1"])), len(mounted(second.unit(MACHINES["db1"])))) == ([], 2)


HIDDEN = """\
import subprocess, sys
from runner.lab.machines.lab_teardown import mounted, strays

directory, prefix = sys.argv[1:]
seen = []
for name, target in ((f"{prefix}7-db1", f"{directory}/below"), ("above", directory)):
    subprocess.run(["mount", "-t", "tmpfs", name, target], check=True)
    seen.append((mounted(f"{prefix}7-db1"), strays(prefix)))
print(seen)
"""


def test_what_another_mount_hides_is_nothing_that_could_be_left(place, tmp_path):
    # Given: a mount namespace, in which something is mounted over what was there before.
    (tmp_path / "below").mkdir()
    words = ["unshare", "--mount", "--propagation", "private", sys.executable, "-c", HIDDEN, tmp_path, place.prefix]

    # When
    done = subprocess.run(words, capture_output=True, text=True, check=True)

    # Then
    assert done.stdout == f"{[([str(tmp_path / 'below')], {7}), ([], set())]}\n"
