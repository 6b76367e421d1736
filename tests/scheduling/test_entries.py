"""The schedules of a library, also those of runbooks with faults, each with what keeps it from being begun."""

from __future__ import annotations

from datetime import date

import pytest
from harness.scheduler import Scheduler, schedule

from runner.core.errors import InvalidInputError
from runner.model.schedules.schedule import Schedule
from runner.scheduling.entries import entries, entry, paused, subject_of


@pytest.fixture
def scheduler(tmp_path):
    return Scheduler(tmp_path)


def told(scheduler, **only):
    return [(each.name, bool(each.schedule), each.fault) for each in entries(scheduler.library, **only)]


def test_each_is_known_by_its_runbook_and_its_id(scheduler):
    scheduler.write(schedule(), schedule("often", every="6h", cron=None, zone=None), severity="P1")
    scheduler.write(schedule(), runbook="RUN-021")

    assert told(scheduler) == [
        ("RUN-020/nightly", True, ""),
        ("RUN-020/often", True, ""),
        ("RUN-021/nightly", True, ""),
    ]
    assert told(scheduler, only="RUN-020/often") == [("RUN-020/often", True, "")]
    found = entry(scheduler.library, "RUN-020/nightly")
    assert (found.is_critical, entry(scheduler.library, "RUN-021/nightly").is_critical) == (True, False)
    assert found.place.startswith(str(scheduler.directory / "runbooks/RUN-020.yml:"))


def test_what_keeps_it_from_being_begun_is_said_with_its_place(scheduler):
    path = scheduler.write(schedule(), severity="P9")
    scheduler.write(schedule(zone="Europe/Berlim"), runbook="RUN-021")
    scheduler.write(schedule(), runbook="RUN-022", deprecated={"since": "2026-01-31", "reason": "Old"})
    found = told(scheduler)

    assert [(name, known) for name, known, _ in found] == [
        ("RUN-020/nightly", True),
        ("RUN-021/nightly", False),
        ("RUN-022/nightly", True),
    ]
    faults = [fault for *_, fault in found]
    assert faults[0].startswith(f"{path}:")
    assert faults[1].endswith("no time zone is called 'Europe/Berlim'")
    assert faults[2].endswith("RUN-022 is deprecated")


def test_one_that_is_not_there_names_those_that_are(scheduler):
    scheduler.write(schedule())
    with pytest.raises(InvalidInputError) as caught:
        entry(scheduler.library, "RUN-020/weekly")
    assert caught.value.hint == "there is RUN-020/nightly"


def test_what_is_approved_is_the_schedule_the_runbook_and_the_playbook(scheduler):
    scheduler.write(schedule())
    before = subject_of(scheduler.library, entry(scheduler.library, "RUN-020/nightly"))
    scheduler.write(schedule(late_ok="11m"))
    changed = subject_of(scheduler.library, entry(scheduler.library, "RUN-020/nightly"))
    (scheduler.directory / "playbooks").mkdir()
    (scheduler.directory / "playbooks" / "RUN-020.yml").write_text("- hosts: all\n")
    compiled = subject_of(scheduler.library, entry(scheduler.library, "RUN-020/nightly"))

    assert len({before, changed, compiled}) == 3


@pytest.mark.parametrize(
    ("until", "today", "sentence"),
    [
        (None, date(2026, 12, 1), "by ops: The move"),
        ("2026-12-02", date(2026, 12, 1), "by ops until 2026-12-02: The move"),
        ("2026-12-01", date(2026, 12, 1), ""),
    ],
)
def test_a_pause_in_the_file_lasts_until_its_day(until, today, sentence):
    pause = {"by": "ops", "why": "The move", **({"until": until} if until else {})}
    assert paused(Schedule.model_validate(schedule(paused=pause)), today) == sentence
    assert paused(Schedule.model_validate(schedule()), today) == ""
