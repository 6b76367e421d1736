"""Which patterns hold a host is what Ansible says, of each inventory by itself."""

from __future__ import annotations

import pytest

from runner.execution.inventory_hosts import holding

PATTERNS = ["web", "web:!web1", "all:&eu", "db*", "web[0]", "~we.[12]", "app,db"]
STAGING = "[web]\nweb1\nweb2\n[eu]\nweb1\n"
PRODUCTION = (
    "all: {children: {outer: {children: {db: {hosts: {db7: {}}}}}, web: {hosts: {web3: {}}}, eu: {hosts: {db7: {}}}}}\n"
)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "staging").mkdir()
    (tmp_path / "staging" / "hosts").write_text(STAGING)
    (tmp_path / "production.yml").write_text(PRODUCTION)
    (tmp_path / "broken.yml").write_text("all: {hosts: {a: {}}}\nall: {}\n")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "held"),
    [
        ("web1", ["web", "all:&eu", "web[0]"]),
        ("web2", ["web", "web:!web1"]),
        ("db7", ["all:&eu", "db*", "app,db"]),
        ("outer", ["all:&eu", "db*", "app,db"]),
        ("nobody", None),
        ("", None),
    ],
)
def test_a_pattern_holds_what_ansible_would_work_on(folder, name, held):
    found = holding(name, [pattern for pattern in PATTERNS if not pattern.startswith("~")], folder)

    assert found is held if held is None else set(found) == set(held)


def test_no_program_is_run_to_find_out(tmp_path):
    made = tmp_path / "made"
    inventories = tmp_path / "inventories"
    inventories.mkdir()
    script = inventories / "hosts"
    script.write_text(f"#!/bin/sh\ntouch {made}\necho '{{\"_meta\": {{}}}}'\n")
    script.chmod(0o755)

    assert (holding("x", ["all"], inventories), made.exists()) == (None, False)


def test_without_inventories_nobody_is_known(tmp_path):
    assert holding("web1", ["web"], tmp_path / "absent") is None
