"""Where Ansible only warns, and would go on with fewer hosts or other values than are meant, nothing is done."""

from __future__ import annotations

import sys

import pytest
from harness.bench import step

LOCAL = f"ansible_connection: local, ansible_python_interpreter: {sys.executable}, runbook_environment: local"


@pytest.mark.parametrize(
    ("children", "code", "sentence"),
    [
        (
            "web: {hosts: {h1: {}, h2: {}}}\n    web: {hosts: {h3: {}}}",
            1,
            "the key 'web' stands on line 4 and again on line 5",
        ),
        ("web: {hosts: {web: {}, node: {}}}", 5, "a group and a host have the same name in the inventory: 'web'"),
        ("web: {hosts: {h1: {}}, host: {h2: {}}}", 5, "Skipping unexpected key (host) in group (web)"),
    ],
)
def test_an_inventory_that_ansible_would_only_warn_of(bench, children, code, sentence):
    made = bench.directory / "made"
    bench.write(step("act", f"touch {made}"), hosts="web")
    bench.inventory.write_text(f"all:\n  vars: {{{LOCAL}}}\n  children:\n    {children}\n")

    ran = bench.run()

    assert (ran.code, made.exists()) == (code, False)
    assert sentence in ran.out


def test_a_key_that_stands_twice_in_variables_is_told_with_both_places_and_no_traceback(bench):
    made = bench.directory / "made"
    bench.write(step("act", f"touch {made}"))
    variables = bench.directory / "group_vars" / "all.yml"
    variables.parent.mkdir()
    variables.write_text("port: 1\nname: web\nport: 2\n")

    ran = bench.run()

    assert (ran.code, made.exists(), "Traceback" in ran.out + ran.err) == (1, False, False)
    assert f"{variables}: the key 'port' stands on line 1 and again on line 3" in ran.out


def test_a_name_of_both_that_nobody_asks_for_is_no_fault(bench):
    made = bench.directory / "made"
    bench.write(step("act", f"touch {made}"), hosts="other")
    children = "web: {hosts: {web: {}}}\n    other: {hosts: {h1: {}}}"
    bench.inventory.write_text(f"all:\n  vars: {{{LOCAL}}}\n  children:\n    {children}\n")

    assert (bench.run().code, made.exists()) == (0, True)


def test_a_configuration_that_is_not_read_is_told(bench):
    bench.write(step("act", "true", effect="read"))
    (bench.directory / "ansible.cfg").write_text("[defaults]\nremote_user = deploy\n")

    planned = bench.command("plan", "RUN-900", "-i", str(bench.inventory))

    assert "ansible.cfg is not read: remote_user; give remote_user as ansible_user in group_vars" in planned.err
    assert "changes nothing, and looks at 1 of 1 hosts in local" in planned.out
