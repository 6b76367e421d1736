"""The load balancer of the demo sends each connection to the next server that is in, and none away that could be served."""

from __future__ import annotations

import os
import signal
import socket
import socketserver
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager, suppress

import pytest
from harness import PATIENCE
from hypothesis import given
from hypothesis import strategies as st

from runner.lab.lab_processes import free_port
from runner.lab.programs.balancer import servers_in

HOST = "127.0.0.1"


def entries(directory, **lines):
    directory.mkdir(exist_ok=True)
    for name, line in lines.items():
        (directory / f"{name}.conf").write_text(line)
    return directory


@given(port=st.integers(1, 65535), down=st.booleans())
def test_a_server_is_in_unless_its_file_says_down(tmp_path_factory, port, down):
    directory = entries(tmp_path_factory.mktemp("up"), one=f"server app1:{port}{' down' * down};\n")

    assert servers_in(directory) == [] if down else [("app1", port)]


@pytest.mark.parametrize(
    "line", ["", "server app1;", "server app1:80", "server app1:80 backup;", "server a:1;\nserver b:2;"]
)
def test_a_file_that_says_something_else_is_named(tmp_path, line):
    with pytest.raises(ValueError, match=r"one.conf is not one line like `server 10\.0\.0\.1:8000;`"):
        servers_in(entries(tmp_path / "up", one=line))


@contextmanager
def server(name):
    """It says its name to whoever says something."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            self.rfile.readline()
            self.wfile.write(name.encode())

    with socketserver.ThreadingTCPServer((HOST, 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        yield listening.server_address[1]
        listening.shutdown()
        thread.join()


@pytest.fixture
def balanced(tmp_path):
    """Where the balancer of two servers answers, its process, the files that say who is in, and their ports."""
    with ExitStack() as stack:
        ports = {name: stack.enter_context(server(name)) for name in ("one", "two")}
        directory = entries(tmp_path / "up", **{name: f"server {HOST}:{port};\n" for name, port in ports.items()})
        port, pid = free_port(HOST), tmp_path / "pid"
        words = ["--listen", HOST, "--port", str(port), "--servers", str(directory), "--pid", str(pid)]
        process = stack.enter_context(subprocess.Popen([sys.executable, "-m", "runner.lab.programs.balancer", *words]))
        stack.callback(process.kill)
        while not (pid.exists() and pid.read_text() == f"{process.pid}\n"):
            assert process.poll() is None
            time.sleep(0.01)
        yield port, process, directory, ports


def asked(port):
    """Who answers; nobody where the connection only ends."""
    with suppress(ConnectionError), socket.create_connection((HOST, port), timeout=PATIENCE) as connection:
        connection.sendall(b"who\n")
        return connection.recv(100).decode()
    return ""


def until(port, names):
    """Wait until those who answer are `names`."""
    while {asked(port) for _ in range(4)} != names:
        time.sleep(0.01)


def test_whoever_is_out_is_asked_no_more_and_whoever_comes_back_is(balanced):
    port, process, directory, ports = balanced
    assert {asked(port) for _ in range(4)} == {"one", "two"}

    entries(directory, one=f"server {HOST}:{ports['one']} down;\n")
    os.kill(process.pid, signal.SIGHUP)
    until(port, {"two"})

    entries(directory, one=f"server {HOST}:{ports['one']};\n")
    os.kill(process.pid, signal.SIGHUP)
    until(port, {"one", "two"})


def test_a_server_that_takes_no_connection_costs_nobody_an_answer(balanced):
    port, process, directory, _ = balanced

    entries(directory, one=f"server {HOST}:{free_port(HOST)};\n")
    os.kill(process.pid, signal.SIGHUP)
    until(port, {"two"})


def test_a_file_that_cannot_be_read_changes_nothing_and_without_a_server_that_is_told(balanced):
    port, process, directory, ports = balanced

    entries(directory, one="nonsense", two=f"server {HOST}:{ports['two']} down;\n")
    os.kill(process.pid, signal.SIGHUP)
    until(port, {"one", "two"})
    entries(directory, one=f"server {HOST}:{ports['one']} down;\n")
    os.kill(process.pid, signal.SIGHUP)
    until(port, {"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"})
