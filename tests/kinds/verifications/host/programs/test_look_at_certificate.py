"""A certificate that is expired, not valid yet, for another name or of nobody who is trusted is told for what it is."""

from __future__ import annotations

import socket

import pytest
from harness.tls_server import Authority, tls_server


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("tls"))


def asked(look, authority, certificate, **values):
    with tls_server(certificate) as port:
        return look(address=f"127.0.0.1:{port}", ca=authority.path, limit=5, **values)


def test_a_good_one_is_good_for_each_of_its_names(look, authority):
    good = authority.certificate("shop.test", "*.shop.test", "127.0.0.1", days=(-1, 30))

    for name in ("shop.test", "www.shop.test", "127.0.0.1"):
        found = asked(look, authority, good, name=name)
        assert (found["fault"], found["names"]) == ("none", ["shop.test", "*.shop.test", "127.0.0.1"])
        assert 29.9 < found["days_left"] <= 30


@pytest.mark.parametrize(
    ("days", "name", "fault"),
    [
        ((-30, -1), "shop.test", "expired on "),
        ((1, 30), "shop.test", "not valid before "),
        ((-1, 30), "other.test", "for shop.test, not for other.test"),
        ((-1, 30), "a.shop.test", "for shop.test, not for a.shop.test"),
    ],
)
def test_what_is_wrong_is_told_apart(look, authority, days, name, fault):
    certificate = authority.certificate("shop.test", days=days)

    assert asked(look, authority, certificate, name=name)["fault"].startswith(fault)
    assert look(file=certificate, name=name)["fault"].startswith(fault)


def test_one_that_nobody_vouches_for_is_not_good(look, authority, tmp_path):
    other = Authority(tmp_path, "Another authority")

    assert asked(look, authority, other.certificate("shop.test", days=(-1, 9)), name="shop.test")["fault"] == (
        "unable to get local issuer certificate"
    )


def test_in_a_file_the_first_one_is_looked_at(look, authority, tmp_path):
    first, second = (authority.certificate(name, days=(-1, days)) for name, days in (("a.test", 9), ("b.test", 99)))
    chain = tmp_path / "chain with space.pem"
    chain.write_text("A comment\n" + first.read_text() + second.read_text())

    found = look(file=chain)

    assert (found["fault"], found["names"]) == ("none", ["a.test"])


def test_where_none_is_shown_there_is_no_answer(look, authority, tmp_path, httpserver):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        assert look(address=f"127.0.0.1:{port}", name="x", limit=0.3).endswith("timed out")
    assert look(address=f"127.0.0.1:{port}", name="x", limit=5).endswith(f":{port}: Connection refused")
    plain = look(address=f"127.0.0.1:{httpserver.port}", name="x", limit=5)
    assert plain.startswith(f"no certificate from 127.0.0.1:{httpserver.port}: ")
    (tmp_path / "file").write_text("nothing")
    assert look(file=tmp_path / "file") == f"no certificate from {tmp_path}/file: there is none in PEM"
    assert look(file=tmp_path / "none") == f"no certificate from {tmp_path}/none: No such file or directory"
    (tmp_path / "file").write_text("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n")
    assert look(file=tmp_path / "file").startswith(f"no certificate from {tmp_path}/file: ")
