"""A rehearsal at a terminal: what it says on stderr, and how it ends."""

from __future__ import annotations

import signal
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from runner.cli.rehearsal_session import ended_in_order, show_and_exit
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
