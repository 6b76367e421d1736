"""A key of a file that Ansible's own tool has encrypted."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from harness.secret_stores import looked_up, refused

VAULT = """\
password: hunter2!
port: 5432
db: {admin: {password: "it's {{ deep }}"}}
db.admin: at the top
"""


@pytest.fixture(scope="module")
def vault(tmp_path_factory):
    """A file that Ansible's own tool has encrypted, and its password."""
    directory = tmp_path_factory.mktemp("vault")
    (directory / "password").write_text("open sesame\n")
    (directory / "all.yml").write_text(VAULT)
    program = Path(sys.executable).with_name("ansible-vault")
    words = [program, "encrypt", "--vault-password-file", directory / "password", directory / "all.yml"]
    subprocess.run(words, check=True, capture_output=True)
    assert "hunter2" not in (directory / "all.yml").read_text()
    return directory


@pytest.fixture
def with_password(vault):
    return {**os.environ, "ANSIBLE_VAULT_PASSWORD_FILE": str(vault / "password")}


@pytest.mark.parametrize(
    ("kind", "key", "secret"),
    [
        ("ansible-vault", "password", "hunter2!"),
        ("ansible-vault", "db.admin.password", "it's {{ deep }}"),
        ("vault", "db.admin", "at the top"),
    ],
)
def test_a_key_of_a_vault(vault, with_password, kind, key, secret):
    assert looked_up(f"{kind}:{vault}/all.yml#{key}", with_password) == secret


@pytest.mark.parametrize(
    ("key", "sentence"),
    [
        ("absent", "has no key 'absent'"),
        ("password.deeper", "has no key 'password.deeper'"),
        ("port", "'port' in PATH is not text; put it in quotes there"),
    ],
)
def test_a_key_that_is_not_there(vault, with_password, key, sentence):
    said = refused(f"vault:{vault}/all.yml#{key}", with_password).replace(f"{vault}/all.yml", "PATH")

    assert re.sub("^PATH ", "", said) == sentence


def test_a_vault_without_its_password_says_how_it_is_given_and_asks_nobody(vault):
    environ = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}

    assert refused(f"vault:{vault}/all.yml#password", environ) == (
        f"{vault}/all.yml cannot be decrypted; "
        "name the file of its password with --vault-password-file or ANSIBLE_VAULT_PASSWORD_FILE"
    )
