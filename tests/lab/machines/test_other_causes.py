"""A fault with the symptom of a runbook and another cause is mended, or a person is called: it is never said to be mended.

`RUNBOOK_TEST_CAUSES=all` looks at each of `other_causes.yml`; that needs the machines of a lab, and takes a quarter of an
hour.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
import yaml
from harness import ROOT

from runner.lab.machines import control_groups, lab, lab_machines, lab_network
from runner.lab.machines.topology import MACHINES
from runner.lab.receiver import Receiver

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(os.environ.get("RUNBOOK_TEST_CAUSES") != "all", reason="only with RUNBOOK_TEST_CAUSES=all"),
]

CAUSES = yaml.safe_load(Path(__file__).with_name("other_causes.yml").read_text(encoding="utf-8"))
LEAK = """
import sys, threading, time, psycopg
kind, count, held = sys.argv[1], int(sys.argv[2]), []
while True:
    for each in [*held] if kind == "again" else []:
        try:
            each.execute("SELECT 1")
        except psycopg.Error:
            held.remove(each)
    while len(held) < count:
        way = "host=db1 dbname=shop user=app passfile=/etc/shop.pgpass"
        try:
            new = psycopg.connect(way, autocommit=kind == "idle")
        except psycopg.Error:
            break
        if kind == "active":
            threading.Thread(target=new.execute, args=["SELECT pg_sleep(3600)"], daemon=True).start()
        elif kind == "failed":
            try:
                new.execute("SELECT 1 / 0")
            except psycopg.Error:
                pass
        elif kind != "idle":
            new.execute("SELECT count(*) FROM orders")
        held.append(new)
    time.sleep({"again": 2.5, "stuck": 3600}.get(kind, 0.3))
"""
STILL = 10
"""So often it is asked afterwards whether it is well, a second after each other: what comes back has come by then."""


class Place:
    """A lab whose machines are as they were at first, and a library in which everybody is called here."""

    def __init__(self, started, directory, receiver):
        self.lab, self.directory, self.receiver = started, directory, receiver
        for part in ("runbooks", "playbooks", "inventories"):
            shutil.copytree(ROOT / part, directory / part)
        contacts = directory / "runbooks" / "contacts.yml"
        people = yaml.safe_load(contacts.read_text())
        for name, contact in people.items():
            contact.pop("hours", None)
            contact["channels"] = [{"webhook": {"url": f"{receiver.url}{name}"}}]
        contacts.write_text(yaml.safe_dump(people))

    @property
    def calls(self):
        """How often somebody was called; one that is mended ends what an earlier one has called for."""
        return sum(message["data"]["action"] == "trigger" for _, message in self.receiver.received)

    def on(self, host, script):
        """What `script` prints as root on the machine; it must not fail."""
        command = [*lab_machines.access(self.lab).ssh(MACHINES[host]), "sudo", "bash", "-s"]
        done = subprocess.run(command, input=script, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def breaks(self, cause):
        for host, script in cause.get("breaks", {}).items():
            kind = script.removeprefix("leak ")
            unit = (
                f"cat >/tmp/leak.py <<'PYTHON'{LEAK}PYTHON\nsystemd-run --quiet --unit=leak python3 /tmp/leak.py {kind}"
            )
            done = unit if kind != script else script
            self.on(host, done.replace("10.77.0.0", f"10.77.{self.lab.origin.network}.0"))
        if unit := cause.get("stolen"):
            password = self.on("app1", "cat /etc/shop.pgpass")
            self.on(
                "edge",
                f"umask 077; cat >/root/stolen <<'TEXT'\n{password}\nTEXT\nsystemd-run --quiet --unit=intruder bash -c \"{unit}\"; sleep 2",
            )
        if host := cause.get("without_power"):
            lab_network.unplug(self.lab.topology, MACHINES[host])
            control_groups.kill(self.lab.topology.unit(MACHINES[host]))
        time.sleep(2)

    def is_well(self, asks):
        """Whether the shop is, as whoever `asks` sees it."""
        address = self.lab.topology.address
        if asks == "app1":
            url = f"http://{address(MACHINES['app1'])}:8080/health"
            return self.on("edge", f"curl --silent --fail --max-time 3 {url} || true") != ""
        try:
            path = "health" if asks == "health" else "orders"
            with urllib.request.urlopen(f"http://{address(MACHINES['edge'])}/{path}", timeout=5) as answer:
                orders = json.loads(answer.read())["orders"]
        except OSError:
            return False
        if asks == "nobody-else":
            ours = " ".join(address(MACHINES[name]) for name in ("app1", "app2"))
            query = f"SELECT count(*) FROM pg_stat_activity WHERE usename = 'app' AND NOT client_addr = ANY (string_to_array('{ours}', ' ')::inet[])"
            return self.on("db1", f'sudo -u postgres psql -XAtc "{query}" shop') == "0"
        return orders >= 20000 or asks != "rows"

    def run(self, cause):
        """How the runbook ends, as a person does it who says yes to everything."""
        words = [
            "--library",
            self.directory,
            "--state-dir",
            self.directory / "state",
            "run",
            cause["runbook"],
            "--yes",
            "--json",
        ]
        words += ["-i", self.directory / "inventories" / "lab", "-i", lab_machines.access(self.lab).inventory]
        words += [word for name, value in cause["inputs"].items() for word in ("-e", f"{name}={value}")]
        text = (self.directory / "runbooks" / f"{cause['runbook']}.yml").read_text()
        asked = [step for step in ("root-cause", "keep-out") if f"id: {step}" in text]
        asked += ["prerequisite-1"] if "prerequisites:\n  - confirm: " in text else []
        words += [word for step in asked for word in ("--confirm", step)]
        done = subprocess.run([sys.executable, "-m", "runner", *words], capture_output=True, text=True, check=False)
        return json.loads(done.stdout.splitlines()[-1])["outcome"], done.stderr + done.stdout


@pytest.fixture(scope="module")
def place(cache, tmp_path_factory):
    with lab.temporary(f"causes-{os.getpid()}", cache) as started, Receiver.listening() as receiver:
        yield Place(started, tmp_path_factory.mktemp("causes") / "library", receiver)


@pytest.mark.parametrize("cause", CAUSES, ids=lambda cause: f"{cause['runbook']}-{cause['cause']}")
def test_it_is_mended_for_good_or_somebody_is_called(place, cause):
    lab_machines.start_anew(place.lab, "provisioned")
    place.breaks(cause)
    before = place.calls

    outcome, said = place.run(cause)

    well = []
    for _ in range(STILL if outcome == "passed" else 0):
        well.append(place.is_well(cause["asks"]))
        time.sleep(1)
    assert (outcome, all(well), cause.get("told", "") in said) == (cause["ends"], True, True), said
    for host, script in cause.get("stays", {}).items():
        place.on(host, script)
    assert (place.calls > before) is (outcome != "passed" and cause.get("called", True)), said
