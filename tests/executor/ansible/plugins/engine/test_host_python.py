"""The Python that stays on a host: each request in a process of its own, several at once, until nobody asks any more."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from harness import PATIENCE

from runner.executor.ansible import plugins

SOURCE = Path(plugins.__path__[0], "engine", "host_python.py").read_text()
MODULE = """
import json, os, sys, time
def main(arguments):
    exec(arguments["code"])
    print(json.dumps({"pid": os.getpid(), "session": os.getsid(0), "given": os.environ.get("GIVEN")}))
    sys.exit(arguments.get("exit", 0))
"""


class Host:
    """The program as the controller starts it."""

    def __init__(self, settings="/etc", **options):
        pipes = dict.fromkeys(("stdin", "stdout"), subprocess.PIPE)
        program = f"MODULE = {MODULE!r}\n{SOURCE.replace('/etc', str(settings))}"
        self.process = subprocess.Popen([sys.executable, "-u", "-c", program], **pipes, text=True, **options)
        assert self.process.stdout.readline() == "runbook-host-python-is-ready\n"

    def ask(self, number, code="", **keys):
        request = {"id": number, "arguments": {"code": code, **keys}, "environment": {"GIVEN": f"for {number}"}}
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()

    def answer(self):
        return json.loads(self.process.stdout.readline())

    def end(self):
        self.process.kill()
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


@pytest.fixture
def host():
    one = Host()
    yield one
    one.end()


def test_a_request_is_done_in_a_process_and_a_session_of_its_own(host):
    # Given two requests, one after the other
    answers = []
    for number in (1, 2):
        host.ask(number, exit=number)
        answers.append(host.answer())
    # Then each had its own process, session and environment, and its own exit code
    printed = [json.loads(answer.pop("stdout")) for answer in answers]
    assert answers == [{"id": number, "rc": number, "stderr": ""} for number in (1, 2)]
    assert [each["given"] for each in printed] == ["for 1", "for 2"]
    assert all(each["pid"] == each["session"] != host.process.pid for each in printed)
    assert printed[0]["pid"] != printed[1]["pid"]


def test_a_quick_request_does_not_wait_for_a_slow_one(host):
    host.ask(1, "sys.stdin.read(); time.sleep(0.5)")
    host.ask(2)

    assert [host.answer()["id"], host.answer()["id"]] == [2, 1]


@pytest.mark.parametrize(
    ("code", "rc", "complaint"),
    [
        ("os.kill(os.getpid(), 9)", 137, ""),
        ("raise ValueError('broken')", 1, "ValueError: broken"),
        ("os._exit(3)", 3, ""),
        ("sys.exit()", 0, ""),
    ],
)
def test_a_module_that_ends_otherwise_is_told_as_a_shell_tells_it(host, code, rc, complaint):
    host.ask(1, code)

    answer = host.answer()

    assert (answer["rc"], answer["stdout"], complaint in answer["stderr"]) == (rc, "", True)


def test_all_that_is_printed_arrives_whatever_its_bytes_are(host):
    host.ask(1, "os.write(1, bytes(range(256)) * 4000); os._exit(0)")

    answer = host.answer()

    assert answer["stdout"].encode("latin-1") == bytes(range(256)) * 4000


@pytest.mark.parametrize("name", ["etc/profile", "etc/profile.d/shop.sh", "etc/sudoers.d/shop", "home/.bash_profile"])
def test_it_does_nothing_once_a_login_would_be_given_something_else(tmp_path, name):
    # Given one that goes on while a file is written that a login reads, which was there before
    path = tmp_path / name
    for directory in (path.parent, tmp_path / "home"):
        directory.mkdir(parents=True, exist_ok=True)
    path.write_text("export SHOP=old\n")
    host = Host(tmp_path / "etc", env={**os.environ, "HOME": str(tmp_path / "home")})
    host.ask(1)
    first = host.answer()
    with path.open("a") as file:
        file.write("export SHOP=new\n")
    # When it is asked again
    host.ask(2)
    second = host.answer()
    host.end()
    # Then that is for another one, which is given the new text
    assert (first["rc"], second) == (0, {"id": 2, "stale": True})


def test_it_ends_when_nobody_can_ask_any_more_and_what_was_begun_goes_on(host, tmp_path):
    # Given a request that takes a while
    done = tmp_path / "done"
    host.ask(1, f"open({str(tmp_path / 'begun')!r}, 'w'); time.sleep(0.5); open({str(done)!r}, 'w')")
    while not (tmp_path / "begun").exists():
        pass
    # When the connection is gone
    host.process.stdin.close()
    # Then it ends, and what it has begun does not, as nothing can be asked of it
    assert host.process.wait(PATIENCE) == 0
    while not done.exists():
        pass
