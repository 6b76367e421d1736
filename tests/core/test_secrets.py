"""A reference says where a secret is; what is found there is never quoted."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.core.secrets import FORMS, SecretReference


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("env:DB_PASSWORD", SecretReference("env", "DB_PASSWORD")),
        ("file:/run/secrets/a b:c#d", SecretReference("file", "/run/secrets/a b:c#d")),
        ("vault:secrets.yml#db.password", SecretReference("vault", "secrets.yml", "db.password")),
        ("ansible-vault:a b.yml#k", SecretReference("ansible-vault", "a b.yml", "k")),
        ("vault-kv:secret/shop/db#password", SecretReference("vault-kv", "secret/shop/db", "password")),
        ("aws-sm:prod/db#password", SecretReference("aws-sm", "prod/db", "password")),
        (
            "aws-sm:arn:aws:secretsmanager:eu-west-1:1:secret:db-Ab1",
            SecretReference("aws-sm", "arn:aws:secretsmanager:eu-west-1:1:secret:db-Ab1"),
        ),
        ("aws-ssm:/prod/db/password", SecretReference("aws-ssm", "/prod/db/password")),
        ("op://Private/My db/password", SecretReference("op", "//Private/My db/password")),
        ("lastpass:Shared-db/prod", SecretReference("lastpass", "Shared-db/prod")),
        ("bitwarden:db#api key", SecretReference("bitwarden", "db", "api key")),
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
            f"a secret is never written down, only where it is: {FORMS}"
        )


@pytest.mark.parametrize(
    "text",
    [
        "env:",
        "env:A-B",
        "file:",
        "vault:a",
        "vault:#k",
        "command: ",
        "ENV:A",
        "prompt:",
        "env:A\n",
        "vault-kv:secret#k",
        "vault-kv:secret/a",
        "op:vault/item/field",
        "op://vault/item",
        "lastpass:-p",
        "bitwarden:",
        "mine:a",
    ],
)
def test_half_a_reference_is_none(text):
    with pytest.raises(ValueError, match="^a secret is never written down"):
        SecretReference.parse(text)


def test_a_path_is_made_absolute_and_nothing_else(tmp_path):
    absolute = [
        str(SecretReference.parse(text).absolute(tmp_path))
        for text in ("file:../k", "vault:v.yml#k", "ansible-vault:v.yml#k", "file:/k", "env:A", "lastpass:a/b")
    ]

    assert absolute == [
        f"file:{tmp_path.parent}/k",
        f"vault:{tmp_path}/v.yml#k",
        f"ansible-vault:{tmp_path}/v.yml#k",
        "file:/k",
        "env:A",
        "lastpass:a/b",
    ]
    assert SecretReference.parse("file:~/k").absolute(tmp_path).where == str(Path.home() / "k")
