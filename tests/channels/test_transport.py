"""The transport comes back before its deadline, and knows what it knows, whatever the other side does."""

from __future__ import annotations

import re
import socket
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from harness import PATIENCE
from harness.fault_server import FaultServer
from hypothesis import given
from hypothesis import strategies as st

from runner.channels.base import Receipt
from runner.channels.exchange import HttpAnswer, WebRequest
from runner.channels.transport import Transport, Verdict, judge, legible


def post(url):
    return WebRequest(url, b'{"a":1}', {"Content-Type": "application/json"})


def hurried():
    return Transport(deadline=0.6, attempt=0.25, jitter=lambda: 0.0)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("ok", ("accepted", 1, "answered 202")),
        ("204", ("accepted", 1, "answered 204")),
        ("400", ("refused", 1, "answered 400")),
        ("404", ("refused", 1, "answered 404")),
        (
            "redir",
            ("refused", 1, "answered 302, a redirect, and redirects are never followed: write the final address"),
        ),
        ("408", ("deferred", 5, "answered 408{late}")),
        ("429", ("deferred", 5, "answered 429{late}")),
        ("500", ("deferred", 5, "answered 500{late}")),
        ("503", ("deferred", 5, "answered 503{late}")),
        ("garbage", ("deferred", 5, "the answer is not HTTP (BadStatusLine){late}")),
        ("rst", ("deferred", 5, "network error: Connection reset by peer{late}")),
        ("accept_then_rst", ("deferred", 5, "network error: Connection reset by peer{late}")),
    ],
)
def test_every_answer_has_its_receipt(mode, expected, transport, late):
    status, attempts, reason = expected
    with FaultServer(mode) as server:
        receipt = transport.send("c", post(server.url))
    assert receipt == Receipt("c", status, attempts, reason.format(late=late))
    assert server.bodies == [b'{"a":1}'] * attempts


@pytest.mark.parametrize("mode", ["slow", "drip", "drip-head"])
@pytest.mark.parametrize("encrypted", [False, True], ids=["http", "https"])
def test_a_server_that_takes_its_time_does_not_outlast_the_deadline(mode, encrypted, trusted_tls):
    with FaultServer(mode, tls=trusted_tls if encrypted else None) as server:
        receipt = hurried().send("c", post(server.url))
    assert receipt.status == "deferred"
    assert receipt.reason.startswith("no answer within")
    assert receipt.attempts <= 2


def test_the_deadline_is_eight_seconds_unless_a_test_says_otherwise():
    with FaultServer("slow") as server:
        receipt = Transport(jitter=lambda: 0.0).send("c", post(server.url))
    # What has arrived there is not sent once more while its answer may still come.
    assert (receipt.status, receipt.attempts, receipt.doubt) == ("deferred", 1, True)
    late = "the next attempt, in 0.2 s, would pass the deadline of 8 s"
    assert re.fullmatch(rf"no answer within (7\.9|8\.\d) s; {late}", receipt.reason)


@pytest.mark.parametrize(
    ("mode", "limit", "doubt"), [("503", "0.3", False), ("accept_then_rst", "8", True), ("slow", "8", True)]
)
def test_what_cannot_have_arrived_is_given_up_before_the_deadline_where_others_are_called_then(mode, limit, doubt):
    hasty = Transport(untold=0.3, jitter=lambda: 0.0) if mode != "slow" else Transport(deadline=8.0, untold=0.3)
    with FaultServer(mode) as server:
        receipt = hasty.send("c", post(server.url))
    assert receipt.reason.endswith(f"would pass the deadline of {limit} s")
    assert (receipt.status, receipt.doubt) == ("deferred", doubt)


@pytest.mark.parametrize(("before", "words"), [((), ""), (("503",), "answered 503; ")])
def test_the_words_name_the_whole_time_in_which_there_was_no_answer(before, words):
    # given a server that takes nothing, so that it is tried again and again
    ready = iter(before)
    silent = socket.create_server(("127.0.0.1", 0))

    def tell(attempt):
        if next(ready, None):
            return judge(HttpAnswer(503, b""))
        return judge(attempt.ask(post(f"https://127.0.0.1:{silent.getsockname()[1]}/")))

    receipt = Transport(deadline=2.0, attempt=0.2, sleep=lambda _: None, jitter=lambda: 0.0).repeat("c", tell)
    silent.close()

    said, seconds = re.fullmatch(r"(.*)no answer within (\d\.\d) s; the next attempt.*", receipt.reason).groups()
    assert (receipt.status, said) == ("deferred", words)
    assert float(seconds) > 0.3  # two attempts at least, of which the last one alone takes 0.2 s


def test_what_was_sent_waits_for_its_answer_longer_than_a_connection_that_hangs():
    with FaultServer("late") as server:
        receipt = Transport(attempt=0.6).send("c", post(server.url))
    assert receipt == Receipt("c", "accepted", 1, "answered 202")
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("mode", "doubt"), [("rst", True), ("accept_then_rst", True), ("garbage", True), ("429", False), ("503", False)]
)
def test_only_an_answer_that_is_lost_leaves_a_doubt(mode, doubt, transport):
    with FaultServer(mode) as server:
        assert transport.send("c", post(server.url)).doubt is doubt


def test_a_name_server_that_hangs_does_not_outlast_the_deadline_and_nothing_is_sent_afterwards(monkeypatch):
    answered, resolve = threading.Event(), socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **more: answered.wait(PATIENCE) and resolve(*args, **more))
    with FaultServer("ok") as server:
        # given a resolver that hangs longer than the deadline
        receipt = hurried().send("c", post(server.url))
        # when it answers after the operator was told that nobody was reached
        answered.set()
        for thread in [thread for thread in threading.enumerate() if thread.name == "runbook-page"]:
            thread.join(PATIENCE)
    # then nothing is sent behind the operator's back
    assert (receipt.status, receipt.attempts <= 2) == ("deferred", True)
    assert server.requests == []


def test_a_name_that_does_not_resolve_is_tried_until_the_deadline(transport, late, monkeypatch):
    def unknown(*arguments, **more):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    receipt = transport.send("c", post("https://events.pagerduty.invalid/v2/enqueue"))
    assert receipt == Receipt("c", "deferred", 5, f"network error: Name or service not known{late}", sent=False)


def test_a_port_where_nobody_listens_is_tried_until_the_deadline(transport, late):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    receipt = transport.send("c", post(f"http://127.0.0.1:{port}/"))
    assert receipt == Receipt("c", "deferred", 5, f"network error: Connection refused{late}", sent=False)


def test_the_same_bytes_are_sent_until_one_attempt_succeeds(transport, pauses):
    with FaultServer("rst", "503", "ok") as server:
        receipt = transport.send("c", post(server.url))
    assert receipt == Receipt("c", "accepted", 3, "answered 202")
    assert server.bodies == [b'{"a":1}'] * 3
    assert pauses == [0.5, 1.0]


@pytest.mark.parametrize(("jitter", "pause"), [(0.0, 0.25), (0.5, 0.375), (1.0, 0.5)])
def test_a_pause_is_spread_over_its_upper_half(jitter, pause, pauses):
    with FaultServer("503", "ok") as server:
        Transport(sleep=pauses.append, jitter=lambda: jitter).send("c", post(server.url))
    assert pauses == [pause]


@pytest.mark.parametrize("status", ["429", "503"])
def test_the_wait_the_server_asks_for_is_kept(status, transport, pauses):
    with FaultServer((status, {"Retry-After": "3"}), "ok") as server:
        receipt = transport.send("c", post(server.url))
    assert receipt == Receipt("c", "accepted", 2, "answered 202")
    assert pauses == [3.0]


def test_a_wait_until_a_date_is_measured_by_the_servers_clock(transport, pauses):
    then = datetime(1999, 12, 31, 23, 59, 58, tzinfo=UTC)
    asked = format_datetime(then + timedelta(seconds=4), usegmt=True)
    with FaultServer(("503", {"Date": format_datetime(then, usegmt=True), "Retry-After": asked}), "ok") as server:
        receipt = transport.send("c", post(server.url))
    assert receipt.ok
    assert pauses == [4.0]


def test_a_wait_beyond_the_deadline_gives_up_at_once(transport, pauses):
    with FaultServer(("429", {"Retry-After": "30"})) as server:
        receipt = transport.send("c", post(server.url))
    late = "the next attempt, in 30.0 s, would pass the deadline of 8 s"
    assert receipt == Receipt("c", "deferred", 1, f"answered 429; {late}")
    assert (pauses, receipt.wait) == ([], 30.0)


@given(st.integers(100, 999))
def test_only_408_429_and_5xx_are_worth_another_attempt(status):
    expected = "accepted" if 200 <= status < 300 else "again" if status in {408, 429, *range(500, 600)} else "refused"
    assert judge(HttpAnswer(status, b"")).status == expected


def test_a_channel_may_judge_for_itself(transport):
    def never(answer):
        return Verdict("refused", f"{answer.status} {answer.body.decode()}")

    with FaultServer("html") as server:
        receipt = transport.send("c", post(server.url), judge=never)
    assert receipt == Receipt("c", "refused", 1, "202 <html>Please log in to the network</html>")


def test_what_is_asked_goes_to_the_path_and_query(transport):
    with FaultServer("ok") as server:
        transport.send("c", post(f"{server.url}?team=a#here"))
    assert [request.path for request in server.requests] == ["/v2/enqueue?team=a"]
    assert server.requests[0].headers["Content-Type"] == "application/json"


@given(st.text())
def test_what_the_other_side_says_is_safe_to_print(text):
    shown = legible(text)
    assert shown.isprintable()
    assert len(shown) <= 200
