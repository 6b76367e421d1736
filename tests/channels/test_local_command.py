"""A program gets the page on its standard input, decides by its exit code, and leaves nothing running."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pytest
from harness import PATIENCE
from pydantic import ValidationError

from runner.channels.base import Receipt, SecretMissingError
from runner.channels.local_command import CommandChannel
from runner.channels.transport import Transport
from runner.channels.webhook import envelope

SECRETS = {"env:PAGER_TOKEN": "s3cret"}.__getitem__


@pytest.fixture
def program(tmp_path):
    """A channel whose program is this text of Python."""

    def make(text, *arguments, **env):
        path = tmp_path / "page.py"
        path.write_text(f"#!{sys.executable}\n{text}\n")
        path.chmod(0o700)
        return CommandChannel(argv=[str(path), *arguments], env=env)

    return make


def send(channel, page, **times):
    transport = Transport(**{"sleep": lambda seconds: None, "jitter": lambda: 1.0, **times})
    return channel.send(page, secrets=SECRETS, transport=transport)


def test_the_page_is_on_standard_input_and_only_what_is_written_in_the_environment(program, page, tmp_path):
    channel = program(
        "import json, os, sys\n"
        "with open(sys.argv[1], 'w') as out:\n"
        "    json.dump([json.load(sys.stdin), dict(os.environ), os.getcwd()], out)",
        str(tmp_path / "out"),
        TOKEN="env:PAGER_TOKEN",
    )

    assert send(channel, page) == Receipt("command", "accepted", 1, "exit code 0")

    told, environ, directory = json.loads((tmp_path / "out").read_text())
    assert told == envelope(page)
    assert environ == {"PATH": "/bin:/usr/bin", "LC_ALL": "C.UTF-8", "TOKEN": "s3cret"}
    assert directory == "/"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("raise SystemExit('no such rota')", ("refused", 1, "exit code 1: no such rota")),
        ("raise SystemExit(3)", ("refused", 1, "exit code 3")),
        ("raise SystemExit(75)", ("deferred", 5, "exit code 75{late}")),
        ("import os; os.kill(os.getpid(), 11)", ("refused", 1, "ended by signal 11")),
        (
            "import os, sys; sys.exit('wrong token ' + os.environ['TOKEN'])",
            ("refused", 1, "exit code 1: wrong token (TOKEN)"),
        ),
        (
            "import sys; sys.stderr.write('x' * 1_000_000 + chr(10) + 'full'); sys.exit(1)",
            ("refused", 1, "exit code 1: full"),
        ),
    ],
)
def test_the_exit_code_decides(text, expected, program, page, late):
    status, attempts, reason = expected
    receipt = send(program(text, TOKEN="env:PAGER_TOKEN"), page)

    assert receipt == Receipt("command", status, attempts, reason.format(late=late))


@pytest.mark.parametrize("ends", ["time.sleep(600)", "pass"], ids=["hangs", "ends"])
def test_nothing_that_it_has_started_stays(ends, program, page, tmp_path):
    pids = tmp_path / "pids"
    channel = program(
        "import subprocess, sys, time\n"
        "child = subprocess.Popen(['sleep', '600'])\n"
        f"open({str(pids)!r}, 'w').write(str(child.pid))\n{ends}"
    )

    receipt = send(channel, page, deadline=3.0 if ends != "pass" else 8.0)

    assert receipt.status == ("accepted" if ends == "pass" else "deferred")
    deadline = time.monotonic() + PATIENCE
    while alive(int(pids.read_text())):
        assert time.monotonic() < deadline, "it was never ended"
        time.sleep(0.02)


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_program_that_is_not_there_or_cannot_start_is_refused(page, tmp_path):
    path = tmp_path / "page"
    missing = send(CommandChannel(argv=[str(path)]), page)
    path.write_text("#!/no/such/interpreter\n")
    broken = send(CommandChannel(argv=[str(path)]), page)

    assert missing == Receipt("command", "refused", 1, f"{path} cannot be started: No such file or directory")
    assert broken == Receipt("command", "refused", 1, f"{path} cannot be started: Permission denied")


def test_a_program_that_others_can_change_is_not_started(program, page, tmp_path):
    channel = program("open(__file__ + '.started', 'w')")
    (tmp_path / "page.py").chmod(0o777)

    receipt = send(channel, page)

    assert (receipt.status, receipt.attempts) == ("refused", 0)
    assert receipt.reason.startswith("others can change what would be executed")
    assert not (tmp_path / "page.py.started").exists()
    with pytest.raises(SecretMissingError):
        channel.check(SECRETS)


def test_a_missing_secret_starts_nothing(program, page):
    channel = program("", TOKEN="env:NO")

    assert send(channel, page).reason == "the secret env:NO is missing or blank: set the environment variable NO"


@pytest.mark.parametrize("argv", [[], ["page"], ["./page"], ["/bin/true", "a\0b"]])
def test_what_could_not_work_does_not_load(argv):
    with pytest.raises(ValidationError):
        CommandChannel(argv=argv)
