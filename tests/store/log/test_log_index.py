"""The index of a log saves reading, and changes neither what is read nor what is found to be wrong."""

from __future__ import annotations

import fcntl
import os
import sqlite3

import pytest

from runner.core.errors import AuditError
from runner.core.events import Event, EventType
from runner.store.log import chain
from runner.store.log.log_index import LogIndex
from runner.store.log.log_reader import read

MAKER = "test 1"


def finished(number, run):
    return Event(EventType.STEP_FINISHED, run=run, step="stop", host="db1", data={"number": number})


def numbers(path, run):
    return [record.data["number"] for record in read(path, run=run, indexed=1)]


def follows(monkeypatch):
    """The lines that are followed from now on."""
    followed, follow = [], chain.follow
    monkeypatch.setattr(chain, "follow", lambda head, line: followed.append(head.seq + 1) or follow(head, line))
    return followed


@pytest.fixture
def indexed(log):
    """A log of three runs in turn, and its index."""
    log.append(*(finished(number, f"r{number % 3}") for number in range(9)))
    assert numbers(log.path, "r0") == [0, 3, 6]
    return log


@pytest.fixture
def place(indexed):
    return indexed.path.with_name("audit-index.sqlite")


def test_the_records_of_a_run_are_found_whatever_stands_between(indexed):
    indexed.append(
        finished(9, "r0"), Event(EventType.LOG_RECOVERED, run=""), finished(10, 'r"\\odd'), finished(11, "r0")
    )

    assert numbers(indexed.path, "r0") == [0, 3, 6, 9, 11]
    assert numbers(indexed.path, "r1") == [1, 4, 7]
    assert numbers(indexed.path, 'r"\\odd') == [10]
    assert numbers(indexed.path, "r9") == []


def test_only_the_records_of_the_run_and_what_is_new_are_followed(indexed, monkeypatch):
    indexed.append(finished(9, "r1"))
    followed = follows(monkeypatch)

    assert numbers(indexed.path, "r0") == [0, 3, 6]
    assert followed == [10, 1, 4, 7]


def test_a_short_log_leaves_nothing_beside_it(log):
    log.append(finished(0, "r0"))

    with LogIndex.opened(log.path) as index:
        assert [record.run for record in index.records("r0")] == ["r0"]
    assert [path.name for path in log.path.parent.iterdir()] == ["audit.jsonl"]


def test_what_a_host_says_of_runs_makes_no_record_of_another_run(log):
    told = ',"run":"r0","data":{'
    log.append(Event(EventType.STEP_FINISHED, run="r1", host=told, data={"run": "r0", "number": 1}), finished(2, "r0"))
    log.append(Event(EventType.LOG_RECOVERED, run="", data={"run": "r0", "number": 3}))

    assert numbers(log.path, "r0") == [2]


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: [lines[0], lines[1].replace(b"db1", b"db2"), *lines[2:]],
        lambda lines: [lines[0], *lines[2:]],
        lambda lines: [lines[0], lines[0], *lines[1:]],
        lambda lines: [lines[0], lines[2], lines[1], *lines[3:]],
    ],
    ids=["edited", "removed", "repeated", "swapped"],
)
@pytest.mark.parametrize("appended", [False, True], ids=["", "then-appended"])
def test_a_record_of_another_run_that_was_changed_is_found_though_the_index_knew_it(indexed, change, appended):
    lines = indexed.path.read_bytes().splitlines(keepends=True)
    indexed.path.write_bytes(b"".join(change(lines)))
    if appended:
        head = chain.claimed_head(lines[-1])
        with indexed.path.open("ab") as file:
            file.write(chain.link(head, b'"run":"r0"')[0])

    for _ in range(2):
        with pytest.raises(AuditError, match="is broken at line 2: "):
            numbers(indexed.path, "r0")


def test_an_edit_stays_found_after_the_log_was_appended_to(indexed, open_log):
    lines = indexed.path.read_bytes().splitlines(keepends=True)
    indexed.path.write_bytes(b"".join([lines[0], lines[1].replace(b"db1", b"db2"), *lines[2:]]))

    with open_log(indexed.path.parent, checked=700) as log:
        log.append(finished(9, "r0"))

    with pytest.raises(AuditError, match="is broken at line 2: "):
        numbers(indexed.path, "r0")


def test_a_log_that_was_written_anew_is_followed_anew(indexed):
    lines = indexed.path.read_bytes().splitlines(keepends=True)
    indexed.path.write_bytes(b"".join(lines[:4]))
    assert numbers(indexed.path, "r0") == [0, 3]

    indexed.path.unlink()
    head, new = chain.START, b""
    for line in lines:
        members = line.split(b",", 1)[1].rsplit(b',"hash"', 1)[0].replace(b'"r1"', b'"r0"')
        linked, head = chain.link(head, members)
        new += linked
    indexed.path.write_bytes(new)
    assert numbers(indexed.path, "r0") == [0, 1, 3, 4, 6, 7]


def test_a_torn_line_is_no_record_and_is_none_later(indexed, open_log):
    with indexed.path.open("ab") as file:
        file.write(b'{"seq":10,')
    assert numbers(indexed.path, "r0") == [0, 3, 6]

    with open_log(indexed.path.parent) as log:
        log.append(finished(9, "r0"))
    assert numbers(indexed.path, "r0") == [0, 3, 6, 9]


@pytest.mark.parametrize(
    "damage",
    [
        lambda place: place.unlink(),
        lambda place: place.write_bytes(b""),
        lambda place: place.write_bytes(b"not a database at all" * 99),
        lambda place: place.write_bytes(place.read_bytes()[:5000]),
        lambda place: place.with_name("audit.stamp").unlink(),
        lambda place: place.with_name("audit.stamp").write_bytes(b"\xff"),
        lambda place: (place.unlink(), place.mkdir()),
        lambda place: (place.unlink(), place.symlink_to("/nowhere")),
    ],
    ids=["gone", "empty", "garbage", "cut", "no-stamp", "odd-stamp", "directory", "link"],
)
def test_an_index_that_is_gone_or_damaged_is_done_without(indexed, place, damage):
    damage(place)

    for number in (9, 10):
        assert numbers(indexed.path, "r0") == [0, 3, 6, *range(9, number)]
        indexed.append(finished(number, "r0"))


@pytest.mark.parametrize("time", range(20))
def test_every_damaged_page_of_an_index_changes_nothing(indexed, place, time):
    del time  # SQLite takes one in twenty for no damage
    whole = place.read_bytes()
    for start in range(0, len(whole), 1024):
        place.write_bytes(whole[:start] + os.urandom(1024) + whole[start + 1024 :])
        assert numbers(indexed.path, "r0") == [0, 3, 6]


def test_an_index_that_has_lost_a_table_is_made_anew(indexed, place):
    with sqlite3.connect(place) as database:
        database.execute("DROP TABLE digests")
    database.close()

    with LogIndex.opened(indexed.path, indexed=1) as index:
        found = index.digests("report")

    assert (found, place.exists()) == ({"r0": None, "r1": None, "r2": None}, False)


def test_an_index_that_says_another_place_is_not_believed(indexed, place):
    with sqlite3.connect(place) as database:
        database.execute('UPDATE extents SET start = start + 1, "end" = "end" + 1')
    database.close()

    assert numbers(indexed.path, "r0") == [0, 3, 6]


def test_while_another_command_writes_to_the_index_the_log_is_read_without_it(indexed, place):
    database = sqlite3.connect(place, isolation_level=None)
    database.execute("BEGIN EXCLUSIVE")

    assert numbers(indexed.path, "r0") == [0, 3, 6]

    database.close()
    assert place.is_file()


def test_a_writer_that_hangs_keeps_nobody_from_reading(indexed, place):
    before = place.read_bytes()
    with indexed.path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)

        assert numbers(indexed.path, "r0") == [0, 3, 6]
    assert place.read_bytes() == before


def test_a_digest_is_good_as_long_as_nothing_was_recorded_of_its_run(indexed):
    with LogIndex.opened(indexed.path, indexed=1) as index:
        index.keep(MAKER, {"r0": "zero", "r2": "two"})
    indexed.append(finished(9, "r2"), finished(10, "r9"))

    with LogIndex.opened(indexed.path, indexed=1) as index:
        assert list(index.digests(MAKER).items()) == [("r0", "zero"), ("r1", None), ("r2", None), ("r9", None)]
        assert set(index.digests("another").values()) == {None}


def test_the_type_of_the_latest_record_of_each_run_is_known(indexed):
    indexed.append(Event(EventType.RUN_FILED, run="r1", data={"type": "runbook.run.started"}))
    indexed.append(Event(EventType.GATE_ASKED, run="r9", host=',"type":"runbook.run.started"'))

    with LogIndex.opened(indexed.path, indexed=1) as index:
        assert index.latest_types() == {
            "r0": "step.finished",
            "r1": "run.filed",
            "r2": "step.finished",
            "r9": "gate.asked",
        }


def test_a_digest_outlives_the_check_that_it_was_made_after(indexed, place):
    with LogIndex.opened(indexed.path, indexed=1) as index:
        index.keep(MAKER, {"r0": "zero", "r1": "one"})
    place.with_name("audit.stamp").unlink()

    with LogIndex.opened(indexed.path, indexed=1) as index:
        assert index.digests(MAKER)["r0"] == "zero"
