"""A whole lab: machines of systemd with the web shop on them, broken and mended, and gone in the end."""

import json
import os
import subprocess
import sys
import urllib.request
from unittest.mock import ANY

import pytest
from harness import PATIENCE
from harness.bench import wait_until

from runner.core.errors import InvalidInputError
from runner.lab.machines import lab
from runner.lab.machines.lab_directory import LABS, existing_lab, sweep_all
from runner.lab.machines.lab_teardown import strays
from runner.lab.machines.topology import MACHINES, Topology
from runner.lab.probe import Probe, health

pytestmark = pytest.mark.live

NAME = f"test-{os.getpid()}"


@pytest.fixture(scope="module")
def machines(cache):
    """A lab for all tests of this file."""
    yield (status := lab.up(NAME, cache))
    lab.down(NAME)
    network = int(status.machines[0].address.split(".")[2])
    assert (network in strays(Topology(0).prefix), (LABS.path / NAME).exists()) == (False, False)


@pytest.fixture
def started(machines):
    """The lab with a web shop that answers: a test before this one may have started a machine just now."""
    edge = next(machine.address for machine in machines.machines if machine.name == "edge")
    with Probe.watching(health(f"http://{edge}/health")) as probe:
        assert probe.wait(healthy=True, within=PATIENCE)
    return machines


def on(host, *words):
    """What a command prints on a host, and how it ends."""
    done = subprocess.run([*lab.ssh_command(NAME, host), *words], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.strip()


def states():
    (status,) = [each for each in lab.status() if each.name == NAME]
    return {machine.name: machine.state for machine in status.machines}


def come_to(**others):
    """All machines come to be on, but for `others`: on a busy machine an sshd may take longer to greet than one waits."""
    expected = dict.fromkeys(MACHINES, "on") | others
    wait_until(lambda: states() == expected, f"the machines are on, but for {others}", every=0.2)


def test_its_machines_are_systemd_with_a_database_that_is_copied_and_a_shop_behind_tls(started):
    site = "curl -sS --resolve shop.lab:443:127.0.0.1 https://shop.lab/health"

    come_to()
    assert [on(name, "ps -o comm= -p 1; hostname") for name in MACHINES] == [
        (0, f"systemd\n{name}") for name in MACHINES
    ]
    assert [on(name, "systemctl list-units --failed --plain --no-legend") for name in MACHINES] == [(0, "")] * 5
    assert json.loads(on("edge", site)[1]) == {"version": "1.4.2", "status": "ok", "orders": ANY}
    replicas = "SELECT application_name, state FROM pg_stat_replication"
    assert on("db1", f"sudo -u postgres psql -XAtc '{replicas}'") == (0, "db2|streaming")
    assert on("db1", "sudo -u postgres sh -c 'cd /var/backups/shop && sha256sum --check --status SHA256SUMS'") == (
        0,
        "",
    )


def test_a_host_without_power_is_silent_and_comes_back_with_its_disk(started):
    # Given
    on("app2", "echo mine >note && sync")

    # When
    lab.power_off(NAME, "app2")
    come_to(app2="off")
    lab.power_on(NAME, "app2")
    lab.power_on(NAME, "app2")

    # Then
    come_to()
    assert on("app2", "cat note") == (0, "mine")


def test_a_machine_whose_supervisor_is_killed_is_off_for_the_next_command(started):
    with existing_lab(NAME) as directory:
        unit = directory.topology.unit(MACHINES["app1"])
    subprocess.run(["pkill", "-KILL", "-f", f"^systemd-nspawn .*--machine={unit} "], check=True)

    try:
        come_to(app1="off")
    finally:
        lab.power_on(NAME, "app1")


def test_a_snapshot_brings_back_what_was(started):
    # Given
    on("db1", "sudo -u postgres psql -Xqc 'INSERT INTO orders (customer, amount) VALUES (7, 7)' shop")
    lab.snapshot(NAME, "more")
    with pytest.raises(InvalidInputError, match="there is a snapshot 'more' already"):
        lab.snapshot(NAME, "more")
    on("db1", "sudo -u postgres psql -Xqc 'DROP TABLE orders' shop")
    edge = next(machine.address for machine in started.machines if machine.name == "edge")

    def orders():
        with urllib.request.urlopen(f"http://{edge}/orders", timeout=PATIENCE) as answer:
            return json.loads(answer.read())["orders"]

    # When
    lab.restore(NAME, "more")

    # Then
    assert orders() == 20001
    with pytest.raises(InvalidInputError, match=f"the lab '{NAME}' has no snapshot 'many'") as caught:
        lab.restore(NAME, "many")
    assert caught.value.hint == "it has provisioned, more"


KILLED = """
import os, signal, sys
from pathlib import Path
from runner.lab.machines import lab, lab_machines
with lab.temporary(sys.argv[1], Path(sys.argv[2])) as started:
    lab_machines.start_anew(started, "provisioned")
    print(started.origin.network, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_of_a_lab_that_goes_with_a_command_which_is_killed_the_next_one_leaves_nothing(cache):
    name = f"{NAME}-killed"
    killed = subprocess.run([sys.executable, "-c", KILLED, name, cache], capture_output=True, text=True, check=False)
    network, kernels = int(killed.stdout), Topology(0).prefix
    before = (network in strays(kernels), (LABS.path / name).exists())

    listed = [each.name for each in lab.status()]

    assert (before, name in listed) == ((True, True), False)
    assert (network in strays(kernels), (LABS.path / name).exists()) == (False, False)


PARTS = ["fault", "symptom", "ended", "proven", "undo"]
"""What is told of a drill, in this order."""


def test_a_service_that_is_down_is_mended_by_run_006_and_proven(started, tmp_path):
    words = ["--library", "shipped", "--state-dir", tmp_path / "state", "drill", "RUN-006"]
    inventories = ["-i", "inventories/lab", "-i", started.inventory]

    done = subprocess.run(
        [sys.executable, "-m", "runner", *words, *inventories],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )

    told = [line.split()[1] for line in done.stderr.splitlines() if len(line.split()) > 1]
    assert (done.returncode, [word for word in told if word in PARTS]) == (0, PARTS), done.stderr


def test_two_labs_are_up_at_once_and_of_one_whose_files_are_lost_nothing_is_left(started, cache):
    # Given
    other, kernels = f"{NAME}-too", Topology(0).prefix
    second = lab.up(other, cache)
    network = int(second.machines[0].address.split(".")[2])

    # When
    (LABS.path / other / "complete").unlink()
    (LABS.path / other / "origin.json").unlink()
    lost = network in strays(kernels)
    sweep_all()

    # Then
    assert {each.address for each in started.machines} & {each.address for each in second.machines} == set()
    assert (lost, network in strays(kernels), (LABS.path / other).exists()) == (True, False, False)
    assert on("edge", "curl -sS -o /dev/null -w '%{http_code}' http://localhost/health") == (0, "200")
