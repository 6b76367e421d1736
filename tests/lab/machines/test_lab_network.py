"""The network of a lab, made and removed in namespaces of the test's own, so that this machine's stay as they are."""

import subprocess
import sys

SCRIPT = """
import socket
import subprocess
from pathlib import Path

from runner.core.errors import InvalidInputError
from runner.lab.machines.lab_network import connect, disconnect, plug_in, unplug
from runner.lab.machines.topology import MACHINES, Topology

def ip(*words):
    return subprocess.run(["ip", *words], capture_output=True, text=True, check=True).stdout

def reaches(machine):
    try:
        socket.create_connection((lab.address(machine), 9), timeout=1)
    except ConnectionRefusedError:  # by its own kernel: nothing listens there
        return True
    except OSError:
        return False

lab, db1 = Topology(5), MACHINES["db1"]
connect(lab)
for machine in MACHINES.values():
    plug_in(lab, machine)
ip("-netns", lab.unit(db1), "route", "add", "blackhole", "10.9.9.9")
plug_in(lab, db1)
print(ip("-netns", lab.unit(db1), "route", "show", "type", "blackhole"))
print([machine.name for machine in MACHINES.values() if reaches(machine)])
unplug(lab, db1)
print([machine.name for machine in MACHINES.values() if reaches(machine)])
try:
    connect(lab)
except InvalidInputError as error:
    print(error.message)
disconnect(lab)
disconnect(lab)
print(ip("-o", "link").count("rblab"), ip("netns", "list").strip(), list(Path("/run/netns").iterdir()))
"""


def test_every_machine_is_reached_until_its_cable_is_out_and_nothing_is_left(root):
    own = ["unshare", "--net", "--mount", "--", "sh", "-c", 'mount -t tmpfs test /run && exec "$@"', "sh"]

    done = subprocess.run([*own, sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)

    everybody = ["db1", "db2", "edge", "app1", "app2"]
    assert (done.stdout.splitlines(), done.stderr) == (
        [
            "",
            str(everybody),
            str(everybody[1:]),
            "the lab's network 10.77.5.0/24 is in use on this machine: 10.77.5.0/24 dev rblab5 proto kernel scope link src 10.77.5.1",
            "0  []",
        ],
        "",
    )
