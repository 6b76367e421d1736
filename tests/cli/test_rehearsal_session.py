"""A rehearsal at a terminal: what it says on stderr, and how it ends."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from runner.cli.rehearsal_session import ended_in_order, show_and_exit, typed_way
from runner.core.errors import ExitCode
from runner.core.events import Outcome
from runner.lab.flow import DemoResult
from runner.orchestrator.request import Result

RUN = Result("run", Outcome.PASSED, ExitCode.DONE, Path("/state/report.html"), Path("/state/audit.jsonl"))


@pytest.mark.parametrize(
    ("result", "code", "output"),
    [
        (DemoResult(ok=True, run=RUN), 0, "report  /state/report.html\naudit   /state/audit.jsonl\n"),
        (DemoResult(ok=False), 1, ""),
    ],
)
def test_the_exit_code_is_that_of_the_rehearsal_and_the_record_is_named(result, code, output):
    @click.command()
    def command():
        show_and_exit(result)

    ran = CliRunner().invoke(command)

    assert (ran.exit_code, ran.output) == (code, output)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_ends_it_in_order_and_is_heard_as_before_afterwards(number):
    before = signal.getsignal(number)

    with pytest.raises(KeyboardInterrupt), ended_in_order():
        signal.raise_signal(number)

    assert signal.getsignal(number) == before


def test_a_host_that_takes_many_words_is_reached_by_a_script_that_does_the_same(tmp_path):
    words = ["echo", "-o", "it's", *["StrictHostKeyChecking=yes"] * 3]

    short, long = typed_way(tmp_path, "db1", ["ssh", "db1"]), typed_way(tmp_path, "app1", words)
    done = subprocess.run([*long, "uptime", "-p"], capture_output=True, text=True, check=True)

    assert (short, long) == (["ssh", "db1"], ["sh", f"{tmp_path}/to-app1"])
    assert done.stdout.split() == [*words[1:], "uptime", "-p"]
