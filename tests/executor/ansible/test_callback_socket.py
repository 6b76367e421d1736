"""A word of the plugin is answered only when it was dealt with; nobody else, and no second one, is listened to."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import stat
import subprocess
import sys
import threading

import pytest
from harness import PATIENCE

from runner.core.errors import ExecutionError
from runner.executor.ansible.callback_socket import CallbackSocket


@pytest.fixture
def path(tmp_path):
    return tmp_path / "report"


class Peer:
    """The other end, as the callback plugin is one."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(10)
        try:
            self.socket.connect(str(path))
        except OSError:
            self.socket.close()
            raise

    def say(self, words):
        self.socket.sendall(words if isinstance(words, bytes) else json.dumps(words).encode() + b"\n")

    def hear(self):
        return self.socket.recv(100)


@contextlib.contextmanager
def peer_of(path):
    peer = Peer(path)
    with peer.socket:
        yield peer


def test_what_the_handler_gives_back_is_told_with_the_yes(path):
    answers = {"hello": {"secrets": {"key": "it's\n\u20ac"}}}

    with CallbackSocket(path, lambda message: answers.get(message["kind"])), peer_of(path) as peer:
        peer.say({"kind": "hello"})
        first = peer.hear()
        peer.say({"kind": "end"})
        second = peer.hear()

    assert (first[:4], json.loads(first[4:]), second) == (b"yes ", answers["hello"], b"yes\n")


def test_a_message_is_as_long_as_it_has_to_be(path):
    heard = []

    with CallbackSocket(path, lambda message: heard.append(len(message["commands"]))), peer_of(path) as peer:
        peer.say({"kind": "hello", "commands": "x" * 50_000_000})
        answer = peer.hear()

    assert (heard, answer) == ([50_000_000], b"yes\n")


def test_the_answer_is_yes_only_after_the_handler_returned(path):
    may_return, heard = threading.Event(), []

    def handle(message):
        heard.append(message)
        assert may_return.wait(PATIENCE)

    with CallbackSocket(path, handle) as served, peer_of(path) as peer:
        peer.say({"kind": "start"})
        peer.socket.settimeout(0.2)
        with pytest.raises(TimeoutError):
            peer.hear()
        may_return.set()
        peer.socket.settimeout(10)
        answers = [peer.hear()]
        peer.say({"kind": "end"})
        answers.append(peer.hear())

    assert (answers, heard, served.failure) == ([b"yes\n", b"yes\n"], [{"kind": "start"}, {"kind": "end"}], None)


def test_of_several_that_come_at_once_none_is_answered_before_all_are_kept(path):
    order, may_end = [], threading.Event()

    @contextlib.contextmanager
    def together():
        order.append("begin")
        yield
        assert may_end.wait(PATIENCE)
        order.append("end")

    with (
        CallbackSocket(path, lambda message: order.append(message["kind"]), together=together) as served,
        peer_of(path) as peer,
    ):
        peer.say({"kind": "alone"})
        answers = [peer.hear()]
        peer.say(b'{"kind": "ok"}\n{"kind": "start"}\n')
        peer.socket.settimeout(0.2)
        with pytest.raises(TimeoutError):
            peer.hear()
        may_end.set()
        peer.socket.settimeout(10)
        answers.append(peer.hear())

    assert (order, answers) == (["alone", "begin", "ok", "start", "end"], [b"yes\n", b"yes\nyes\n"])
    assert served.failure is None


def test_what_can_not_be_kept_of_several_that_come_at_once_is_refused_with_all_of_them(path):
    @contextlib.contextmanager
    def together():
        yield
        raise ExecutionError("the disk is full")

    with CallbackSocket(path, lambda _: None, together=together) as served, peer_of(path) as peer:
        peer.say(b'{"kind": "ok"}\n{"kind": "start"}\n')
        answers = [peer.hear(), peer.hear()]

    assert (answers, str(served.failure)) == ([b"no\n", b""], "the disk is full")


def test_after_a_refusal_nothing_is_heard_of_what_came_with_it(path):
    heard = []

    def handle(message):
        heard.append(message["kind"])
        return False if message["kind"] == "start" else None

    with CallbackSocket(path, handle), peer_of(path) as peer:
        peer.say(b'{"kind": "ok"}\n{"kind": "start"}\n{"kind": "end"}\n')
        answers = [peer.hear(), peer.hear()]

    assert (answers, heard) == ([b"yes\nno\n", b""], ["ok", "start"])


@pytest.mark.parametrize("error", [ExecutionError("no"), ValueError("no"), SystemExit(1), KeyboardInterrupt()])
def test_after_an_exception_the_peer_is_refused_and_never_heard_again(path, error):
    heard = []

    def handle(message):
        heard.append(message)
        raise error

    with CallbackSocket(path, handle) as served, peer_of(path) as peer:
        peer.say({"kind": "start"})
        answer, end = peer.hear(), peer.hear()
        with contextlib.suppress(BrokenPipeError):
            peer.say({"kind": "more"})

    assert (answer, end, heard) == (b"no\n", b"", [{"kind": "start"}])
    assert served.failure is error


@pytest.mark.parametrize(
    "garbage",
    [b"\n", b"hello\n", b'{"kind": \n', b"[" * 100_000 + b"\n", b"\xff\xfe\n", b"[]\n", b'"end"\n', b'{"no": 1}\n'],
)
def test_what_is_no_message_is_refused_in_words_for_a_person(path, garbage):
    heard = []
    with CallbackSocket(path, heard.append) as served, peer_of(path) as peer:
        peer.say(garbage)
        answer = peer.hear()

    assert (answer, heard) == (b"no\n", [])
    assert isinstance(served.failure, ExecutionError)
    assert "callback plugin" in served.failure.message


def test_a_second_connection_is_not_served(path):
    heard = []
    with CallbackSocket(path, heard.append), peer_of(path) as first:
        first.say({"kind": "hello"})
        first.hear()
        with pytest.raises(ConnectionRefusedError):
            Peer(path)
        first.say({"kind": "end"})
        last = first.hear()

    assert (heard, last) == ([{"kind": "hello"}, {"kind": "end"}], b"yes\n")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_peer_of_another_user_is_not_served(path):
    heard = []
    with CallbackSocket(path, heard.append) as served:
        path.chmod(0o666)
        for parent in path.parents[:-1]:
            parent.chmod(parent.stat().st_mode | 0o011)
        answer = _as_nobody(path)

    assert (answer, heard, served.failure) == (b"", [], None)


def _as_nobody(path):
    """What a peer of the user nobody is answered."""
    return _python(
        "import os, socket, sys\n"
        "os.setgid(65534); os.setuid(65534)\n"
        "peer = socket.socket(socket.AF_UNIX); peer.settimeout(10); peer.connect(sys.argv[1])\n"
        "try:\n"
        '    peer.sendall(b\'{"kind": "hello"}\\n\'); answer = peer.recv(100)\n'
        "except (BrokenPipeError, ConnectionResetError):\n"
        "    answer = b''\n"
        "sys.stdout.buffer.write(answer)\n",
        path,
    )


def _python(program, *words):
    ran = subprocess.run(
        [sys.executable, "-Sc", program, *map(str, words)], capture_output=True, check=False, timeout=PATIENCE
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_the_socket_is_its_owners_only(path):
    with CallbackSocket(path, print):
        mode = path.stat().st_mode

    assert stat.S_ISSOCK(mode)
    assert stat.S_IMODE(mode) == 0o600


def test_it_ends_though_nobody_ever_came(path):
    with CallbackSocket(path, print) as served:
        pass

    assert served.failure is None


def test_a_peer_that_goes_away_in_the_middle_of_an_answer_does_no_harm(path):
    gone, heard = threading.Event(), []

    def handle(message):
        heard.append(message)
        assert gone.wait(PATIENCE)

    with CallbackSocket(path, handle) as served, peer_of(path) as peer:
        peer.say({"kind": "start"})
        peer.socket.close()
        gone.set()

    assert (heard, served.failure) == ([{"kind": "start"}], None)


def test_half_a_line_is_no_word(path):
    heard = []
    with CallbackSocket(path, heard.append), peer_of(path) as peer:
        peer.say(b'{"kind": "end"}')
        peer.socket.shutdown(socket.SHUT_WR)
        answer = peer.hear()

    assert (answer, heard) == (b"no\n", [])
