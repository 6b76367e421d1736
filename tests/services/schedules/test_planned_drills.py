"""A drill by calendar begins once, goes on as long as its process lives, and is recorded with how it ended."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from harness.scheduler import BEGIN, Scheduler, schedule

from runner.core.errors import LockedError
from runner.core.events import Outcome
from runner.scheduling.entries import entry
from runner.services.schedules import overview
from runner.services.schedules.deciding import run_id
from runner.services.schedules.planned_drills import as_it_stands, drill_goes_on, drill_held, record_drill

NAME = "RUN-020/nightly"
NIGHT = datetime(2026, 12, 6, 2, 30, tzinfo=UTC)


@pytest.fixture
def scheduler(tmp_path):
    scheduler = Scheduler(tmp_path)
    environment(scheduler, "staging")
    scheduler.write(schedule(kind="drill", on_missed=["on-call"]))
    scheduler.looks()
    return scheduler


def environment(scheduler, name):
    path = scheduler.directory / "inventories" / "local" / "hosts.yml"
    path.write_text(path.read_text().replace("environment: local", f"environment: {name}"))


def past(scheduler):
    (found,) = overview.past(scheduler.env.state, BEGIN)
    return found.occurrence.state, found.outcome, found.is_bad, found.occurrence.tell


def test_it_begins_once_and_goes_on_while_it_lasts(scheduler):
    (claim,) = scheduler.looks(timedelta(hours=2, minutes=30)).to_begin
    found, state = entry(scheduler.library, NAME), scheduler.env.state
    with drill_held(scheduler.env, found, NIGHT):
        during = (past(scheduler), drill_goes_on(state, claim.run))
        with pytest.raises(LockedError, match="has begun"), drill_held(scheduler.env, found, NIGHT):
            pass
        record_drill(scheduler.env, found, NIGHT, Outcome.PASSED, "")

    assert during == (("ran", "running", False, ()), True)
    assert (past(scheduler), drill_goes_on(state, claim.run)) == (("ran", "passed", False, ()), False)
    with pytest.raises(LockedError, match="was decided"), drill_held(scheduler.env, found, NIGHT):
        pass


def test_one_that_failed_is_told_and_one_that_died_has_an_unknown_end(scheduler):
    scheduler.looks(timedelta(hours=2, minutes=30))
    found = entry(scheduler.library, NAME)
    with drill_held(scheduler.env, found, NIGHT):
        pass  # and dies
    died = past(scheduler)
    record_drill(scheduler.env, found, NIGHT, Outcome.FAILED, "it stayed broken")

    assert (died, past(scheduler)) == (("ran", "unknown", True, ()), ("ran", "failed", True, ("on-call",)))


def test_while_it_goes_on_the_next_one_does_not_begin(scheduler):
    scheduler.looks(timedelta(hours=2, minutes=30))
    with drill_held(scheduler.env, entry(scheduler.library, NAME), NIGHT):
        (skipped,) = scheduler.looks(timedelta(days=1)).decided

    assert (skipped.state, run_id(NAME, NIGHT) in skipped.why) == ("skipped", True)


@pytest.mark.parametrize("name", ["production", "local"])
def test_nothing_is_broken_but_staging_and_a_lab(scheduler, name):
    path = scheduler.directory / "inventories" / "local" / "hosts.yml"
    path.write_text(path.read_text().replace("environment: staging", f"environment: {name}"))
    (refused,) = scheduler.looks(timedelta(hours=2, minutes=30)).decided

    assert (refused.state, f"needs staging or a lab, and inventories/local is of {name}" in refused.why) == (
        "refused",
        True,
    )


def test_what_is_no_drill_stands_as_it_is(scheduler):
    (claim,) = scheduler.looks(timedelta(hours=2, minutes=30)).to_begin

    assert as_it_stands(scheduler.env.state, claim) == claim
