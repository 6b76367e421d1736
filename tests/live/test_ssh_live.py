"""The same over SSH: real sshd, host keys checked, several hosts, and a clean-up that reaches them."""

from __future__ import annotations

import pytest
import yaml
from harness.bench import BOTH_ENGINES, step
from harness.ssh_lab import replace_host_key, script

from runner.core.errors import InvalidInputError
from runner.lab.hosts import ssh_hosts

NAMES = {"one": "127.0.77.61", "two": "127.0.77.62"}


@pytest.fixture
def ssh(bench, tmp_path):
    try:
        with ssh_hosts(tmp_path / "hosts", NAMES) as up:
            hosts = {name: host.variables() | {"runbook_environment": "lab"} for name, host in up.hosts.items()}
            bench.inventory.write_text(yaml.safe_dump({"all": {"hosts": hosts}}))
            yield up
    except InvalidInputError as error:
        pytest.skip(f"no SSH hosts here: {error.message}")


def test_each_host_does_the_steps_and_keeps_its_own_values(bench, ssh):
    bench.write(
        step("look", "echo $RUNBOOK_DEMO_HOST", effect="read", capture={"me": "stdout"}),
        step("use", 'test "$ME" = "$RUNBOOK_DEMO_HOST"', env={"ME": "{{ me }}"}, approve="Go on?"),
    )

    ran = bench.run()

    captured = {event["host"]: event["data"]["values"] for event in ran.events if event["type"] == "values.captured"}
    assert (ran.code, captured) == (0, {"one": {"me": "one"}, "two": {"me": "two"}}), ran.err


def test_a_host_is_logged_in_to_once_for_the_check_and_all_parts_of_the_run(bench, ssh):
    bench.write(step("look", "true", effect="read"), step("ask", "true", approve="Go on?"), step("act", "true"))

    ran = bench.run()

    logins = {name: (host.directory / "sshd.log").read_text().count("Accepted ") for name, host in ssh.hosts.items()}
    assert (ran.code, logins) == (0, {"one": 1, "two": 1}), ran.err


def way_by_itself(host):
    """The ssh options of a host, what its key is known by, and the command by which it is its own jump host."""
    options, place = " ".join(host.ssh_options()), f"[{host.address}]:{host.port}"
    return (
        options,
        place,
        f"ssh -F none {options} -i {host.client_key} -p {host.port} -W {place} {host.user}@{host.address}",
    )


def test_hosts_of_one_private_address_behind_different_jumps_are_told_apart(bench, ssh):
    settings, hosts = "", {}
    for name, host in ssh.hosts.items():
        options, place, jump = way_by_itself(host)
        settings += f"Host behind-{name}\n  HostName 127.0.0.1\n  HostKeyAlias {place}\n  ProxyCommand {jump}\n"
        told = host.variables() | {"ansible_host": f"behind-{name}", "ansible_port": 22, "runbook_environment": "lab"}
        hosts[name] = told | {"ansible_ssh_common_args": f"-F {bench.directory / 'ssh_config'} {options}"}
    (bench.directory / "ssh_config").write_text(settings)
    bench.inventory.write_text(yaml.safe_dump({"all": {"hosts": hosts}}))
    bench.write(step("look", "echo $RUNBOOK_DEMO_HOST", effect="read", capture={"me": "stdout"}))

    ran = bench.run()

    captured = {event["host"]: event["data"]["values"] for event in ran.events if event["type"] == "values.captured"}
    assert (ran.code, captured) == (0, {"one": {"me": "one"}, "two": {"me": "two"}}), ran.err


@BOTH_ENGINES
def test_hosts_of_one_address_and_port_behind_different_jumps_are_told_apart_in_all_parts(bench, ssh):
    hosts = {}
    for name, host in ssh.hosts.items():
        options, place, words = way_by_itself(host)
        jump = script(bench.directory / f"jump-{name}", f"exec {words}")
        told = host.variables() | {"ansible_host": "10.0.0.5", "ansible_port": 22, "runbook_environment": "lab"}
        way = f"-o HostKeyAlias={place} -o ProxyCommand={jump} {options}"
        hosts[name] = told | {"ansible_ssh_common_args": way}
    bench.inventory.write_text(yaml.safe_dump({"all": {"hosts": hosts}}))
    looks = [
        step(f"look-{n}", "echo $RUNBOOK_DEMO_HOST", effect="read", capture={f"me_{n}": "stdout"}, **asked)
        for n, asked in enumerate([{}, {}, {"approve": "Go on?"}, {}])
    ]
    bench.write(*looks)

    ran = bench.run()

    captured = [
        (event["host"], *event["data"]["values"].values()) for event in ran.events if event["type"] == "values.captured"
    ]
    assert (ran.code, sorted(captured)) == (0, sorted([("one", "one"), ("two", "two")] * len(looks))), ran.err


def test_a_wrong_host_key_is_refused_and_nothing_runs_there(bench, ssh):
    made = bench.directory / "made"
    bench.write(step("act", f"touch {made}-$RUNBOOK_DEMO_HOST"))
    replace_host_key(ssh, "two")

    ran = bench.run()

    looked = {event["host"]: event["data"]["outcome"] for event in ran.events if event["type"] == "preflight.finished"}
    assert (ran.code, looked) == (5, {"one": "passed", "two": "unreachable"})
    assert "its host key is not the one that is known: was ssh-ed25519 SHA256:" in ran.err + str(ran.events[-1])
    assert [path for path in bench.directory.iterdir() if path.name.startswith("made")] == []


def test_where_a_host_may_fail_one_with_a_wrong_key_is_named_and_the_others_are_worked_on(bench, ssh):
    made = bench.directory / "made"
    bench.write(step("act", f"touch {made}-$RUNBOOK_DEMO_HOST"), max_failures=1)
    replace_host_key(ssh, "two")

    ran = bench.run()

    finished = {event["host"]: event["data"]["outcome"] for event in ran.events if event["type"] == "step.finished"}
    assert (ran.code, finished) == (5, {"one": "passed", "two": "unreachable"})
    assert [path.name for path in bench.directory.iterdir() if path.name.startswith("made")] == ["made-one"]
