"""A user without root has labs like root's, finds them again from each command, and leaves nothing behind."""

import json
import os
import signal
import sys

import pytest
from harness import TESTS
from harness.debian_machine import DebianMachine

from runner.core.duration import comes_true
from runner.core.process_stat import is_alive
from runner.lab.machines.image import current_image
from runner.lab.machines.topology import MACHINES

pytestmark = [pytest.mark.live, pytest.mark.long]

RUNBOOK = (sys.executable, "-m", "runner", "--library", TESTS.parent)


@pytest.fixture(scope="module")
def user(ordinary_user, cache):
    """Somebody who has an image."""
    ordinary_user.adopt(current_image(cache))
    return ordinary_user


@pytest.fixture(scope="module")
def runbook(user):
    """What a command of ours prints for the user; it must end with `code`. No lab stays."""

    def run(*words, code=0):
        done = user.run(*RUNBOOK, *words)
        assert (done.returncode, done.stderr[-1000:]) == (code, done.stderr[-1000:])
        return done.stdout.strip()

    yield run
    if is_alive(keeper(user)):
        os.kill(keeper(user), signal.SIGKILL)


@pytest.fixture(scope="class")
def lab(user, runbook):
    """A lab that the tests of a class share; with it the namespace goes."""
    runbook("lab", "up")
    yield
    alive = is_alive(keeper(user))
    runbook("lab", "down")
    assert (alive, is_alive(keeper(user)), user.is_alone()) == (True, False, True)


def keeper(user):
    return int((user.home / ".cache/runbook/lab/namespace").read_text().split()[0])


def states(runbook, lab):
    lines = [line.split() for line in runbook("lab", "status").splitlines()]
    return {host: state for name, host, _, state in lines if name == lab}


@pytest.mark.usefixtures("lab")
class TestLab:
    """A lab of a user without root."""

    def test_two_labs_are_found_again(self, user, runbook):
        # Given
        runbook("lab", "up", "--lab", "two")

        # When
        namespaces = runbook("lab", "shell", "app1", "--", "sudo", "cat", "/proc/self/uid_map").split()
        runbook("lab", "power-off", "app2", "--lab", "two")
        seen = states(runbook, "lab"), states(runbook, "two")
        runbook("lab", "power-on", "app2", "--lab", "two")
        again = states(runbook, "two")
        runbook("lab", "down", "--lab", "two")

        # Then
        on = dict.fromkeys(MACHINES, "on")
        assert namespaces[:2] == ["0", str(user.uid)]
        assert (seen, again) == ((on, on | {"app2": "off"}), on)
        assert (states(runbook, "lab"), states(runbook, "two")) == (on, {})

    def test_a_snapshot_keeps_also_directories_that_replace_others(self, runbook):
        # Given
        replaced = "sudo rm -r /etc/logrotate.d && sudo mkdir /etc/logrotate.d && sudo touch /etc/logrotate.d/mine"
        runbook("lab", "shell", "app2", "--", replaced)

        # When
        runbook("lab", "snapshot", "mine")
        runbook("lab", "shell", "app2", "--", "sudo rm -r /etc/logrotate.d")
        runbook("lab", "restore", "mine")

        # Then
        assert runbook("lab", "shell", "app2", "--", "ls", "/etc/logrotate.d") == "mine"

    def test_a_drill_on_it_passes_and_the_record_names_the_user(self, user, runbook):
        # When
        done = user.run(*RUNBOOK, "--state-dir", "state", "drill", "RUN-006", "-i", "inventories/lab", "--yes")

        # Then
        records = map(json.loads, (user.home / "state/audit/audit.jsonl").read_text().splitlines())
        users = {each["data"]["user"]["name"] for each in records if "process" in each["data"]}
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        assert users == {user.login}

    def test_what_others_can_change_is_refused_inside_as_well(self, user, runbook):
        # Given
        inventory = user.home / "theirs"
        inventory.mkdir()
        hosts = "all: {hosts: {db1: {ansible_ssh_private_key_file: /run/runbook-lab/lab/client_key}}}\n"
        (inventory / "hosts.yml").write_text(hosts)
        os.chown(inventory, user.uid, user.uid)
        os.chown(inventory / "hosts.yml", user.uid + 1, user.uid + 1)

        # When
        done = user.run(*RUNBOOK, "--state-dir", "state", "run", "RUN-006", "-i", inventory, "--yes")

        # Then
        assert done.returncode == 2
        assert f"{inventory}/hosts.yml belongs to user {user.uid + 1}" in done.stderr


def test_with_the_keeper_everything_ends_and_the_next_command_begins_anew(user, runbook):
    # Given
    runbook("lab", "up")
    assert len(user.processes()) > len(MACHINES)

    # When
    os.kill(keeper(user), signal.SIGKILL)

    # Then
    assert comes_true(lambda: not user.processes(), within=10, every=0.01)
    assert runbook("lab", "status") == ""
    assert user.is_alone()


def test_what_a_killed_command_leaves_the_next_one_ends(user, runbook):
    # Given: a lab that is being started.
    starts = '"$@" & sleep 1; kill -9 $!; wait $! 2>/dev/null; exit 0'
    user.run("sh", "-c", starts, "sh", *RUNBOOK, "lab", "up", check=True)

    # When
    seen = runbook("lab", "status")

    # Then
    assert (seen, user.is_alone()) == ("", True)


def test_systemd_gives_a_control_group_for_the_labs_and_nothing_of_it_stays(user):
    with DebianMachine(user) as machine:
        # Given
        up = machine.run_as_user(*RUNBOOK, "lab", "up")
        assert (up.returncode, up.stderr[-1000:]) == (0, up.stderr[-1000:])

        # When
        name = machine.run_as_user(*RUNBOOK, "lab", "shell", "app1", "--", "hostname").stdout
        group = machine.run_as_user("sh", "-c", 'cat /proc/$(cut -d" " -f1 .cache/runbook/lab/namespace)/cgroup').stdout
        machine.run_as_user(*RUNBOOK, "lab", "power-off", "app1")
        on = machine.run_as_user(*RUNBOOK, "lab", "power-on", "app1").returncode
        down = machine.run_as_user(*RUNBOOK, "lab", "down").returncode

        # Then
        assert (name, on, down) == ("app1\n", 0, 0)
        scope = group.splitlines()[-1].removeprefix("0::")
        assert scope.startswith(f"/user.slice/user-{user.uid}.slice/user@{user.uid}.service/app.slice/run-")
        left = f"test ! -e /sys/fs/cgroup{scope}"
        assert comes_true(lambda: machine.run("sh", "-c", left).returncode == 0, within=10, every=0.1)
