"""What became of a run that died, and of calling for it, is told in lines that nothing of a host can forge."""

from __future__ import annotations

from dataclasses import replace

import click

from runner.cli import context
from runner.cli.output.sent_pages import show_recovery
from runner.cli.system import System
from runner.core.errors import AuditError
from runner.orchestrator.request import Call
from runner.services.runs import RecoveredRun, Recovery
from runner.store.run_state import RunState

LEFT = RunState(run="20260101T000000Z-0123abcd", runbook="RUN-001", title="T", started="", user="alice")
STATE = replace(LEFT, status="abandoned")


def test_each_run_is_told_with_who_was_called(capsys):
    calls = (
        Call("on-call", "slack", "trigger", arrived=True, reason=""),
        Call("lead", "webhook", "trigger", arrived=False, reason="HTTP 503\x1b[2J"),
    )
    with click.Context(click.Command("status"), obj=context.CommandContext(None, None, System())):
        show_recovery(Recovery((RecoveredRun(STATE, calls), RecoveredRun(STATE, not_called="it is gone"))))

    abandoned = [
        "abandoned: the run 20260101T000000Z-0123abcd of RUN-001 died before it ended",
        "hint: what it had started was stopped; runbook show 20260101T000000Z-0123abcd shows how far it came",
    ]
    assert capsys.readouterr().err.splitlines() == [
        *abandoned,
        "called   on-call by slack: it arrived",
        "called   lead by webhook: NOT REACHED, call them yourself: HTTP 503\\x1b[2J",
        *abandoned,
        "error: nobody could be called for 20260101T000000Z-0123abcd: it is gone",
    ]


def test_that_it_cannot_be_recorded_is_told_and_not_that_anything_was_stopped(capsys):
    show_recovery(Recovery(failure=AuditError("the disk is full"), unrecorded=(RecoveredRun(LEFT),)))

    assert capsys.readouterr().err.splitlines() == [
        "warning: a run that died cannot be recorded as abandoned: the disk is full",
        "abandoned: the run 20260101T000000Z-0123abcd of RUN-001 has no recorded end: it died, or could not record it",
    ]
