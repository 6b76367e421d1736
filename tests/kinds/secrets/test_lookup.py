"""A reference leads to its store, also to one of another package, whose failures give nothing away."""

from __future__ import annotations

import pytest
from harness.plugin_package import importable, register
from harness.secret_stores import CANARY, looked_up, refused

from runner.core.secrets import SecretReference
from runner.kinds.secrets.lookup import is_at_hand

STORE = f"""\
from runner.core.secrets import SecretUnavailableError
from runner.kinds.secrets.base import SecretStore


class Keeper(SecretStore):
    key = "keeper"

    def read(self, reference, environ):
        if reference.where == "locked":
            raise SecretUnavailableError("the keeper is locked; type: keeper open")
        if reference.where == "broken":
            raise RuntimeError("{CANARY} cannot be read")
        return {{"db": "{CANARY} of " + environ["WHOSE"], "number": 5}}[reference.where]
"""


@pytest.fixture
def keeper(tmp_path):
    (tmp_path / "keepers.py").write_text(STORE)
    register(tmp_path, "keepers", "1.2", secrets={"keeper": "keepers:Keeper"})
    with importable(tmp_path):
        yield


def test_what_is_asked_for_is_nowhere():
    assert refused("prompt") == "is asked for, and there is nobody to ask"


def test_what_asks_neither_a_person_nor_a_service():
    texts = (
        "env:A",
        "file:/a",
        "ansible-vault:a#b",
        "vault:a#b",
        "op://a/b/c",
        "vault-kv:a/b#c",
        "command:a",
        "prompt",
    )

    assert [is_at_hand(SecretReference.parse(text)) for text in texts] == [True] * 4 + [False] * 4


@pytest.mark.usefixtures("keeper")
def test_a_store_of_another_package():
    package = "the package keepers 1.2 registers runbookctl.secrets keeper = keepers:Keeper"

    assert looked_up("keeper:db", {"WHOSE": "ours"}) == f"{CANARY} of ours"
    assert refused("keeper:locked") == "the keeper is locked; type: keeper open"
    assert refused("keeper:broken") == (
        f"{package}, whose read has failed: RuntimeError; pip uninstall keepers removes it"
    )
    assert refused("keeper:number", {"WHOSE": "ours"}) == (
        f"{package}, whose read returns int and must return str; pip uninstall keepers removes it"
    )


def test_a_store_whose_package_cannot_be_used(tmp_path):
    register(tmp_path, "keepers", "1.2", secrets={"keeper": "absent:Keeper"})

    with importable(tmp_path):
        message = refused("keeper:db")

    assert message.startswith(
        "the package keepers 1.2 registers runbookctl.secrets keeper = absent:Keeper, which cannot"
    )
    assert message.endswith("; pip uninstall keepers removes it")
