"""A reference says where a secret is; what is found there is never quoted."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.core.secrets import SecretReference

VAULT = """\
password: hunter2!
port: 5432
db: {admin: {password: "it's {{ deep }}"}}
db.admin: at the top
"""


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("env:DB_PASSWORD", SecretReference("env", "DB_PASSWORD")),
        ("file:/run/secrets/a b:c#d", SecretReference("file", "/run/secrets/a b:c#d")),
        ("vault:secrets.yml#db.password", SecretReference("vault", "secrets.yml", "db.password")),
        ("command:pass show 'db prod'", SecretReference("command", "pass show 'db prod'")),
        ("prompt", SecretReference("prompt")),
    ],
)
def test_a_reference_is_read_and_written(text, reference):
    assert SecretReference.parse(text) == reference
    assert str(reference) == text


@given(st.text())
def test_anything_else_is_refused_without_being_repeated(text):
    try:
        assert str(SecretReference.parse(text)) == text
    except ValueError as error:
        assert str(error) == (  # noqa: PT017 - the same sentence, whatever it was
            "a secret is never written down, only where it is: "
            "env:NAME, file:PATH, vault:PATH#KEY, command:PROGRAM ARGUMENTS or prompt"
        )


@pytest.mark.parametrize(
    "text", ["env:", "env:A-B", "file:", "vault:a", "vault:#k", "command: ", "ENV:A", "prompt:", "env:A\n"]
)
def test_half_a_reference_is_none(text):
    with pytest.raises(ValueError, match="^a secret is never written down"):
        SecretReference.parse(text)


def test_a_path_is_made_absolute_and_nothing_else(tmp_path):
    absolute = [
        str(SecretReference.parse(text).absolute(tmp_path))
        for text in ("file:../k", "vault:v.yml#k", "file:/k", "env:A")
    ]

    assert absolute == [f"file:{tmp_path.parent}/k", f"vault:{tmp_path}/v.yml#k", "file:/k", "env:A"]
    assert SecretReference.parse("file:~/k").absolute(tmp_path).where == str(Path.home() / "k")


def resolved(text, environ=os.environ):
    return SecretReference.parse(text).resolve(environ)


def refused(text, environ=os.environ):
    with pytest.raises(ValueError, match=".") as caught:
        resolved(text, environ)
    return str(caught.value)


def test_a_variable_of_the_environment():
    assert resolved("env:A", {"A": " it's {{ a }} secret "}) == " it's {{ a }} secret "
    assert refused("env:A", {}) == "the environment variable A is not set"


@pytest.mark.parametrize(("content", "secret"), [("a\n", "a"), ("a\r\n", "a"), ("a\nb\n\n", "a\nb\n"), (" a ", " a ")])
def test_a_file_without_the_line_break_at_its_end(tmp_path, content, secret):
    (tmp_path / "key").write_text(content, newline="")

    assert resolved(f"file:{tmp_path}/key") == secret


def test_a_file_that_is_not_there_or_no_text(tmp_path):
    (tmp_path / "key").write_bytes(b"hunter2\xff")

    assert refused(f"file:{tmp_path}/absent") == f"{tmp_path}/absent: No such file or directory"
    assert refused(f"file:{tmp_path}/key") == f"{tmp_path}/key is not text in UTF-8"


def test_what_a_command_prints(tmp_path):
    script = tmp_path / "give it.sh"
    script.write_text('#!/bin/sh\n[ -t 0 ] || printf "%s\\n" "$1 of $WHOSE"\n')
    script.chmod(0o755)

    assert resolved(f"command:'{script}' 'the key'", {**os.environ, "WHOSE": "mine"}) == "the key of mine"
    assert resolved("command:echo $HOME") == "$HOME"  # there is no shell


@pytest.mark.parametrize("line", ["false", "/absent/program", f"{sys.executable} -c 'print(\"hunter2\"); exit(1)'"])
def test_a_command_that_does_not_succeed_gives_nothing_away(line):
    said = refused(f"command:{line}")

    assert said.endswith(" did not give it: it cannot be started, failed, or took too long")
    assert "hunter2" not in said
    assert refused("command:echo 'a") == "a quotation in the command is not closed"


def test_what_is_asked_for_is_nowhere():
    assert refused("prompt") == "is asked for, and there is nobody to ask"


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
    ("key", "secret"),
    [("password", "hunter2!"), ("db.admin.password", "it's {{ deep }}"), ("db.admin", "at the top")],
)
def test_a_key_of_a_vault(vault, with_password, key, secret):
    assert resolved(f"vault:{vault}/all.yml#{key}", with_password) == secret


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
