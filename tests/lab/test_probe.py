"""The probe sees every outage, and no server can hold it up."""

import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from harness import PATIENCE

from runner.lab.probe import HealthAnswer, Outage, Probe, ProbeAnswer, get, health


@pytest.fixture
def server():
    """A server that answers `server.status`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(self.server.status)
            self.end_headers()
            self.wfile.write(b'{"path": "%s"}' % self.path.encode())

        def log_request(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.status = 200
    server.url = f"http://127.0.0.1:{server.server_port}/health"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_get_returns_status_and_body(server):
    answers = [get(server.url)]
    server.status = 503
    answers.append(get(server.url))

    assert answers == [HealthAnswer(200, {"path": "/health"}), HealthAnswer(503, {"path": "/health"})]


def test_get_asks_no_proxy(server, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")

    assert get(server.url).status == 200


def test_no_answer_is_status_0():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        answers = [get(url, timeout=0.05)]
    answers.append(get(url))

    assert answers == [HealthAnswer(0), HealthAnswer(0)]


def test_an_outage_is_seen_with_its_beginning_and_end(server):
    with Probe.watching(health(server.url), interval=0.01) as probe:
        seen = [probe.wait(healthy=True, within=PATIENCE)]
        server.status = 503
        seen.append(probe.wait(healthy=False, within=PATIENCE))
        (during,) = probe.outages
        server.status = 200
        seen.append(probe.wait(healthy=True, within=PATIENCE))

    (outage,) = probe.outages
    assert seen == [True, True, True]
    assert during == Outage(outage.began, None)
    assert outage.seconds == outage.ended - outage.began > 0


def test_outages_are_counted_apart_and_only_by_change():
    probe = Probe("http://127.0.0.1/")

    for second, healthy in enumerate([False, False, True, True, False]):
        probe._note(ProbeAnswer(healthy), sent=second, answered=second + 0.5)

    assert (probe.asked, probe.healthy, probe.outages) == (5, False, (Outage(0, 2.5), Outage(4)))
    assert [outage.seconds for outage in probe.outages] == [2.5, None]


def test_a_server_that_says_nothing_is_an_outage_and_does_not_hold_the_probe_up():
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        Probe.watching(health(f"http://127.0.0.1:{silent.getsockname()[1]}/", timeout=0.05)) as probe,
    ):
        assert probe.wait(healthy=False, within=PATIENCE)


def test_waiting_ends_when_its_time_is_over(server):
    with Probe.watching(health(server.url)) as probe:
        assert not probe.wait(healthy=False, within=0.1)


def test_nothing_asks_after_the_block(server):
    with Probe.watching(health(server.url), interval=0.01):
        pass

    assert not [thread for thread in threading.enumerate() if thread.name.startswith("probe")]


def test_a_flicker_of_health_does_not_end_an_outage():
    probe = Probe(health("http://127.0.0.1:1/"))
    for healthy, at in ((True, 1.0), (False, 2.0), (True, 2.1), (False, 2.2), (True, 3.0), (False, 3.6)):
        probe._note(ProbeAnswer(healthy), sent=at, answered=at)

    assert probe.outages == (Outage(2.0, 3.0), Outage(3.6))
