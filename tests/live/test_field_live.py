"""Three of the runbooks in tests/field, done for real: back to a release, a backup that is proven, a switch of slots."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from contextlib import ExitStack
from functools import partial
from http.server import ThreadingHTTPServer

import pytest
import yaml
from harness import TESTS

from runner.lab.demo_workspace import workspace
from runner.lab.lab_processes import LabCommand, free_port, running

app = pytest.importorskip("runner.lab.programs.app", reason="pip install 'runbookctl[demo]'")
postgres = pytest.importorskip("runner.lab.postgres", reason="pip install 'runbookctl[demo]'")

OLD, NEW = "1.4.2", "1.5.0"


@pytest.fixture
def field(bench):
    """The library of tests/field on a bench."""
    for part in ("runbooks", "playbooks"):
        shutil.copytree(TESTS / "field" / "library" / part, bench.directory / part)
    contacts = bench.directory / "runbooks" / "contacts.yml"
    called = yaml.safe_load(contacts.read_text())
    for name in ("on-call", "change-board"):
        called[name]["channels"] = [{"webhook": {"url": "http://127.0.0.1:9/"}}]
    contacts.write_text(yaml.safe_dump(called))
    return bench


def do(bench, runbook, *words, **inputs):
    given = [word for name, value in inputs.items() for word in ("-e", f"{name}={value}")]
    return bench.command("run", runbook, "-i", str(bench.inventory), "--yes", "--json", *given, *words)


def undo(bench):
    return bench.command("undo", "last", "--yes", "--json")


def outcomes(ran):
    """How each step has ended on each host."""
    finished = [event for event in ran.events if event["type"] == "step.finished"]
    return {(event["step"], event["host"]): event["data"]["outcome"] for event in finished}


def in_groups(bench, **groups):
    """The bench's hosts, each in groups of its own besides."""
    written = yaml.safe_load(bench.inventory.read_text())
    written["all"]["children"] = {group: {"hosts": {name: {} for name in names}} for group, names in groups.items()}
    bench.inventory.write_text(yaml.safe_dump(written))


def test_back_to_the_release_before_on_each_host_as_far_as_it_has_one(field, tmp_path):
    roots = {name: tmp_path / name for name in ("site1", "site2")}
    for root in roots.values():
        for release in ("20260101", "20260202", "20260303"):
            (root / "releases" / release).mkdir(parents=True)
            (root / "releases" / release / "index.html").write_text(release)
        (root / "current").symlink_to("releases/20260303")
    field.hosts(**{name: {"site_root": str(root)} for name, root in roots.items()})
    in_groups(field, site=roots)
    (roots["site2"] / "current").unlink()
    (roots["site2"] / "current").symlink_to("releases/20260202")

    def served():
        return {name: (root / "current").readlink().name for name, root in roots.items()}

    ran = do(field, "RUN-720", wanted="20260202")

    assert ran.code == 0, ran.out
    assert served() == {"site1": "20260202", "site2": "20260202"}
    ended = outcomes(ran)
    assert {host: ended["back", host] for host in roots} == {"site1": "passed", "site2": "not needed"}
    assert {host: ended["nothing-to-do", host] for host in roots} == {"site1": "not needed", "site2": "passed"}

    undone = undo(field)

    assert undone.code == 0, undone
    assert served() == {"site1": "20260303", "site2": "20260202"}


def test_each_database_is_backed_up_and_a_restore_proves_it(field, tmp_path):
    with workspace() as directory, postgres.Postgres.running(directory / "postgres", listen="127.0.77.61") as cluster:
        store = tmp_path / "store"
        store.mkdir(mode=0o700)
        (store / "shop-20200101.dump").write_text("too old")
        os.utime(store / "shop-20200101.dump", (0, 0))
        settings = {"postgres_bin": cluster.binaries, "postgres_address": cluster.host, "postgres_role": "postgres"}
        settings |= {"postgres_port": cluster.port, "backup_store": store}
        field.hosts(pg1={name: str(value) for name, value in settings.items()})
        in_groups(field, postgres=["pg1"])
        field.environment["BACKUP_DB_PASSWORD"] = cluster.passwords["postgres"]

        def databases():
            asked = [cluster.psql, "-XAtq", "-d", "shop", "-c", "SELECT datname FROM pg_database ORDER BY 1"]
            env = cluster.environment("postgres")
            return subprocess.run(asked, check=True, capture_output=True, text=True, env=env).stdout.split()

        before = databases()
        ran = do(field, "RUN-716", label="20261224")

        assert ran.code == 0, ran.out
        assert databases() == before
        assert [path.name for path in store.iterdir()] == ["shop-20261224.dump"]
        captured = {}
        for event in ran.events:
            if event["type"] == "values.captured":
                captured |= event["data"]["values"]
        assert captured["restored"] == [{"tables": 1, "rows": 20000}]
        assert not [line for line in ran.out.splitlines() if cluster.passwords["postgres"] in line]


def serving(service, address, started):
    server = ThreadingHTTPServer((address, 0), partial(app.JsonHandler, service.answer))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    started.callback(server.server_close)
    started.callback(server.shutdown)
    return f"{address}:{server.server_port}"


@pytest.fixture
def slots(field, tmp_path):
    """Two slots of a web shop on one host, and a load balancer before them."""
    root, servers, pid, address = tmp_path / "shop", tmp_path / "balancer", tmp_path / "balancer.pid", "127.0.77.62"
    servers.mkdir()
    for version in (OLD, NEW):
        (root / "releases" / version).mkdir(parents=True)
        (root / "releases" / version / "VERSION").write_text(f"{version}\n")
    with ExitStack() as stack:
        answers = {}
        for slot in ("blue", "green"):
            (root / slot).mkdir()
            (root / slot / "current").symlink_to(root / "releases" / OLD)
            answers[slot] = serving(app.ShopService(root / slot, lambda: 3), address, stack)
        (servers / "blue.conf").write_text(f"server {answers['blue']};\n")
        (servers / "green.conf").write_text(f"server {answers['green']} down;\n")
        port = free_port(address)
        options = ["--listen", address, "--port", str(port), "--servers", servers, "--pid", pid]
        argv = [sys.executable, "-m", "runner.lab.programs.balancer", *options]
        stack.enter_context(running(LabCommand("balancer", argv, tmp_path / "balancer.log"))).wait_until(pid.exists)
        field.hosts(
            shop1={
                "slot_root": str(root),
                "slot_balancer": str(servers),
                "slot_balancer_pid": str(pid),
                "slot_servers": answers,
                "slot_urls": {slot: f"http://{server}" for slot, server in answers.items()},
                "public_url": f"http://{address}:{port}",
            }
        )
        in_groups(field, slots=["shop1"])
        yield root, servers


def state_of(root, servers):
    """The slot that people are sent to, and the version in each of the slots."""
    entries = {path.stem: path.read_text() for path in servers.iterdir()}
    versions = {slot: (root / slot / "current").readlink().name for slot in ("blue", "green")}
    return [slot for slot, entry in entries.items() if "down" not in entry], versions


def test_the_slots_are_switched_and_back(field, slots):
    ran = do(field, "RUN-718", version=NEW, watch_for="1s")

    assert ran.code == 0, ran.out
    assert state_of(*slots) == (["green"], {"blue": OLD, "green": NEW})

    undone = undo(field)

    assert undone.code == 0, undone
    assert state_of(*slots) == (["blue"], {"blue": OLD, "green": OLD})
