"""The whole environment: broken and mended, released, reached by Ansible, and gone whatever happens to it."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from harness import PATIENCE, ROOT

from runner.lab.demo_workspace import workspace
from runner.lab.probe import HealthAnswer, Probe, get, health
from runner.lab.shop import BAD, CURRENT, GOOD, Shop

pytestmark = pytest.mark.live

INVENTORIES = ROOT / "inventories"
MEND = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'nightly-report'"
ENDS = [("local", signal.SIGINT), ("over_ssh", signal.SIGKILL)]
if os.environ.get("RUNBOOK_KILLS") == "all":
    ENDS += [("local", signal.SIGKILL), ("over_ssh", signal.SIGINT)]
DEMO = """
import signal, sys
from runner.lab.shop import Shop
from runner.lab.demo_workspace import workspace
with workspace() as directory, getattr(Shop, sys.argv[1])(directory) as shop:
    shop.break_it()
    print(directory, flush=True)
    signal.pause()
"""


@pytest.fixture(scope="module", params=["local", "over_ssh"])
def mode(request, wheel):
    if request.param == "over_ssh":
        request.getfixturevalue("sshd")
    return request.param


@pytest.fixture(scope="module")
def shop(mode):
    """The one of all tests here: each leaves it as it has found it."""
    with workspace() as directory, getattr(Shop, mode)(directory) as opened:
        yield opened


def psql(shop, statement, role="runbook"):
    environment = shop.database.environment(role)
    done = subprocess.run(
        [shop.database.psql, "-XAtqc", statement], capture_output=True, text=True, check=False, env=environment
    )
    return done.stdout.strip() or done.stderr.strip()


def ansible(shop, tmp_path, *words):
    """What Ansible says and complains of, with the shop laid over the library's inventory as the demo does it."""
    overlay = tmp_path / "inventory.json"
    overlay.write_text(json.dumps(shop.inventory()))
    # The path of a shared connection's socket may not be longer than 108 characters, nor should one outlive the test.
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LC_ALL": "C.UTF-8", "ANSIBLE_SSH_ARGS": "-C"}
    done = subprocess.run(
        [Path(sys.executable).parent / "ansible", "-i", INVENTORIES / "local", "-i", overlay, *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=environment,
    )
    return sorted(line for line in done.stdout.replace(" >>\n", " | ").splitlines() if line), done.stderr


def test_it_breaks_and_is_well_again_when_the_leak_is_ended(shop):
    with Probe.watching(health(f"{shop.app_urls[0]}/health"), interval=0.01) as probe:
        # Given
        well = probe.wait(healthy=True, within=PATIENCE) and shop.is_healthy()

        # When
        held = shop.break_it()
        broken = get(f"{shop.app_urls[-1]}/health")
        seen = probe.wait(healthy=False, within=PATIENCE)
        percent = psql(shop, "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'")
        ended = psql(shop, MEND)

        # Then
        mended = probe.wait(healthy=True, within=PATIENCE)
    assert (well, held, seen, ended, mended, shop.is_healthy()) == (True, 94, True, "94", True, True)
    assert (broken.status, broken.body["status"], int(percent) >= 90) == (503, "fail", True)
    assert len(probe.outages) == 1


def test_it_can_be_broken_again(shop):
    held = [shop.break_it()]
    psql(shop, MEND)
    held.append(shop.break_it())
    psql(shop, MEND)

    assert held == [94, 94]


def test_the_operator_still_gets_in_when_nobody_else_does_and_the_reader_may_not_mend(shop):
    shop.break_it()

    answers = (
        [psql(shop, "SELECT current_user", role) for role in ("runbook", "reader")],
        psql(shop, MEND, "reader"),
    )
    psql(shop, MEND)

    assert answers[0] == ["runbook", "reader"]
    assert "permission denied to terminate process" in answers[1]


def test_each_web_shop_is_released_on_its_own(shop):
    app, others = shop.apps[0], shop.apps[1:]

    def release(version):
        link = app.release_root / "next"
        link.symlink_to(f"releases/{version}")
        link.replace(app.release_root / "current")

    seen = []
    for version in (GOOD, BAD):
        release(version)
        health, orders, metrics = (get(f"{app.url}/{path}") for path in ("health", "orders", "metrics"))
        seen.append((health.status, health.body["version"], orders.status, metrics.body["error_rate_5m"]))

    assert seen == [(200, GOOD, 200, 0.0), (200, BAD, 500, 1.0)]
    assert [get(f"{other.url}/health") for other in others] == [
        HealthAnswer(200, {"version": CURRENT, "status": "ok", "orders": 20000}) for _ in others
    ]
    release(CURRENT)


def test_ansible_reaches_every_web_shop_on_its_own_host(shop, tmp_path):
    said, complaints = ansible(
        shop,
        tmp_path,
        *("app", "-m", "ansible.builtin.shell", "-a", "echo [$RUNBOOK_DEMO_HOST] {{ app_url }} {{ release_root }}"),
    )

    on = {name: name if shop.hosts else "" for name in ("app1", "app2")}
    assert complaints == ""
    assert said == [f"{app.name} | CHANGED | rc=0 | [{on[app.name]}] {app.url} {app.release_root}" for app in shop.apps]


def test_ansible_gets_into_the_database_as_the_operator(shop, tmp_path):
    login = " ".join(
        f"{name}={value}" for name, value in shop.inventory()["db_primary"]["hosts"]["db1"]["runbook_sql"].items()
    )
    statement = "SELECT current_user, inet_server_addr()"

    said, complaints = ansible(
        shop,
        tmp_path,
        *("db_primary", "-m", "ansible.builtin.shell", "-a", f"{login} {{{{ runbook_psql }}}} -XAtqc '{statement}'"),
    )

    address = "127.0.77.41" if shop.hosts else "127.0.0.1"
    assert (said, complaints) == ([f"db1 | CHANGED | rc=0 | runbook|{address}"], "")


def test_the_inventory_can_be_another_roles(shop):
    (host,) = shop.inventory(role="reader")["db_primary"]["hosts"].values()

    assert host["runbook_sql"] == shop.database.environment("reader")


@pytest.mark.parametrize("mode", ["over_ssh"], indirect=True)
def test_over_ssh_every_host_is_another_and_its_key_is_checked(shop):
    hosts = {name: host for group in shop.inventory().values() for name, host in group["hosts"].items()}

    assert {name: host["ansible_host"] for name, host in hosts.items()} == {
        "db1": "127.0.77.41",
        "app1": "127.0.77.51",
        "app2": "127.0.77.52",
        "lb1": "127.0.77.61",
    }
    assert all(
        host["ansible_host_key_checking"] is True and "StrictHostKeyChecking=yes" in host["ansible_ssh_common_args"]
        for host in hosts.values()
    )


@pytest.mark.parametrize(("mode", "end"), ENDS, indirect=["mode"])
def test_nothing_runs_after_ctrl_c_or_kill_9_and_nothing_stays_on_disk(mode, end, tmp_path, none_left, processes_of):
    # Given a demo in the midst of its fault
    tempdir = Path(tempfile.mkdtemp(prefix="demo-test-"))
    tempdir.chmod(0o711)
    environment = {**os.environ, "TMPDIR": str(tempdir)}
    with subprocess.Popen(
        [sys.executable, "-c", DEMO, mode],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as demo:
        directory = demo.stdout.readline().strip()
        running = len(processes_of(directory))

        # When
        demo.send_signal(end)
        try:
            demo.wait(PATIENCE)
        finally:
            demo.kill()

    # Then
    stopped = none_left(directory)
    subprocess.run(
        [sys.executable, "-c", "from runner.lab.demo_workspace import sweep; sweep()"],
        env=environment,
        check=end == signal.SIGKILL,
    )
    assert (running > 5, stopped, list(tempdir.iterdir())) == (True, True, [])
    tempdir.rmdir()
