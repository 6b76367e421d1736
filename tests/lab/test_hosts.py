"""Hosts of real sshd: who gets in, which host one is on, which keys are refused, and that no session outlives them."""

import subprocess
import time

import pytest
from harness import PATIENCE
from harness.ssh_lab import replace_host_key

from runner.lab.hosts import MARKER, ssh_hosts

pytestmark = pytest.mark.live

NAMES = {"db1": "127.0.77.41", "app1": "127.0.77.51"}


@pytest.fixture
def up(sshd, directory):
    with ssh_hosts(directory / "hosts", NAMES) as hosts:
        yield hosts


def command(host, *words, key=None):
    options = [*host.ssh_options(), "-o", "BatchMode=yes", "-i", str(key or host.client_key), "-p", str(host.port)]
    return ["ssh", "-F", "/dev/null", *options, f"{host.user}@{host.address}", *words]


def ssh(host, *words, **how):
    return subprocess.run(command(host, *words, **how), capture_output=True, text=True, check=False, timeout=PATIENCE)


def test_each_host_has_its_own_marker_home_and_working_directory(up):
    found = {name: ssh(host, f'echo "${MARKER} $HOME $PWD"').stdout for name, host in up.hosts.items()}

    assert found == {name: f"{name} {host.home} {host.home}\n" for name, host in up.hosts.items()}


def test_output_input_and_exit_code_come_through(up):
    host = up.hosts["db1"]

    done = subprocess.run(
        command(host, "cat; echo bad >&2; exit 3"),
        input="a 'quoted' \"word\"\n",
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout, done.stderr) == (3, "a 'quoted' \"word\"\n", "bad\n")


def test_a_file_goes_over_sftp_to_the_hosts_home(up, tmp_path):
    host, source = up.hosts["app1"], tmp_path / "source"
    source.write_text("hello")
    options = [*host.ssh_options(), "-o", "BatchMode=yes", "-i", str(host.client_key), "-P", str(host.port)]

    copied = subprocess.run(
        ["sftp", "-q", "-F", "/dev/null", *options, "-b", "-", f"{host.user}@{host.address}"],
        input=f"put {source} relative\n",
        capture_output=True,
        text=True,
        check=False,
    )

    assert (copied.stderr, (host.home / "relative").read_text()) == ("", "hello")


def test_another_key_does_not_get_in(up, tmp_path):
    stranger = tmp_path / "stranger"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", stranger], check=True)

    refused = ssh(up.hosts["db1"], "true", key=stranger)

    assert (refused.returncode, "Permission denied (publickey)" in refused.stderr) == (255, True)


def test_a_replaced_host_key_is_refused_and_the_other_host_is_not(up):
    replace_host_key(up, "db1")

    impostor, honest = ssh(up.hosts["db1"], "true"), ssh(up.hosts["app1"], "true")

    assert (impostor.returncode, "Host key verification failed" in impostor.stderr) == (255, True)
    assert (honest.returncode, honest.stderr) == (0, "")


def test_no_session_outlives_its_host(sshd, directory, processes_of):
    with ssh_hosts(directory / "hosts", NAMES) as hosts:
        host = hosts.hosts["db1"]
        with subprocess.Popen(
            command(host, "touch started; setsid sleep 900; true"), stderr=subprocess.DEVNULL
        ) as client:
            while not (host.home / "started").exists():
                time.sleep(0.01)
            during = processes_of(host.home)
            host_gone = hosts.servers["db1"].process
            host_gone.terminate()
            host_gone.wait()
            client.wait(PATIENCE)

    assert (any("sleep 900" in name for name in during.values()), processes_of(directory)) == (True, {})


def test_keys_and_configuration_are_the_owners_only(up):
    directory = up.hosts["db1"].directory.parent

    assert (directory.stat().st_mode & 0o077, up.hosts["db1"].client_key.stat().st_mode & 0o077) == (0, 0)
