"""What a planned run will ask is approved hours before it, by its subject; without that it is refused."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from harness.fake_run import ACTOR
from harness.fault_server import FaultServer
from harness.scheduler import Scheduler, schedule

from runner.compiler.committed_playbook import write
from runner.core.errors import DeniedError
from runner.core.events import EventType
from runner.executor.testing import ScriptedExecutor
from runner.scheduling.entries import entry
from runner.services.schedules.advance_approvals import (
    VotesInAdvance,
    advance_questions,
    approve_in_advance,
    check_approved,
)
from runner.services.schedules.calls import call_for_approvals
from runner.services.schedules.planned_runs import acting, begin, planned_request
from runner.store.log.log_reader import read

NAME, NIGHT, LEAD = "RUN-020/nightly", datetime(2026, 12, 6, 2, 30, tzinfo=UTC), timedelta(hours=2)
FIND = {
    "id": "find",
    "name": "Find",
    "effect": "read",
    "command": "ls",
    "capture": {"old": "stdout"},
    "verify": [{"exit": 0}],
}
CLEAN = {"id": "clean", "name": "Clean", "command": "rm -r /tmp/x", "approve": "Clean?", "verify": [{"exit": 0}]}
FOUND = {**CLEAN, "id": "found", "name": "Remove what was found", "command": "rm {{ old }}"}


@pytest.fixture
def scheduler(tmp_path):
    made = Scheduler(tmp_path)
    made.env = replace(made.env, executor=ScriptedExecutor(hosts={"db_primary": ["db1"]}))

    def plan(*steps):
        made.write(
            schedule(approval_lead="2h", on_missed=["ops"]), hosts="db_primary", prerequisites=None, steps=list(steps)
        )
        write(made.library, made.library.source("RUN-020"))
        made.looks()

    made.plan = plan
    plan(FIND, CLEAN)
    return made


def as_schedule(scheduler):
    return replace(scheduler.env, actor=acting(scheduler.env.actor, NAME))


def questions(scheduler):
    request = planned_request(scheduler.library, entry(scheduler.library, NAME), NIGHT, os.environ)
    return request, advance_questions(request, as_schedule(scheduler), NAME)


def approve(scheduler, who="bob"):
    _, asked = questions(scheduler)
    for each in asked:
        approve_in_advance(replace(scheduler.env, actor=replace(ACTOR, user=who)), NAME, each)


def begun(scheduler):
    """The run at its time, by what was approved before."""
    ticked = scheduler.looks(timedelta(hours=2, minutes=30))
    request, asked = questions(scheduler)
    check_approved(request.source.runbook, asked)
    env = as_schedule(scheduler)
    env = replace(env, operator=VotesInAdvance(env.operator, env, asked, wait=0.0))
    assert [each.schedule for each in ticked.to_begin] == [NAME]
    return begin(request, env, entry(scheduler.library, NAME), NIGHT)


def test_people_are_to_be_asked_the_lead_before_its_time_once(scheduler):
    early, due = scheduler.looks(timedelta(minutes=29)), scheduler.looks(timedelta(minutes=1))

    assert ([each.planned for each in early.to_ask], [each.planned for each in due.to_ask]) == ([], [NIGHT])


def test_two_schedulers_that_look_at_the_same_time_tell_people_once(scheduler):
    with FaultServer("200") as server:
        contacts = scheduler.directory / "runbooks" / "contacts.yml"
        contacts.write_text(
            f"ops: {{name: Ops, channels: [{{webhook: {{url: '{server.url}'}}}}]}}\nbackend-team: {{name: T}}\n"
        )
        asked, planned = questions(scheduler)[1], entry(scheduler.library, NAME)

        called = [
            call_for_approvals(as_schedule(scheduler), scheduler.library, planned, NIGHT, asked) for _ in range(2)
        ]

        told = [[(each.contact, each.receipt.ok) for each in flushed.sent] for flushed in called]
        assert (told, len(server.bodies)) == ([[("ops", True)], []], 1)


def test_a_run_that_was_approved_in_advance_does_exactly_that_with_the_names_of_those_who_have(scheduler):
    approve(scheduler)

    result = begun(scheduler)

    votes = [record for record in read(scheduler.env.state.log_path) if record.type == EventType.VOTE_GIVEN]
    assert (result.outcome, {record.data["by"] for record in votes}) == ("passed", {"bob"})


def test_one_that_nobody_has_approved_is_refused(scheduler):
    with pytest.raises(DeniedError, match="not approved in advance, or what would be done has changed since: clean"):
        begun(scheduler)


def test_a_yes_is_for_what_would_be_done_and_for_nothing_else(scheduler):
    approve(scheduler)
    scheduler.plan(FIND, {**CLEAN, "command": "rm -r /tmp/y"})

    with pytest.raises(DeniedError, match="not approved in advance"):
        begun(scheduler)


def test_what_only_the_run_finds_out_is_left_for_its_window(scheduler):
    scheduler.plan(FIND, FOUND)
    request, (asked,) = questions(scheduler)

    assert asked.unknown == "old: found out by an earlier step of the run"
    check_approved(request.source.runbook, [asked])
    with pytest.raises(DeniedError, match="found is asked about when it is run"):
        approve(scheduler)
    result = begun(scheduler)
    assert (result.outcome, "nobody has approved it in its window" in result.happened) == ("aborted", True)


def test_what_a_person_must_do_has_nobody_there(scheduler):
    scheduler.plan(FIND, {"id": "look", "name": "Look", "manual": "Look", "verify": [{"confirm": "It is so"}]})
    request, asked = questions(scheduler)

    with pytest.raises(DeniedError, match="nobody is there for what a person must do or confirm: look"):
        check_approved(request.source.runbook, asked)
