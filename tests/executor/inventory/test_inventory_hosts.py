"""Which patterns hold a host, and which variables are set, is what Ansible says, of each inventory by itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from runner.core.errors import InvalidInputError
from runner.executor.inventory.inventory_hosts import holding, variables

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


@pytest.fixture
def vault(tmp_path, monkeypatch):
    """An inventory with an encrypted file beside it, and the file of its password."""
    (tmp_path / "sesame").write_text("open\n")
    (tmp_path / "wrong").write_text("close\n")
    (tmp_path / "group_vars" / "web").mkdir(parents=True)
    secret = tmp_path / "group_vars" / "web" / "vault.yml"
    secret.write_text("hidden: a\n")
    program = Path(sys.executable).with_name("ansible-vault")
    subprocess.run([program, "encrypt", "--vault-password-file", tmp_path / "sesame", secret], check=True)
    (tmp_path / "hosts").write_text("[web]\nweb1 own=1\n")
    (tmp_path / "group_vars" / "web" / "open.yml").write_text(
        "db: {name: shop, url: 'http://{{ hidden }}@db'}\nmore: '{{ hostvars[\"web1\"].db.get(\"url\") }}'\n"
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_what_is_set_in_an_encrypted_file_is_known_to_who_has_the_password(vault, monkeypatch):
    monkeypatch.setenv("ANSIBLE_VAULT_PASSWORD_FILE", "sesame")

    found = variables([Path("hosts")])

    assert {"hidden", "own"} <= found.names
    assert found.vaulted == {"hidden", "db.url", "more"}


@pytest.mark.parametrize("password", ["wrong", "absent"])
def test_without_it_the_inventory_cannot_be_read(vault, monkeypatch, password):
    monkeypatch.setenv("ANSIBLE_VAULT_PASSWORD_FILE", password)

    with pytest.raises(InvalidInputError, match="Ansible cannot read hosts: ") as caught:
        variables([Path("hosts")])

    assert "--vault-password-file" in caught.value.hint
