"""The transport goes where it may, over TLS that it checks, and through the proxy of the environment."""

from __future__ import annotations

import pytest
from harness.fault_server import FaultServer, TunnelProxy

from runner.channels.base import Receipt
from runner.channels.exchange import WebRequest

PAGERDUTY = WebRequest("https://events.pagerduty.test/v2/enqueue", b"{}")


def test_a_certificate_nobody_vouches_for_is_refused_at_once(transport, tls, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    with FaultServer("ok", tls=tls) as server:
        receipt = transport.send("c", WebRequest(server.url, b"{}"))
    mend = "check the address and this machine's clock, or name the authority's file in SSL_CERT_FILE"
    assert receipt == Receipt("c", "refused", 1, f"the certificate is not trusted (self-signed certificate): {mend}")
    assert server.requests == []


def test_a_certificate_for_another_name_is_refused(transport, trusted_tls):
    with FaultServer("ok", tls=trusted_tls) as server:
        receipt = transport.send("c", WebRequest(server.url.replace("127.0.0.1", "localhost"), b"{}"))
    assert receipt.status == "refused"
    assert "certificate is not valid for 'localhost'" in receipt.reason
    assert server.requests == []


def test_a_certificate_the_machine_trusts_is_enough(transport, trusted_tls):
    with FaultServer("ok", tls=trusted_tls) as server:
        receipt = transport.send("c", WebRequest(server.url, b"{}"))
    assert receipt == Receipt("c", "accepted", 1, "answered 202")
    assert server.bodies == [b"{}"]


def test_a_server_that_does_not_speak_tls_is_a_network_error(transport):
    with FaultServer("ok") as server:
        receipt = transport.send("c", WebRequest(server.url.replace("http:", "https:"), b"{}"))
    assert receipt.status == "deferred"
    assert receipt.reason.startswith("network error: ")  # which one depends on who is faster


@pytest.mark.parametrize("proxy", ["http://me:se%40cret@127.0.0.1:{port}", "me:se%40cret@127.0.0.1:{port}"])
def test_https_goes_through_the_proxy_of_the_environment(proxy, transport, trusted_tls, monkeypatch):
    with FaultServer("ok", tls=trusted_tls) as server, TunnelProxy(server.port) as tunnel:
        monkeypatch.setenv("HTTPS_PROXY", proxy.format(port=tunnel.port))
        receipt = transport.send("c", PAGERDUTY)
    assert receipt == Receipt("c", "accepted", 1, "answered 202")
    assert tunnel.asked[0].startswith("CONNECT events.pagerduty.test:443 ")
    assert "Proxy-Authorization: Basic bWU6c2VAY3JldA==" in tunnel.asked[0]
    assert server.bodies == [b"{}"]


def test_a_proxy_that_says_no_is_a_network_error(transport, late, monkeypatch):
    with TunnelProxy(0, status="407 Proxy Authentication Required") as tunnel:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{tunnel.port}")
        receipt = transport.send("c", PAGERDUTY)
    reason = "network error: Tunnel connection failed: 407 Proxy Authentication Required"
    assert receipt == Receipt("c", "deferred", 5, reason + late, sent=False)


@pytest.mark.parametrize("proxy", ["socks5://me:secret@127.0.0.1:1080", "http://me:secret@127.0.0.1:none"])
def test_a_proxy_that_can_not_be_used_is_refused_without_its_password(proxy, transport, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    receipt = transport.send("c", PAGERDUTY)
    assert receipt == Receipt("c", "refused", 1, "the address or HTTPS_PROXY cannot be used (ValueError)")


def test_loopback_never_goes_through_a_proxy(transport, trusted_tls, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "socks5://127.0.0.1:1080")
    with FaultServer("ok", tls=trusted_tls) as server:
        assert transport.send("c", WebRequest(server.url, b"{}")).ok


def test_a_name_that_no_resolver_takes_is_refused_at_once(transport):
    receipt = transport.send("c", WebRequest(f"https://{'a' * 70}.example.com/", b"{}"))
    assert receipt == Receipt("c", "refused", 1, "the address or HTTPS_PROXY cannot be used (UnicodeError)")
