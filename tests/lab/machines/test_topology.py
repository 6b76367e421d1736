"""Names and addresses: no two machines, and no two labs, share one, and the kernel takes all of them."""

import pytest

from runner.core.errors import InvalidInputError
from runner.lab.machines.topology import MACHINES, MOST, Topology, machine_named, valid_name

LONGEST_INTERFACE = 15  # characters; IFNAMSIZ in linux/if.h, without the zero at its end


def test_two_labs_share_no_name_and_no_address():
    first, second = Topology(0), Topology(1)

    def all_of(lab):
        return {lab.bridge, lab.gateway, *map(lab.address, MACHINES.values()), *map(lab.unit, MACHINES.values())}

    assert len(all_of(first)) == len(all_of(second)) == 2 + 2 * len(MACHINES)
    assert all_of(first) & all_of(second) == set()


def test_the_names_of_the_last_lab_are_names_of_interfaces():
    last = Topology(MOST - 1)

    assert [name for name in map(last.unit, MACHINES.values()) if len(name) > LONGEST_INTERFACE] == []


def test_every_machine_knows_the_others_by_name():
    assert Topology(7).hosts_file() == (
        "127.0.0.1 localhost\n"
        "10.77.7.11 db1\n"
        "10.77.7.12 db2\n"
        "10.77.7.21 edge shop.lab\n"
        "10.77.7.31 app1\n"
        "10.77.7.32 app2\n"
        "10.77.7.1 controller\n"
    )


def test_a_host_that_is_not_there_is_an_error_that_names_those_that_are():
    assert machine_named("db1") is MACHINES["db1"]
    with pytest.raises(InvalidInputError, match="no host 'db9'") as caught:
        machine_named("db9")
    assert caught.value.hint == "it has db1, db2, edge, app1, app2"


@pytest.mark.parametrize("name", ["", "../lab", "Lab", "1", "-x", "a b", "a" * 32, "lab\n"])
def test_what_leads_out_of_its_directory_is_no_name(name):
    with pytest.raises(InvalidInputError, match="is no name"):
        valid_name(name)


def test_a_name_of_letters_digits_and_hyphens_is_one():
    assert valid_name("drill-2") == "drill-2"
