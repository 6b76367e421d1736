"""The directories of labs: one network each, one process at a time, and nothing left of what was killed."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from harness import ROOT

from runner.core.errors import InvalidInputError
from runner.lab.machines import control_groups
from runner.lab.machines.image import Image
from runner.lab.machines.lab_directory import existing_lab, names, new_lab, sweep_all, used_images
from runner.lab.machines.topology import DEFAULT, MACHINES

IMAGE = Image(Path("/nowhere/image"))
KILLED = """
import os, signal, sys
from pathlib import Path
from runner.lab.machines import control_groups
from runner.lab.machines.image import Image
from runner.lab.machines.lab_directory import Place, new_lab
from runner.lab.machines.topology import MACHINES
with new_lab("killed", Image(Path("/nowhere")), snapshot="", labs=Place(Path(sys.argv[1]), sys.argv[2])) as lab:
    control_groups.create(lab.topology.unit(MACHINES["db1"]))
    print("made", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def up(place, name):
    with new_lab(name, IMAGE, snapshot="", labs=place) as lab:
        lab.complete()
        return lab


def test_each_lab_has_a_network_of_its_own_and_is_there_until_it_is_discarded(place):
    labs = [up(place, "one"), up(place, "two")]
    seen = [names(place)]
    with existing_lab("one", labs=place) as lab:
        lab.discard()
    seen.append(names(place))
    labs.append(up(place, "three"))

    assert [lab.origin.network for lab in labs] == [1, 2, 1]
    assert seen == [("one", "two"), ("two",)]


def test_the_lab_of_the_inventory_has_its_addresses_whichever_was_up_before(place):
    other, first = up(place, "one"), up(place, DEFAULT)

    inventory = yaml.safe_load((ROOT / "inventories" / "lab" / "hosts.yml").read_text(encoding="utf-8"))
    written = {
        host: values["ansible_host"]
        for group in inventory["all"]["children"].values()
        for host, values in group["hosts"].items()
    }
    assert {name: first.topology.address(machine) for name, machine in MACHINES.items()} == written
    assert other.topology.address(MACHINES["db1"]) not in written.values()


def test_the_image_of_a_lab_that_goes_with_a_command_is_used(place):
    with new_lab("mine", IMAGE, snapshot="", labs=place):
        assert used_images(place) == {IMAGE.path}


def test_a_lab_that_is_up_is_not_started_again(place):
    up(place, "one")

    with pytest.raises(InvalidInputError, match="'one' is up already"), new_lab("one", IMAGE, snapshot="", labs=place):
        pass


def test_a_lab_that_is_not_up_is_an_error_that_names_those_that_are(place):
    up(place, "one")

    with pytest.raises(InvalidInputError, match=r"no lab 'two' is up \(up: one\)"), existing_lab("two", labs=place):
        pass


def test_of_a_lab_whose_making_fails_nothing_is_left(place):
    def make():
        with new_lab("one", IMAGE, snapshot="", labs=place) as lab:
            control_groups.create(lab.topology.unit(MACHINES["db1"]))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        make()

    assert (list(place.path.iterdir()), control_groups.starting_with(place.prefix)) == ([], set())


def test_of_a_making_that_was_killed_the_next_command_leaves_nothing(place):
    done = subprocess.run(
        [sys.executable, "-c", KILLED, place.path, place.prefix], capture_output=True, text=True, check=False
    )
    left = [path.name for path in place.path.iterdir()], control_groups.starting_with(place.prefix)

    sweep_all(place)

    assert (done.stdout, left) == ("made\n", (["killed"], {f"{place.prefix}1-db1"}))
    assert (list(place.path.iterdir()), control_groups.starting_with(place.prefix)) == ([], set())


def test_what_somebody_works_on_is_left_alone(place):
    with new_lab("one", IMAGE, snapshot="", labs=place) as lab:
        sweep_all(place)

        assert lab.path.is_dir()


def test_a_lab_from_before_the_last_boot_is_gone(place):
    lab = up(place, "one")
    replace(lab, origin=replace(lab.origin, boot="another")).write()

    sweep_all(place)

    assert names(place) == ()


def test_a_machine_whose_supervisor_was_killed_ends(place):
    # Given
    unit = up(place, "one").topology.unit(MACHINES["db1"])
    control_groups.create(unit)
    control_groups.create(f"{unit}/payload")
    orphan = subprocess.Popen(control_groups.inside(f"{unit}/payload", ["sleep", "600"]))
    while not control_groups.processes(f"{unit}/payload"):
        assert orphan.poll() is None

    # When
    sweep_all(place)

    # Then
    assert (orphan.wait() != 0, names(place)) == (True, ("one",))


def test_what_is_left_of_a_lab_whose_directory_is_gone_is_removed(place):
    place.path.mkdir()
    control_groups.create(f"{place.prefix}1-app2")

    sweep_all(place)

    assert control_groups.starting_with(place.prefix) == set()


def test_a_disk_begins_with_a_snapshot_over_those_that_it_was_made_over(place, tmp_path):
    image = Image(tmp_path / "image")
    with new_lab("one", image, snapshot="provisioned", labs=place) as lab:
        for name, parent in (("first", "provisioned"), ("second", "first")):
            lab.snapshot(name).mkdir(parents=True)
            (lab.snapshot(name) / "parent").write_text(parent)
        db1, bare = MACHINES["db1"], replace(lab, origin=replace(lab.origin, snapshot=""))

        assert bare.layers(db1) == [image.root]
        assert lab.layers(db1) == [image.provisioned / "db1", image.root]
        assert lab.from_snapshot("second").layers(db1) == [
            lab.snapshot("second") / "db1",
            lab.snapshot("first") / "db1",
            image.provisioned / "db1",
            image.root,
        ]
        assert lab.snapshots() == ("first", "second")


def test_half_a_snapshot_is_none(place):
    lab = up(place, "one")
    (lab.path / "snapshots/.new/db1").mkdir(parents=True)

    with existing_lab("one", labs=place) as again:
        assert (again.snapshots(), list((lab.path / "snapshots").iterdir())) == ((), [])
