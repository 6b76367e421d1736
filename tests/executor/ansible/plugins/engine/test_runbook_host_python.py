"""The controller's end of a Python that stays: it is asked by workers, and says how it ended."""

from __future__ import annotations

import json
import os
import shlex
import signal
import sys
import time

import pytest
from harness import PATIENCE
from runbook_host_python import BOOT, HostPython, HostPythonEndedError, LeftProcess, StaleLoginError, UnknownModuleError
from runbook_hub import ATTEMPT, Hub
from runbook_packed import Packed

PYTHON = f"exec {shlex.quote(sys.executable)} -u -c {shlex.quote(BOOT)}"
MODULE = """
import os, sys
def main(arguments):
    exec(arguments["code"])
    print(arguments.get("text", ""))
    sys.exit(0)
"""


@pytest.fixture
def hub(monkeypatch):
    monkeypatch.setenv(ATTEMPT, "the run")
    return Hub()


@pytest.fixture
def start(hub):
    started = []

    def begin(command=PYTHON):
        started.append(HostPython.started(hub, command, MODULE, shell=True))
        return started[-1]

    yield begin
    for one in started:
        one.retire()
        deadline = time.monotonic() + PATIENCE
        while not one.ended and time.monotonic() < deadline:
            hub.poll(1)


def ask(hub, python, *requests, **options):
    """What each request came to: what was printed, or how the Python had ended."""
    answers = {}

    def work(request, number):
        try:
            answers[number] = python.ask({"code": "", **request}, {}, **options)["stdout"]
        except HostPythonEndedError as end:
            answers[number] = (end.code, end.message, end.was_ready)
        except StaleLoginError:
            answers[number] = "stale"

    for number, request in enumerate(requests):
        hub.start(lambda _, request=request, number=number: work(request, number))
    deadline = time.monotonic() + PATIENCE
    while len(answers) < len(requests) and time.monotonic() < deadline:
        hub.poll(1)
    return [answers[number] for number in range(len(requests))]


def test_what_it_is_started_by_is_one_line_as_sshd_and_sudo_write_it_down():
    assert BOOT.splitlines() == [BOOT]


def test_several_workers_ask_one_python_and_each_has_its_own_answer(hub, start):
    python = start()

    texts = [f"text {number} \u00e9\u2603" for number in range(5)]

    assert ask(hub, python, *({"text": text} for text in texts)) == [
        f"{text}\n".encode().decode("latin-1") for text in texts
    ]


def test_what_a_login_prints_before_is_no_answer(hub, start):
    python = start(
        f"echo Welcome; echo '{json.dumps({'id': 0})}'; {shlex.quote(sys.executable)} -u -c {shlex.quote(BOOT)}"
    )

    assert ask(hub, python, {"text": "word"}) == ["word\n"]


def test_a_request_and_an_answer_may_be_longer_than_a_pipe(hub, start):
    python = start()

    long = "0123456789" * 200_000

    assert ask(hub, python, {"text": long}, {"text": long}) == [f"{long}\n"] * 2


@pytest.mark.parametrize(
    ("command", "ended"),
    [
        ("echo no python here >&2; exit 127", (127, "no python here\n", False)),
        ("kill -KILL $$", (-9, "", False)),
    ],
)
def test_one_that_does_not_start_says_why(hub, start, command, ended):
    assert ask(hub, start(command), {}) == [ended]


def test_one_that_is_killed_fails_whoever_waits_and_whoever_asks_afterwards(hub, start):
    python = start()

    first = ask(hub, python, {"code": "os.kill(os.getppid(), 9)"}, {"code": "import time; time.sleep(0.2)"})

    assert first == [(-9, "", True)] * 2
    assert ask(hub, python, {}) == [(-9, "", True)]


@pytest.mark.parametrize(
    "line",
    [
        "nonsense",
        "[1]",
        '{"id": 0}',
        '{"id": 7, "rc": 0, "stdout": "", "stderr": ""}',
        '{"id": 0, "rc": "0", "stdout": "", "stderr": ""}',
        '{"id": 0, "rc": 0, "stdout": null, "stderr": ""}',
        '{"id": [], "rc": 0, "stdout": "", "stderr": ""}',
        "[" * 100_000,
    ],
)
def test_a_host_that_answers_nonsense_ends_nothing_but_what_waits_for_it(hub, start, line):
    # Given a host that answers so, and another one
    ready = "read source; echo runbook-host-python-is-ready"
    strange, other = start(f"{ready}; printf '%s\\n' {shlex.quote(line)}; cat >/dev/null"), start()
    # When both are asked
    first = ask(hub, strange, {})
    # Then the first has no answer, says which nonsense it was, and is asked no more; the other one answers
    assert first == [(1, f"it answered what is no answer: {line[:200]}", True)]
    assert ask(hub, strange, {}) == first
    assert ask(hub, other, {"text": "word"}) == ["word\n"]


def test_one_that_is_retired_answers_what_it_was_asked_and_ends(hub, start):
    # Given one that is at work
    python, answers = start(), []
    hub.start(lambda _: answers.append(python.ask({"code": "import time; time.sleep(0.3)", "text": "late"}, {})))
    # When nobody is to ask it any more
    python.retire()
    deadline = time.monotonic() + PATIENCE
    while not python.ended and time.monotonic() < deadline:
        hub.poll(1)
    # Then
    assert ([answer["stdout"] for answer in answers], python.ended[0]) == (["late\n"], 0)


def test_one_whose_login_would_be_another_by_now_does_nothing_and_says_so(hub, start, tmp_path):
    # Given a login with settings of its own
    python = start(f"HOME={shlex.quote(str(tmp_path))} {PYTHON.removeprefix('exec ')}")
    assert ask(hub, python, {"text": "word"}) == ["word\n"]
    # When they change
    (tmp_path / ".bashrc").write_text("export NEW=yes")
    # Then
    assert ask(hub, python, {"code": f"open({str(tmp_path / 'done')!r}, 'w')"}) == ["stale"]
    assert not (tmp_path / "done").exists()


def test_one_that_has_ended_unasked_is_found_by_a_look(hub, start):
    python = start("echo runbook-host-python-is-ready; exit 3")
    python._process.wait(PATIENCE)
    assert python.ended is None

    python.look()

    assert python.ended[0] == 3


def test_an_answer_for_which_nobody_waits_any_more_is_let_go(hub, start):
    # Given one that waits for no more than a moment, and another one after it
    python, answers = start(), []

    def hurried(_):
        hub.current().limit = (time.monotonic() + 0.2, TimeoutError("too late"))
        try:
            python.ask({"code": "import time; time.sleep(1)"}, {})
        except TimeoutError as error:
            answers.append(str(error))

    hub.start(hurried)
    hub.start(lambda _: answers.append(python.ask({"code": "import time; time.sleep(2)"}, {})["rc"]))
    # When both are answered
    deadline = time.monotonic() + PATIENCE
    while len(answers) < 2 and time.monotonic() < deadline:
        hub.poll(1)
    # Then each had its own end, and the Python goes on
    assert (answers, python.ended, python.is_idle) == (["too late", 0], None, True)


def test_a_module_that_cannot_be_imported_there_is_told_and_asked_for_no_more(hub, start):
    python, told = start(), []

    def work(_):
        for _ in "12":
            try:
                python.ask("{}", {}, packed=Packed("no.such.module", "legacy", "bm8gYXJjaGl2ZQ=="))
            except UnknownModuleError:
                told.append("unknown")

    hub.start(work)
    deadline = time.monotonic() + PATIENCE
    while len(told) < 2 and time.monotonic() < deadline:
        hub.poll(1)
    assert (told, ask(hub, python, {"text": "goes on"})) == (["unknown", "unknown"], ["goes on\n"])


def left(python, hub):
    """The same, for whoever did not start it."""
    pid, pipes, taught = python.to_leave()
    return HostPython(hub, LeftProcess(pid, [*map(os.dup, pipes)]), taught)


def test_who_did_not_start_it_can_ask_it_and_learns_how_it_ended(hub, start, tmp_path):
    # Given one that has been asked, and goes on
    python = start()
    assert ask(hub, python, {"text": "first"}) == ["first\n"]
    # When somebody else asks it, for something in another directory, and ends it
    other = left(python, hub)
    assert ask(hub, other, {"code": "print(os.getcwd())", "text": "x"}, directory=str(tmp_path)) == [f"{tmp_path}\nx\n"]
    os.kill(python._process.pid, signal.SIGKILL)
    (told,) = ask(hub, other, {"text": "second"})
    # Then it is told how it has ended, though nobody has waited for it
    assert (told[0], told[2], other.ended[0]) == (-signal.SIGKILL, True, -signal.SIGKILL)


def test_what_it_has_learned_is_known_to_whoever_asks_it_next(hub, start):
    python = start()
    python._teach(Packed("some.module", "legacy", ""))

    other = left(python, hub)
    assert other.to_leave()[2] == ["some.module"]
    for stream in (other._process.stdin, other._process.stdout, other._process.stderr):
        other._close(stream)


def test_one_that_was_not_told_all_or_still_does_something_is_left_to_nobody(hub, start):
    # Given one that reads nothing for now, and one that does something
    silent, busy = start("exec sleep 900"), start()
    silent._teach(Packed("some.module", "legacy", "x" * 1_000_000))
    hub.start(lambda _: busy.ask({"code": "import time; time.sleep(1)"}, {}))
    # When the part of the run ends
    assert [silent.to_leave(), busy.to_leave()] == [None, None]
    # Then that is another matter for the one that has answered
    deadline = time.monotonic() + PATIENCE
    while not busy.is_idle and time.monotonic() < deadline:
        hub.poll(1)
    assert busy.to_leave()[0] == busy._process.pid
    silent._process.kill()


def test_one_that_has_ended_learns_nothing(hub, start):
    python = start("echo runbook-host-python-is-ready; exit 3")
    python._process.wait(PATIENCE)
    python.look()
    sent = bytes(python._unsent)

    hub.when_idle(lambda: python._teach(Packed("some.module", "legacy", "")))
    hub.poll(0)

    assert (bytes(python._unsent), python._taught) == (sent, set())
