"""The controller's end of a Python that stays: it is asked by workers, and says how it ended."""

from __future__ import annotations

import json
import shlex
import sys
import time

import pytest
from harness import PATIENCE
from runbook_host_python import BOOT, HostPython, HostPythonEndedError
from runbook_hub import ATTEMPT, Hub

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
        started.append(HostPython(hub, command, MODULE, shell=True))
        return started[-1]

    yield begin
    for one in started:
        one._process.communicate()  # nobody asks it any more: it ends by itself


def ask(hub, python, *requests):
    """What each request came to: what was printed, or how the Python had ended."""
    answers = {}

    def work(request, number):
        try:
            answers[number] = python.ask({"code": "", **request}, {})["stdout"]
        except HostPythonEndedError as end:
            answers[number] = (end.code, end.message, end.was_ready)

    for number, request in enumerate(requests):
        hub.start(lambda _, request=request, number=number: work(request, number))
    deadline = time.monotonic() + PATIENCE
    while len(answers) < len(requests) and time.monotonic() < deadline:
        hub.poll(1)
    return [answers[number] for number in range(len(requests))]


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
