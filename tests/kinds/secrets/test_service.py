"""A service that keeps secrets misbehaves: a sentence in time, and no secret of a request in it."""

from __future__ import annotations

import pytest
from harness.fault_server import FaultServer
from harness.secret_stores import CANARY

from runner.channels.exchange import WebRequest
from runner.core.secrets import SecretUnavailableError
from runner.kinds.secrets.service import SecretService


def asked(server, patience=5.0):
    request = WebRequest(f"{server.root}/v1/a", headers={"X-Vault-Token": CANARY}, method="GET")
    return SecretService("Vault", server.root, patience).ask(request)


@pytest.mark.parametrize(("mode", "status"), [("400", 400), ("403", 403), ("503", 503), ("redir", 302), ("html", 202)])
def test_any_status_is_an_answer_and_no_redirect_is_followed(mode, status):
    with FaultServer(mode) as server:
        answer = asked(server)

    assert (answer.status, len(server.requests)) == (status, 1)


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        ("slow", "no answer"),
        ("drip", "no answer"),
        ("drip-head", "no answer"),
        ("rst", "network error"),
        ("garbage", "the answer is not HTTP (BadStatusLine)"),
    ],
)
def test_no_answer_is_a_sentence_in_time(mode, reason):
    with FaultServer(mode) as server, pytest.raises(SecretUnavailableError) as caught:
        asked(server, 0.4)

    assert str(caught.value).startswith(f"Vault at {server.root}: {reason}")
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("address", ["http://vault.example.com", "vault:8200", "https://root:token@vault.example.com"])
def test_a_secret_does_not_come_from_anywhere(address):
    with pytest.raises(SecretUnavailableError) as caught:
        SecretService("Vault", address)

    assert str(caught.value) == (
        "the address of Vault must be like https://vault.example.com:8200, without a user; http:// is for this machine only"
    )
