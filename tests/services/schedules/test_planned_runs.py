"""The run of an occurrence begins once, as what the schedule says, and what became of it is recorded."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from harness.scheduler import Scheduler, schedule

from runner.compiler.committed_playbook import write
from runner.core.errors import DeniedError, InvalidInputError, LockedError
from runner.scheduling.decision import Fate
from runner.scheduling.entries import entry
from runner.services.schedules.deciding import record_fate, run_id
from runner.services.schedules.planned_runs import acting, begin, check_claimed, planned_request

NIGHT = datetime(2026, 12, 6, 2, 30, tzinfo=UTC)
NAME = "RUN-020/nightly"
INPUTS = {
    "age": {"type": "duration", "default": "5m", "help": "A"},
    "all": {"type": "bool", "default": False, "help": "B"},
}


@pytest.fixture
def scheduler(tmp_path):
    scheduler = Scheduler(tmp_path)
    scheduler.write(schedule(reason="CHG-1", limit="db1", inputs={"age": "10m", "all": True}), inputs=INPUTS)
    write(scheduler.library, scheduler.library.source("RUN-020"))
    scheduler.looks()
    scheduler.looks(timedelta(hours=2, minutes=30))
    return scheduler


def asked(scheduler):
    return planned_request(scheduler.library, entry(scheduler.library, NAME), NIGHT, os.environ)


def begun(scheduler, request=None):
    env = replace(scheduler.env, actor=acting(scheduler.env.actor, NAME))
    checked(scheduler)
    return begin(request or asked(scheduler), env, entry(scheduler.library, NAME), NIGHT)


def checked(scheduler, planned=NIGHT):
    check_claimed(scheduler.env, scheduler.library, entry(scheduler.library, NAME), planned)


def test_it_is_asked_for_as_the_schedule_says(scheduler):
    request = asked(scheduler)

    assert (request.run_id, request.mode) == (run_id(NAME, NIGHT), "auto")
    assert (request.limit, request.reason, request.environment) == ("db1", "CHG-1", "local")
    assert request.inputs == {"age": "10m", "all": True}
    assert request.wait == timedelta(minutes=10).total_seconds()


def test_a_drill_is_asked_for_without_what_its_runbook_wants_to_be_told(scheduler):
    wanted = {"version": {"help": "A version"}}
    scheduler.write(schedule("quarterly", kind="drill"), inputs=wanted)
    write(scheduler.library, scheduler.library.source("RUN-020"))

    request = planned_request(scheduler.library, entry(scheduler.library, "RUN-020/quarterly"), NIGHT, os.environ)

    assert (request.inputs, request.inventories != ()) == ({}, True)


def test_it_begins_once_and_that_is_recorded_with_who_did_it(scheduler):
    result = begun(scheduler)

    assert result.outcome == "passed"
    assert scheduler.state_of(NAME, NIGHT) == ("ran", "")
    assert scheduler.env.state.run(run_id(NAME, NIGHT)).state.user == f"schedule:{NAME}"
    with pytest.raises(LockedError, match="was decided: ran"):
        begun(scheduler)


def test_one_that_another_has_begun_does_not_begin(scheduler):
    request = asked(scheduler)
    (scheduler.env.state.runs_path / request.run_id).mkdir(parents=True)
    (scheduler.env.state.runs_path / request.run_id / "run.json").write_text("{}")

    with pytest.raises(LockedError, match="has begun already"):
        begun(scheduler, request)


def test_one_that_is_not_due_does_not_begin(scheduler):
    with pytest.raises(LockedError, match="is not due"):
        checked(scheduler, NIGHT + timedelta(days=1))


def test_what_came_between_the_claim_and_its_beginning_counts(scheduler):
    path = scheduler.directory / "inventories" / "local" / "hosts.yml"
    path.write_text(path.read_text().replace("environment: local", "environment: production"))

    with pytest.raises(DeniedError, match="works on production, and is not approved"):
        checked(scheduler)


def test_its_inventory_is_that_of_the_library_wherever_the_scheduler_was_started(scheduler, tmp_path, monkeypatch):
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "inventories" / "local").mkdir(parents=True)
    monkeypatch.chdir(elsewhere)

    assert asked(scheduler).inventories == [scheduler.directory / "inventories" / "local"]


def test_one_whose_run_refuses_is_refused_with_why(scheduler):
    scheduler.env.executor.hosts = {"all": ()}
    result = begun(scheduler)

    state, why = scheduler.state_of(NAME, NIGHT)
    assert (result.outcome, state, bool(why)) == ("never reached", "refused", True)


def test_one_that_a_guard_refuses_has_not_run(scheduler):
    steps = [{"id": "note", "name": "Note it", "command": "sh -c 'echo $NOWHERE'", "verify": [{"exit": 0}]}]
    scheduler.write(schedule(), hosts="all", prerequisites=None, steps=steps)
    write(scheduler.library, scheduler.library.source("RUN-020"))

    result = begun(scheduler)

    state, why = scheduler.state_of(NAME, NIGHT)
    assert (result.outcome, state) == ("never reached", "refused")
    assert why.startswith("A run that asks nobody needs a runbook without errors of lint; RUN-020 has 1 error")


def test_one_that_cannot_be_asked_for_is_refused_once(scheduler):
    found = entry(scheduler.library, NAME)
    (scheduler.directory / "playbooks" / "RUN-020.yml").unlink()
    with pytest.raises(InvalidInputError, match="is missing") as caught:
        asked(scheduler)
    record_fate(scheduler.env, found, NIGHT, Fate.REFUSED, caught.value.message)
    record_fate(scheduler.env, found, NIGHT, Fate.REFUSED, "another reason")

    state, why = scheduler.state_of(NAME, NIGHT)
    assert (state, "is missing" in why) == ("refused", True)
