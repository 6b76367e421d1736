"""The last screen of a run says how to take the incident that it has called for."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime

import click
import pytest
from harness.fakes import RUN_ID

from runner.cli import context, system
from runner.cli.output.ending import became, show
from runner.cli.system import System
from runner.core.errors import ExitCode
from runner.core.events import Outcome
from runner.escalation.ladder import NextLevel
from runner.orchestrator.request import Call, Child, Result
from runner.store.next_command import NextCommand
from runner.store.state_directory import StateDirectory

SHOW = NextCommand(("show", RUN_ID), "shows what happened")
CALL = Call("lead", "slack", "trigger", arrived=True, reason="")


@pytest.mark.parametrize(("own", "of_child", "offers"), [((CALL,), (), True), ((), (), False), ((), (CALL,), False)])
def test_whoever_is_there_can_take_what_this_run_has_called_for(tmp_path, capsys, own, of_child, offers):
    def ended(calls, children=()):
        end = (RUN_ID, Outcome.FAILED, ExitCode.ESCALATED, tmp_path, tmp_path)
        return Result(*end, happened="One failed", ways_on=(SHOW,), calls=calls, children=children)

    children = (Child("RUN-002", ["db1"], ended(of_child)),) if of_child else ()
    with click.Context(click.Command("run"), obj=context.CommandContext(None, None, System())):
        show(ended(own + of_child, children), as_json=False)

    assert (f"runbook ack {RUN_ID} " in capsys.readouterr().out) == offers


def shown(tmp_path, capsys, **changes):
    """The last screen of a run."""
    result = Result(RUN_ID, Outcome.PASSED, ExitCode.DONE, tmp_path, tmp_path, **changes)
    with click.Context(click.Command("run"), obj=context.CommandContext(None, None, System())):
        show(result, as_json=False)
    return capsys.readouterr().out.splitlines()[1:-2]


def test_nobody_is_told_to_take_what_somebody_has(tmp_path, capsys):
    lines = shown(tmp_path, capsys, calls=(CALL,), ways_on=(SHOW,), acknowledged="bob at 03:00:00 UTC: I look")

    assert lines[2:] == [
        "called  lead by slack: it arrived",
        "taken   by bob at 03:00:00 UTC: I look",
        f"next    runbook show {RUN_ID}  # shows what happened",
    ]


@pytest.mark.parametrize("watched", [True, False])
def test_who_is_called_next_is_said_with_when_and_what_to_type_where_nobody_watches(tmp_path, capsys, watched):
    state = StateDirectory.open(tmp_path)
    if watched:
        now = system.clock()
        (tmp_path / "watch").write_text(json.dumps({"boot": now.boot_id, "not_callable": []}))
        os.utime(tmp_path / "watch", ns=(int(now.monotonic * 1e9),) * 2)
    follows = NextLevel(("lead", "boss"), datetime(2026, 1, 1, 3, 15, tzinfo=UTC))
    end = (RUN_ID, Outcome.FAILED, ExitCode.ESCALATED, tmp_path, state.log_path)
    with click.Context(click.Command("run"), obj=context.CommandContext(None, None, System())):
        show(Result(*end, happened="One failed", ways_on=(SHOW,), calls=(CALL,), follows=follows), as_json=False)

    lines = capsys.readouterr().out.splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("then"))
    typed = "runbook notify flush calls them, typed at that time or later"
    assert lines[first : lines.index(next(line for line in lines if line.startswith("next")))] == [
        "then    lead, boss are called at 03:15:00 UTC, unless somebody has acknowledged",
        *([] if watched else [f"        no watch is running, and only the next command calls: {typed}"]),
    ]


def test_tickets_have_their_key_and_address_and_incidents_their_remarks_also_where_the_run_passed(tmp_path, capsys):
    link = "opened: 7, https://github.com/team/ops/issues/7"
    tickets = (
        Call("backlog", "github", "ticket", arrived=True, reason=link),
        Call("old", "jira", "ticket", arrived=False, reason="answered 401"),
    )

    assert shown(tmp_path, capsys, calls=tickets, remarks=("the incident about db1 stays open",)) == [
        f"tickets backlog by github: {link}",
        "        old by jira: NOT OPENED, open it yourself",
        "also    the incident about db1 stays open",
    ]


def test_a_ticket_that_was_not_opened_is_nobody_to_call():
    words = {action: became(action, arrived=False) for action in ("trigger", "ticket")}

    assert became("trigger", arrived=False, otherwise=True) == "not reached by this channel"
    assert words == {"trigger": "NOT REACHED, call them yourself", "ticket": "NOT OPENED, open it yourself"}


def test_a_runbook_that_took_over_is_named_with_the_hosts_for_which_and_one_that_was_run_with_those_where(
    tmp_path, capsys
):
    child = Result(RUN_ID, Outcome.PASSED, ExitCode.DONE, tmp_path, tmp_path)
    children = (Child("RUN-010", ["app1", "app2"], child), Child("RUN-011", ["app1"], child, called=True))

    assert shown(tmp_path, capsys, children=children) == [
        f"  RUN-010 took over for app1, app2: passed  run {RUN_ID}",
        f"  RUN-011 did a step on app1: passed  run {RUN_ID}",
    ]
