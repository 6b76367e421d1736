"""What is decided is known at once, and recorded in one go or not at all."""

from __future__ import annotations

from contextlib import suppress

import pytest
from harness.scheduler import BEGIN, MINUTE, Scheduler, schedule

from runner.core.errors import InvalidInputError
from runner.core.events import EventType
from runner.services.schedules.deciding import all_entries, decided, deciding, one_entry
from runner.store.log.log_reader import read

NAME = "RUN-020/nightly"


@pytest.fixture
def scheduler(tmp_path):
    scheduler = Scheduler(tmp_path)
    scheduler.write(schedule())
    scheduler.looks()
    return scheduler


def missed(note, minutes):
    planned = (BEGIN + minutes * MINUTE).isoformat()
    note(EventType.SCHEDULE_DECIDED, schedule=NAME, planned=planned, state="missed", why="A test")


def known(scheduler):
    with decided(scheduler.env.state) as occurrences:
        return len(occurrences.since(BEGIN))


def test_all_of_it_is_recorded(scheduler):
    with deciding(scheduler.env) as (occurrences, note):
        missed(note, 1)
        missed(note, 2)
        during = len(occurrences.since(BEGIN))

    records = [each for each in read(scheduler.env.state.log_path) if each.type == EventType.SCHEDULE_DECIDED]
    assert (during, len(records), known(scheduler)) == (2, 2, 2)


def test_or_nothing_of_it(scheduler):
    with suppress(KeyError), deciding(scheduler.env) as (_, note):
        missed(note, 1)
        raise KeyError

    assert (known(scheduler), scheduler.records) == (0, [])


def test_a_schedule_that_nobody_can_read_any_more_is_known_as_it_was(scheduler):
    path, state = scheduler.directory / "runbooks" / "RUN-020.yml", scheduler.env.state
    before = one_entry(scheduler.library, state, NAME)
    path.write_text("id: RUN-020\n  title: torn\n")
    (torn,) = all_entries(scheduler.library, state)

    assert (torn.name, torn.schedule, bool(torn.fault)) == (NAME, before.schedule, True)
    with pytest.raises(InvalidInputError, match="there is no schedule"):
        one_entry(scheduler.library, state, "RUN-020/weekly")
