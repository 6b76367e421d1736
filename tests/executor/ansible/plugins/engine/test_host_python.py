"""The Python that stays on a host does requests apart from each other, several at once, until nobody asks any more."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from harness import PATIENCE
from harness.packed_module import packed_module
from runbook_packed import taken_apart

from runner.core.duration import comes_true
from runner.core.process_stat import is_alive
from runner.executor.ansible import plugins

ENGINE = Path(plugins.__path__[0], "engine")
SOURCE = (ENGINE / "host_python.py").read_text()
MODULE = """
import json, os, sys, time
def main(arguments):
    exec(arguments["code"])
    found = {name.lower(): os.environ.get(name) for name in ("GIVEN", "MORE")}
    print(json.dumps({"pid": os.getpid(), "session": os.getsid(0), "directory": os.getcwd(), **found}))
    sys.exit(arguments.get("exit", 0))
"""


class Host:
    """The program as the controller starts it."""

    def __init__(self, settings="/etc", **options):
        pipes = dict.fromkeys(("stdin", "stdout"), subprocess.PIPE)
        sources = {"host_forks": (ENGINE / "host_forks.py").read_text(), "command": MODULE}
        program = f"SOURCES = {sources!r}\n{SOURCE.replace('/etc', str(settings))}"
        self.process = subprocess.Popen([sys.executable, "-u", "-c", program], **pipes, text=True, **options)
        assert self.process.stdout.readline() == "runbook-host-python-is-ready\n"

    def ask(self, number, code="", **keys):
        self.send(id=number, arguments={"code": code, **keys}, environment={"GIVEN": f"for {number}"})

    def send(self, **line):
        self.process.stdin.write(json.dumps(line) + "\n")
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


def test_a_request_is_done_as_if_the_python_had_been_started_for_it(host):
    # Given two requests, one after the other, of which the first changes what it finds
    answers = []
    for number in (1, 2):
        host.ask(number, "os.environ['MORE'] = 'more'; os.chdir('/')" if number == 1 else "", exit=number)
        answers.append(host.answer())
    # Then each had its own session, environment, directory and exit code
    printed = [json.loads(answer.pop("stdout")) for answer in answers]
    assert answers == [{"id": number, "rc": number, "stderr": ""} for number in (1, 2)]
    assert [each.pop("given") for each in printed] == ["for 1", "for 2"]
    assert [each.pop("more") for each in printed] == ["more", None]
    assert [each.pop("directory") for each in printed] == ["/", str(Path.cwd())]
    # and both the same process, which is not the one that is asked
    assert printed[0] == printed[1]
    assert printed[0]["pid"] == printed[0]["session"] != host.process.pid


def test_what_a_command_leaves_behind_is_not_below_the_next(host):
    # Given a command that leaves something behind which its shell does not wait for
    left = "import subprocess; print(subprocess.getoutput('sleep 60 >/dev/null 2>&1 & echo $!'))"
    host.ask(1, f"import ctypes; ctypes.CDLL(None).prctl(36, 1, 0, 0, 0); {left}")
    sleeper, first = host.answer()["stdout"].splitlines()
    # When there is another one
    host.ask(2)
    second = host.answer()["stdout"]
    # Then that is done elsewhere, and what was left goes on
    try:
        assert json.loads(first)["pid"] != json.loads(second)["pid"]
        assert is_alive(int(sleeper))
    finally:
        os.kill(int(sleeper), signal.SIGKILL)


@pytest.mark.parametrize("heard", [True, False], ids=["heard", "unheard"])
def test_a_worker_that_was_killed_while_it_had_nothing_to_do_is_replaced(host, heard):
    # Given a worker that waits, and is killed; whoever it works for has heard of that, or not yet
    host.ask(1)
    first = json.loads(host.answer()["stdout"])["pid"]
    os.kill(host.process.pid, signal.SIGCONT if heard else signal.SIGSTOP)
    os.kill(first, signal.SIGKILL)
    assert comes_true(lambda: not (Path(f"/proc/{first}").exists() if heard else is_alive(first)), within=PATIENCE)
    # When there is another request
    host.ask(2)
    os.kill(host.process.pid, signal.SIGCONT)
    # Then another one does it
    second = host.answer()
    assert (second["id"], second["rc"], json.loads(second["stdout"])["pid"] != first) == (2, 0, True)


def test_no_worker_outlasts_the_python(host):
    host.ask(1)
    worker = json.loads(host.answer()["stdout"])["pid"]

    host.end()

    assert comes_true(lambda: not is_alive(worker), within=PATIENCE)


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
    host.ask(1, "sys.stdout.buffer.write(bytes(range(256)) * 4000); sys.exit()")

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


@pytest.fixture
def lesson():
    """What a Python is to learn of the module that asks a service, and what it is to be given for that address."""

    def given(url):
        packed, text = taken_apart("ansible.legacy.uri", packed_module("ansible.legacy.uri", {"url": url}))
        learn = {"learn": packed.name, "profile": packed.profile, "packed": packed.archive}
        return learn, {"module": packed.name, "arguments": text, "environment": {}}

    return given


def test_a_module_of_ansibles_that_it_has_learned_answers_as_ansible_has_it_answer(host, lesson, httpserver):
    # Given a module that is imported once
    httpserver.expect_request("/").respond_with_json({"n": 3}, headers={"Results": "of the service"})
    learn, request = lesson(httpserver.url_for("/"))
    host.send(**learn)
    # When it is asked twice, and our own in between
    answers = []
    for number in (1, 2, 3):
        host.send(id=number, **request) if number != 2 else host.ask(2)
        answers.append(host.answer())
    # Then it answers as the program does that Ansible sends
    program = packed_module("ansible.legacy.uri", {"url": httpserver.url_for("/")})
    fresh = subprocess.run([sys.executable, "-"], input=program, capture_output=True, check=True)
    told, again, expected = (json.loads(text) for text in (answers[0]["stdout"], answers[2]["stdout"], fresh.stdout))
    assert [(answer["id"], answer["rc"], answer["stderr"]) for answer in answers] == [(n, 0, "") for n in (1, 2, 3)]
    for each in (told, again, expected):
        del each["date"], each["elapsed"]
    assert told == again == expected
    assert (told["status"], told["results"]) == (200, "of the service")


def test_what_it_cannot_import_it_says_it_does_not_know_and_goes_on(host, lesson):
    learn, request = lesson("http://127.0.0.1:9/")
    host.send(**{**learn, "packed": "bm8gYXJjaGl2ZQ=="})
    host.send(id=1, **request)
    host.ask(2)

    assert host.answer() == {"id": 1, "unknown": True}
    assert (host.answer()["rc"]) == 0


def test_what_it_has_learned_leaves_no_file_open_to_a_command(host, lesson):
    learn, _ = lesson("http://127.0.0.1:9/")
    files = "import subprocess; print(subprocess.getoutput('ls /proc/self/fd').split())"
    host.ask(1, files)
    host.send(**learn)
    host.ask(2, files)

    before, after = host.answer()["stdout"], host.answer()["stdout"]

    assert before.splitlines()[0] == after.splitlines()[0] == "['0', '1', '2', '3']"
