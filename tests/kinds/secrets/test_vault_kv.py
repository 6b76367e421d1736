"""A field of a secret in a real OpenBao, with each way to log in; what is closed says how to log in."""

from __future__ import annotations

import pytest
from harness import openbao
from harness.secret_stores import CANARY, looked_up, refused

pytestmark = openbao.installed


@pytest.fixture(scope="module")
def bao(tmp_path_factory):
    with openbao.serving(tmp_path_factory.mktemp("bao")) as server:
        yield server


@pytest.mark.parametrize(
    ("reference", "secret"),
    [("vault-kv:secret/shop/db#password", CANARY), ("vault-kv:old/kv/shop/db#password", f"{CANARY} of old")],
)
def test_a_field_in_both_versions_of_the_engine(bao, tmp_path, reference, secret):
    environ = {"VAULT_ADDR": bao.address, "HOME": str(tmp_path)}

    assert looked_up(reference, {**environ, "VAULT_TOKEN": bao.root}) == secret


def test_each_way_to_log_in(bao, tmp_path):
    role, secret = bao.role()
    (tmp_path / ".vault-token").write_text(f"{bao.root}\n")
    (tmp_path / "secret id").write_text(f"{secret}\n")
    address, by_role = {"BAO_ADDR": bao.address, "HOME": "/nonexistent"}, {"VAULT_ROLE_ID": role}

    for given in (
        {"BAO_TOKEN": bao.root},
        by_role | {"VAULT_SECRET_ID": secret},
        by_role | {"VAULT_SECRET_ID_FILE": str(tmp_path / "secret id")},
        {"HOME": str(tmp_path)},
    ):
        assert looked_up("vault-kv:secret/shop/db#password", address | given) == CANARY


def test_what_is_closed_says_how_to_log_in(bao, tmp_path):
    server = {"VAULT_ADDR": bao.address, "HOME": str(tmp_path)}
    role, secret = bao.role()
    by_role = server | {"VAULT_ROLE_ID": role, "VAULT_SECRET_ID": secret}
    login = f"type: BAO_ADDR={bao.address} bao login (or vault login)"

    assert (
        refused("vault-kv:secret/shop/db#password", server) == f"Vault at {bao.address}: nobody is logged in; {login}"
    )
    assert refused("vault-kv:secret/other/db#password", by_role) == (
        f"Vault at {bao.address}: it does not let this token read secret/other/db (answered 403); {login}"
    )
    assert refused("vault-kv:secret/shop/db#password", server | {"VAULT_TOKEN": "hvs.expired"}) == (
        f"Vault at {bao.address}: it does not let this token read secret/shop/db (answered 403); {login}"
    )
    assert refused("vault-kv:secret/shop/db#password", by_role | {"VAULT_SECRET_ID": "wrong"}) == (
        "Vault refuses the AppRole (answered 400); check VAULT_ROLE_ID and VAULT_SECRET_ID, which may have expired"
    )


def test_what_is_not_there(bao, tmp_path):
    environ = {"VAULT_ADDR": bao.address, "VAULT_TOKEN": bao.root}

    assert refused("vault-kv:secret/shop/none#password", environ) == (
        "Vault has no secret/shop/none, or its last version is deleted"
    )
    assert refused("vault-kv:secret/shop/db#absent", environ) == "the field 'absent' of secret/shop/db is not there"
    assert refused("vault-kv:secret/shop/db#port", environ) == "the field 'port' of secret/shop/db is not text"


def test_a_server_that_is_not_there():
    assert refused("vault-kv:secret/a#b", {}) == "neither BAO_ADDR nor VAULT_ADDR says where the server is"
    assert refused("vault-kv:secret/a#b", {"VAULT_ADDR": "http://127.0.0.1:1", "VAULT_TOKEN": "hvs.a"}) == (
        "Vault at http://127.0.0.1:1: network error: Connection refused"
    )
