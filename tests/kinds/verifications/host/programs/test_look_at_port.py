"""A port is open, closed or filtered; whatever is neither of the three is no answer."""

from __future__ import annotations

import socket

import pytest


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        yield server


def port_of(server):
    return server.getsockname()[1]


def test_a_port_that_takes_connections_is_open(look, listener):
    assert look(address="127.0.0.1", port=port_of(listener), limit=5) == {"state": "open", "address": "127.0.0.1"}


def test_a_port_where_nobody_listens_is_closed(look, listener):
    port = port_of(listener)
    listener.close()

    assert look(address="127.0.0.1", port=port, limit=5) == {"state": "closed", "address": "127.0.0.1"}


def test_a_port_that_never_answers_is_filtered(look, listener):
    # Given a server that takes no more connections: the kernel lets the next one wait for ever
    waiting = [socket.socket() for _ in range(3)]
    for each in waiting:
        each.settimeout(0)
        each.connect_ex(listener.getsockname())

    assert look(address="127.0.0.1", port=port_of(listener), limit=0.3)["state"] == "filtered"
    for each in waiting:
        each.close()


def test_of_several_addresses_one_that_is_open_is_enough(look, listener):
    # 127.0.0.1 alone listens; a host may have ::1 as well
    assert look(address="localhost", port=port_of(listener), limit=5)["state"] == "open"


@pytest.mark.parametrize(
    ("address", "port", "complaint"),
    [
        ("", 80, "cannot tell whether :80 is open: the address is empty"),
        ("no-such-host.invalid", 80, "cannot tell whether no-such-host.invalid:80 is open: "),
        ("-rf", 80, "cannot tell whether -rf:80 is open: "),
        ("127.0.0.1", 0, "cannot tell whether 127.0.0.1:0 is open: a port is a number from 1 to 65535"),
        ("127.0.0.1", 65536, "cannot tell whether 127.0.0.1:65536 is open: a port is a number"),
        ("127.0.0.1", "ssh", "cannot tell whether 127.0.0.1:ssh is open: invalid literal"),
        ("255.255.255.255", 80, "cannot tell whether 255.255.255.255:80 is open: "),
    ],
)
def test_what_is_none_of_the_three_is_no_answer(look, address, port, complaint):
    assert look(address=address, port=port, limit=5).startswith(complaint)
