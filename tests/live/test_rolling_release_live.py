"""RUN-002 over SSH: host after host leaves the load balancer, is released and comes back, and no customer notices.

`RUNBOOK_TEST_KILLS` says at how many instants the command is killed, `RUNBOOK_TEST_SEED` at which ones.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import sys
import threading
import time
import urllib.request
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml
from harness import PATIENCE, ROOT
from harness.bench import Bench, wait_until
from harness.places import Place, Tree, kill, sshd_hosts

from runner.lab.lab_processes import LabCommand, free_port, running
from runner.lab.receiver import Receiver

app = pytest.importorskip("runner.lab.programs.app", reason="pip install 'runbookctl[demo]'")
monitor = pytest.importorskip("runner.lab.programs.monitor", reason="pip install 'runbookctl[demo]'")
KILLS = int(os.environ.get("RUNBOOK_TEST_KILLS", "0"))
SEED = int(os.environ.get("RUNBOOK_TEST_SEED", "1"))
LONGEST = 15.0
"""Seconds that a release takes, about."""
APPS = {"app1": "127.0.77.91", "app2": "127.0.77.92", "app3": "127.0.77.93"}
BALANCER = {"lb1": "127.0.77.99"}
OLD, NEW = "1.4.2", "1.5.0"
NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
SMALL = pytest.mark.parametrize("site", ["small"], indirect=True)
"""The load balancer of the demo."""
TICKS = [*(f"prerequisite-{number}" for number in range(5, 9)), "watch"]
WELL = {"requests": 9, "error_rate_5m": 0.0, "latency_p95_ms": 1.0}


@dataclass
class Customers:
    """Somebody who asks the load balancer all the time: `failed` is what was not answered well."""

    url: str
    asked: int = 0
    failed: list = field(default_factory=list)

    @contextmanager
    def watching(self):
        stopped = threading.Event()

        def ask():
            while not stopped.is_set():
                self.asked += 1
                try:
                    with urllib.request.urlopen(f"{self.url}/orders", timeout=10) as answer:
                        answer.read()
                except OSError as error:
                    self.failed.append(str(error))
                stopped.wait(0.1)

        thread = threading.Thread(target=ask, daemon=True)
        thread.start()
        yield self
        stopped.set()
        thread.join()


@dataclass
class Site:
    """Three web shops, each on its host, and a load balancer before them on a host of its own."""

    place: Place
    directory: Path
    customers: Customers
    receiver: Receiver

    def root(self, name):
        return self.directory / f"shop-{name}"

    def words(self, *words):
        inputs = {"version": NEW, "soak_for": "1s", "watch_for": "1s"}
        given = [word for name, value in inputs.items() for word in ("-e", f"{name}={value}")]
        given += ["-e", "latency_limit_ms=60000", "--yes", *(word for tick in TICKS for word in ("--confirm", tick))]
        return ["run", "RUN-002", "-i", str(self.place.bench.inventory), "--json", *given, *words]

    def resuming(self, *words):
        return ["resume", "last", "--json", "--yes", *(word for tick in TICKS for word in ("--confirm", tick)), *words]

    @property
    def serving(self):
        """The version on each host, and whether the load balancer sends anybody to it."""
        entries = {name: (self.directory / "upstreams" / f"{name}.conf").read_text() for name in APPS}
        return {name: ((self.root(name) / "current").readlink().name, "down" not in entries[name]) for name in APPS}

    def back_to(self, version):
        for name in APPS:
            (self.root(name) / "current").unlink()
            (self.root(name) / "current").symlink_to(f"releases/{version}")


def release_root(root):
    for version in (OLD, NEW):
        (root / "releases" / version).mkdir(parents=True)
        (root / "releases" / version / "VERSION").write_text(f"{version}\n")
        built = {"version": version, "tests": "passed", "security_review": "passed"}
        (root / "releases" / version / "release.json").write_text(json.dumps(built))
    (root / "current").symlink_to(f"releases/{OLD}")


def shop_at(address, root, stack):
    return listening(address, app.ShopService(root, lambda: 3).answer, stack)


def monitoring(stack):
    """Where somebody says that all is well: what RUN-002 asks of it is what this test is not about."""
    now = partial(datetime.now, UTC)
    return listening("127.0.0.1", monitor.monitor(lambda: (3, 100), lambda: [WELL], now).answer, stack)


def listening(address, answer, stack):
    """Where one answers so."""
    server = ThreadingHTTPServer((address, 0), partial(app.JsonHandler, answer))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    stack.callback(server.server_close)
    stack.callback(server.shutdown)
    return f"{address}:{server.server_port}"


def small(directory, url, upstreams, pid):
    """The command that starts the load balancer of the demo."""
    _, _, port = url.rpartition(":")
    options = ["--listen", BALANCER["lb1"], "--port", port, "--servers", upstreams, "--pid", pid]
    return [sys.executable, "-m", "runner.lab.programs.balancer", *options]


def nginx(directory, url, upstreams, pid):
    """The command that starts nginx before the same servers, each of which has a file of its own."""
    paths = "".join(
        f"{name}_temp_path {directory}/{name}; " for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (directory / "nginx.conf").write_text(
        f"pid {pid};\n{'user root;' if os.geteuid() == 0 else ''}\n"
        "events { worker_connections 64; }\n"
        f"http {{\n  access_log off; {paths}\n"
        f"  upstream shop {{ include {upstreams}/*.conf; }}\n"
        f"  server {{ listen {url.removeprefix('http://')}; location / {{ proxy_pass http://shop; }} }}\n}}\n"
    )
    return [NGINX, "-e", directory / "nginx.log", "-c", directory / "nginx.conf", "-g", "daemon off;"]


def tells_only(receiver, contacts):
    """Let everybody in `contacts` be told and called by the `receiver` alone."""
    known = yaml.safe_load(contacts.read_text())
    told = {"channels": [{"webhook": {"url": receiver.url}}]}
    contacts.write_text(json.dumps({name: each | (told if "channels" in each else {}) for name, each in known.items()}))


@pytest.fixture(scope="module")
def site(request, tmp_path_factory):
    bench = Bench(tmp_path_factory.mktemp("bench"))
    for part in ("runbooks", "playbooks"):
        shutil.copytree(ROOT / part, bench.directory / part)
    with sshd_hosts(tmp_path_factory.mktemp("ssh") / "hosts", APPS | BALANCER) as up, ExitStack() as stack:
        directory = tmp_path_factory.mktemp("site")  # whose processes are not of the run
        upstreams, pid, address = directory / "upstreams", directory / "balancer.pid", BALANCER["lb1"]
        upstreams.mkdir()
        url = f"http://{address}:{free_port(address)}"
        hosts = {}
        for name, host in APPS.items():
            root, entry = directory / f"shop-{name}", upstreams / f"{name}.conf"
            release_root(root)
            server = shop_at(host, root, stack)
            entry.write_text(f"server {server};\n")
            where = {"app_url": f"http://{server}", "app_server": server, "release_root": str(root)}
            hosts[name] = {**where, "balancer_url": url, "balancer_entry": str(entry), "balancer_pid": str(pid)}
        argv = {"small": small, "nginx": nginx}[request.param](directory, url, upstreams, pid)
        balancer = stack.enter_context(running(LabCommand("balancer", argv, directory / "balancer.log")))
        balancer.wait_until(pid.exists)
        groups = {
            "app": {"hosts": {name: up.hosts[name].variables() | told for name, told in hosts.items()}},
            "load_balancer": {"hosts": {name: up.hosts[name].variables() for name in BALANCER}},
        }
        lab = {"runbook_environment": "lab", "ansible_pipelining": True}
        lab["prometheus_url"] = f"http://{monitoring(stack)}"
        bench.inventory.write_text(yaml.safe_dump({"all": {"children": groups, "vars": lab}}))
        receiver = stack.enter_context(Receiver.listening())
        tells_only(receiver, bench.directory / "runbooks" / "contacts.yml")
        place = Place(bench, "pipelined", tuple(up.servers.values()))
        yield Site(place, directory, Customers(url), receiver)


@pytest.fixture
def customers(site):
    site.back_to(OLD)
    shutil.rmtree(site.place.bench.state, ignore_errors=True)  # the last run is the one of this test
    site.customers.failed.clear()
    with site.customers.watching() as watching:
        yield watching
    site.place.nothing_is_left()


@SMALL
def test_a_check_that_fails_on_one_host_takes_back_all_that_was_released_and_no_customer_notices(site, customers):
    # Given a release that is broken on the second host
    broken = site.root("app2") / "releases" / NEW / "BROKEN"
    broken.touch()
    # When
    ended = site.place.bench.command(*site.words())
    broken.unlink()
    # Then
    assert ended.code in {3, 8}, ended.err
    assert site.serving == dict.fromkeys(APPS, (OLD, True)), ended.err
    assert (customers.failed, customers.asked > 0) == ([], True)
    begun = [
        (each["step"], each["host"], each["data"].get("on")) for each in ended.events if each["type"] == "step.intended"
    ]
    told = [each for each in begun if each[0] in {"drain", "deploy", "refill"} or each[0].startswith("undo-")]
    assert told == [
        ("drain", "app1", "lb1"),
        ("deploy", "app1", None),
        ("refill", "app1", "lb1"),
        ("drain", "app2", "lb1"),
        ("deploy", "app2", None),
        ("undo-deploy", "app2", None),
        ("undo-drain", "app2", "lb1"),
        ("undo-refill", "app1", "lb1"),
        ("undo-deploy", "app1", None),
        ("undo-drain", "app1", "lb1"),
    ]


@pytest.mark.skipif(NGINX is None, reason="nginx is not installed")
@pytest.mark.parametrize("site", ["nginx"], indirect=True)
def test_a_host_is_released_through_nginx_and_no_customer_notices(site, customers):
    ended = site.place.bench.command(*site.words("--limit", "app1"))

    assert ended.code == 0, ended.err
    assert site.serving == {"app1": (NEW, True), "app2": (OLD, True), "app3": (OLD, True)}, ended.err
    assert (customers.failed, customers.asked > 0) == ([], True)
    begun = [each["step"] for each in ended.events if each["type"] == "step.intended"]
    steps = ("drain", "deploy", "validate", "refill")
    assert [step for step in begun if step in steps] == list(steps)


@SMALL
@pytest.mark.parametrize("seed", range(SEED, SEED + KILLS))
def test_a_release_that_is_killed_at_any_instant_is_finished_and_no_customer_notices(site, customers, seed):
    # Given the release of one host
    bench, pick = site.place.bench, random.Random(seed)
    process = bench.started(*site.words("--limit", "app1"))
    # When
    wait_until((bench.state / "audit" / "audit.jsonl").exists, "it has begun", process)
    time.sleep(pick.uniform(0.0, LONGEST))
    kill(process.pid if pick.random() < 0.5 else pick.choice(Tree(process.pid).all))
    out, err = process.communicate(timeout=PATIENCE)
    # Then whoever goes on with it, and says of the switch of a link that it can be made again, has it done
    told, passed = [f"seed {seed}: {out[-300:]} {err}"], process.returncode == 0
    for _ in range(4):
        if passed:
            break
        doubts = ["--redo", "deploy"] if "deploy is in doubt" in told[-1] else []
        resumed = bench.command(*site.resuming(*doubts))
        if any(words in resumed.err for words in ("has not started", "never began", "nothing to resume")):
            resumed = bench.command(*site.words("--limit", "app1"))
        passed = resumed.code == 0
        told.append(f"{doubts}: exit code {resumed.code}, {resumed.out[-400:]} {resumed.err}")
    assert site.serving == {"app1": (NEW, True), "app2": (OLD, True), "app3": (OLD, True)}, "\n".join(told)
    assert customers.failed == [], "\n".join(told)
