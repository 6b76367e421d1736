"""Every planned instant is decided once, however many look, however they die, and whatever the clock does.

`RUNBOOK_TEST_DAYS` says how many days a walk takes.
"""

from __future__ import annotations

import os
import random
from datetime import UTC, datetime, timedelta

import pytest
from harness.scheduler import BEGIN, MINUTE, Scheduler, schedule

from runner.core.errors import LockedError
from runner.model.schedules.schedule import Schedule
from runner.scheduling.instants import instants
from runner.services.schedules.changes import catch_up
from runner.services.schedules.deciding import decided, run_id
from runner.services.schedules.tick import LOOK_BACK, tick
from runner.store.occurrences import Occurrences
from runner.store.run_state import RunState

DAYS = int(os.environ.get("RUNBOOK_TEST_DAYS", "1"))
NIGHT = datetime(2026, 12, 6, 2, 30, tzinfo=UTC)
NAME = "RUN-020/nightly"
DAY = timedelta(days=1)
ZONES = ("Europe/Berlin", "Australia/Lord_Howe")


@pytest.fixture
def scheduler(tmp_path):
    return Scheduler(tmp_path)


def fates(occurrences):
    return [(str(each.state), each.planned) for each in occurrences]


def test_the_first_look_begins_to_count_and_decides_nothing(scheduler):
    scheduler.write(schedule())

    first = scheduler.looks()
    due = scheduler.looks(timedelta(hours=2, minutes=31))

    assert (first.decided, first.to_begin) == ((), ())
    assert (due.decided, fates(due.to_begin)) == ((), [("begin", NIGHT)])
    assert due.to_begin[0].run == run_id(NAME, NIGHT)
    assert scheduler.looks(MINUTE).to_begin == ()


@pytest.mark.parametrize("zone", ZONES)
def test_each_planned_instant_has_one_end_and_a_sentence(scheduler, zone):
    keys = {"cron": "*/45 0-4,22 * * *", "zone": zone, "window": "23:30-03:00", "late_ok": "5m"}
    scheduler.write(schedule(**keys))
    scheduler.clock.wall = begin = datetime(2027, 3, 27, 12, 0, tzinfo=UTC)
    scheduler.looks()

    pick = random.Random(zone)
    steps = [timedelta(minutes=pick.choice([1, 1, 1, 20])) for _ in range(97)]
    found = scheduler.walk(timedelta(days=DAYS), steps)

    planned = list(instants(Schedule.model_validate(schedule(**keys)).times, begin, scheduler.clock.wall))
    assert [each.planned for each in found] == planned
    assert all(each.why or each.state == "begin" for each in found)
    assert len({str(each.state) for each in found}) > 1


def test_several_that_look_and_an_index_that_was_lost_decide_nothing_twice(scheduler):
    scheduler.write(schedule(every="1h", cron=None, zone=None))
    scheduler.looks()
    first = scheduler.looks(timedelta(hours=1))
    second = scheduler.looks()
    (scheduler.env.state.path / "occurrences.sqlite").unlink()
    third = scheduler.looks()

    assert [len(each.to_begin) for each in (first, second, third)] == [1, 0, 0]
    assert scheduler.state_of(NAME, first.to_begin[0].planned) == ("claimed", "")


def quiet_until(scheduler):
    with decided(scheduler.env.state) as occurrences:
        return {name: until for name, (_, until) in occurrences.quiet().items()}


def test_a_look_notes_when_the_next_one_has_something_to_decide_and_for_a_day_at_most(scheduler):
    scheduler.write(schedule(), schedule("yearly", cron="0 0 1 1 *"))
    scheduler.looks()

    tomorrow = scheduler.clock.wall + timedelta(days=1)
    assert quiet_until(scheduler) == {NAME: NIGHT.isoformat(), "RUN-020/yearly": tomorrow.isoformat()}
    assert fates(scheduler.looks(NIGHT - scheduler.clock.wall).to_begin) == [("begin", NIGHT)]


@pytest.mark.parametrize("keys", [{"cron": "29 2 * * *"}, {"zone": "Asia/Kathmandu"}])
def test_what_was_noted_of_other_times_counts_no_more(scheduler, keys):
    scheduler.write(schedule(cron="0 12 * * *"))
    scheduler.looks()
    scheduler.write(schedule(**{"cron": "0 12 * * *", **keys}))
    scheduler.looks()

    first = next(
        instants(Schedule.model_validate(schedule(**{"cron": "0 12 * * *", **keys})).times, BEGIN, NIGHT + DAY)
    )
    assert [each.planned for each in scheduler.walk(first - scheduler.clock.wall + MINUTE)] == [first]


def test_three_nights_down_are_missed_and_nothing_is_begun_in_the_morning(scheduler):
    scheduler.write(schedule())
    scheduler.looks()
    ticked = scheduler.looks(timedelta(days=3, hours=9))

    nights = [NIGHT + timedelta(days=number) for number in range(4)]
    assert (fates(ticked.decided), ticked.to_begin) == ([("missed", night) for night in nights], ())
    assert [each.why for each in ticked.decided] == [
        f"nobody looked until {late} after its time; at most 10m late is good"
        for late in ("3d6h30m", "2d6h30m", "1d6h30m", "6h30m")
    ]


def test_of_what_was_missed_only_the_latest_is_caught_up_where_that_is_wanted(scheduler):
    scheduler.write(schedule(if_missed="latest"))
    scheduler.looks()
    ticked = scheduler.looks(timedelta(days=1, hours=9))

    assert fates(ticked.decided) == [("missed", NIGHT)]
    assert fates(ticked.to_begin) == [("begin", NIGHT + timedelta(days=1))]


def test_one_broken_schedule_keeps_no_other_one_from_being_begun(scheduler):
    for number in range(50):
        scheduler.write(schedule(), runbook=f"RUN-{100 + number}")
    scheduler.write(schedule(), runbook="RUN-117", severity="P9")
    scheduler.looks()
    ticked = scheduler.looks(timedelta(hours=2, minutes=30))

    assert len(ticked.to_begin) == 49
    (refused,) = ticked.decided
    assert (refused.schedule, refused.state) == ("RUN-117/nightly", "refused")
    assert "RUN-117.yml:" in refused.why
    assert "severity" in refused.why or "P9" in refused.why


def test_one_whose_time_nobody_can_read_is_named(scheduler):
    scheduler.write(schedule(cron="61 * * * *"))
    (broken,) = scheduler.looks().broken

    assert (broken.name, "no such minute: 0 to 59" in broken.fault) == (NAME, True)


def test_a_run_that_goes_on_or_is_about_to_begin_keeps_the_next_from_beginning(scheduler):
    scheduler.write(schedule(cron="* * * * *"))
    scheduler.looks()
    ticked = scheduler.looks(2 * MINUTE)

    run = run_id(NAME, BEGIN + MINUTE)
    assert fates(ticked.to_begin) == [("begin", BEGIN + MINUTE)]
    assert [(each.planned, each.why) for each in ticked.decided] == [
        (BEGIN + 2 * MINUTE, f"the run {run} of an earlier occurrence still goes on")
    ]


def test_a_claim_is_taken_over_when_nobody_begins_it_and_is_missed_when_it_is_too_late(scheduler):
    scheduler.write(schedule())
    scheduler.looks()
    scheduler.looks(timedelta(hours=2, minutes=30))
    soon, later = scheduler.looks(MINUTE), scheduler.looks(MINUTE)
    too_late = scheduler.looks(timedelta(minutes=20))

    assert (soon.to_begin, fates(later.to_begin)) == ((), [("begin", NIGHT)])
    assert fates(too_late.decided) == [("missed", NIGHT)]
    assert too_late.decided[0].why == "its run was to begin, and whoever was to begin it died"


def test_a_schedule_with_other_times_is_due_at_them_from_then_on(scheduler):
    scheduler.write(schedule(jitter="5m"))
    scheduler.looks()
    waiting = scheduler.looks(timedelta(hours=2, minutes=30))
    scheduler.write(schedule(cron="30 1 * * *"))
    changed = scheduler.looks(MINUTE)
    tomorrow = scheduler.looks(timedelta(hours=23))

    assert (waiting.decided, waiting.to_begin, changed.to_begin) == ((), (), ())
    assert [(each.planned, each.state, each.why) for each in changed.decided] == [
        (NIGHT, "skipped", "the schedule was given other times before it could begin")
    ]
    assert fates(tomorrow.to_begin) == [("begin", NIGHT + timedelta(hours=23))]


def test_one_that_was_taken_out_and_comes_back_owes_nothing_of_the_time_between(scheduler):
    path = scheduler.write(schedule())
    scheduler.looks()
    text = path.read_text()
    path.unlink()
    scheduler.looks(timedelta(days=30))
    path.write_text(text)
    back = scheduler.looks(MINUTE)
    night = scheduler.looks(timedelta(hours=2, minutes=29))

    assert (back.decided, back.to_begin, fates(night.to_begin)) == ((), (), [("begin", NIGHT + timedelta(days=30))])


def test_one_that_nobody_can_read_any_more_is_refused_when_it_was_due(scheduler):
    path = scheduler.write(schedule())
    scheduler.looks()
    path.write_text("id: RUN-020\n  title: torn\n")
    (torn,) = scheduler.looks(timedelta(hours=2, minutes=30)).decided
    scheduler.write(schedule(cron="61 * * * *"))
    (unreadable,) = scheduler.looks(timedelta(days=1)).decided

    assert [(each.state, "RUN-020.yml:" in each.why) for each in (torn, unreadable)] == [("refused", True)] * 2
    assert "no such minute" in unreadable.why


def test_two_of_one_name_are_refused(scheduler):
    scheduler.write(schedule(), schedule(cron="0 4 * * *"))
    scheduler.looks()
    (refused,) = scheduler.looks(timedelta(hours=2, minutes=30)).decided

    assert (refused.state, "another schedule of RUN-020 is called 'nightly' as well" in refused.why) == (
        "refused",
        True,
    )


def test_a_run_that_was_caught_up_keeps_the_next_from_beginning_while_it_goes_on(scheduler):
    scheduler.write(schedule(every="1h", cron=None, zone=None))
    scheduler.looks()
    scheduler.looks(timedelta(hours=3, minutes=59))
    catch_up(scheduler.env, scheduler.library, NAME, BEGIN + timedelta(hours=1))
    ticked = scheduler.looks(MINUTE)

    assert [(each.planned, each.state) for each in ticked.decided] == [(BEGIN + timedelta(hours=4), "skipped")]
    assert "still goes on" in ticked.decided[0].why


def test_the_clocks_are_read_when_nobody_else_decides_any_more(scheduler):
    """Whoever waited for a decision of another would else take the clock for one that was put back."""
    scheduler.write(schedule())
    scheduler.looks()

    def clocks():
        with pytest.raises(LockedError), Occurrences(state.path, state.log_path).held(patience=0.0):
            pass
        return scheduler.clocks()

    state = scheduler.env.state
    assert tick(scheduler.env, scheduler.library, clocks).held == ""


def test_a_run_of_which_nothing_can_be_read_has_run_and_stops_no_look(scheduler):
    scheduler.write(schedule())
    scheduler.looks()
    (claim,) = scheduler.looks(timedelta(hours=2, minutes=30)).to_begin
    directory = scheduler.env.state.directory(claim.run)
    directory.path.mkdir(parents=True)
    (directory.path / "run.json").write_text("torn")

    assert fates(scheduler.looks(MINUTE).decided) == [("ran", NIGHT)]


def test_a_claim_whose_run_has_begun_has_run(scheduler):
    scheduler.write(schedule())
    scheduler.looks()
    (claim,) = scheduler.looks(timedelta(hours=2, minutes=30)).to_begin
    state = RunState(run=claim.run, runbook="RUN-020", title="T", started="", user="u", environment="local")
    held = scheduler.env.state.begin(state)
    ticked = scheduler.looks(MINUTE)
    held.release()

    assert (fates(ticked.decided), ticked.to_begin) == ([("ran", NIGHT)], ())


def test_a_clock_that_jumps_burns_nothing_and_nothing_is_recorded(scheduler):
    scheduler.write(schedule())
    scheduler.looks()
    before = len(scheduler.records)
    scheduler.clock.wall += timedelta(days=30)
    held = scheduler.looks(MINUTE)
    scheduler.clock.wall -= timedelta(days=30)
    found = scheduler.walk(timedelta(hours=3))

    assert held.held == "the clock was put ahead by 30d"
    assert (len(scheduler.records) - before, fates(found)) == (2, [("begin", NIGHT)])


def test_what_is_older_than_a_year_is_counted_and_not_looked_at(scheduler):
    scheduler.write(schedule())
    scheduler.looks()
    ticked = scheduler.looks(LOOK_BACK + timedelta(days=9, hours=12))

    assert len(ticked.decided) == LOOK_BACK.days
    assert scheduler.looks().decided == ()


def test_production_wants_an_approved_schedule(scheduler):
    scheduler.write(schedule())
    path = scheduler.directory / "inventories" / "local" / "hosts.yml"
    path.write_text(path.read_text().replace("environment: local", "environment: production"))
    scheduler.looks()
    ticked = scheduler.looks(timedelta(hours=2, minutes=30))

    assert [(str(each.state), each.why) for each in ticked.decided] == [
        ("refused", f"{NAME} works on production, and is not approved: runbook schedule approve {NAME}")
    ]
