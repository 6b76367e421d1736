"""The audit log keeps what it acknowledged, in order, for every writer, and finds what was changed."""

from __future__ import annotations

import io
import os
import stat
import subprocess
import sys
import threading

import pytest
from harness import PATIENCE
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.core.errors import AuditError
from runner.core.events import Event, EventType
from runner.store.log import chain
from runner.store.log.chain import Head
from runner.store.log.envelope import Actor
from runner.store.log.log_reader import Verified, read, verify

BATCHES = st.lists(
    st.lists(
        st.builds(
            Event,
            type=st.sampled_from(EventType).filter(lambda kind: kind != EventType.LOG_RECOVERED),
            run=st.sampled_from(["r1", "r2"]),
            step=st.none() | st.just("stop"),
            host=st.none() | st.text(max_size=5),
            data=st.dictionaries(st.text(max_size=5), st.text(max_size=30) | st.integers(), max_size=3),
        ),
        max_size=3,
    ),
    max_size=5,
)


def finished(number, *, run="r1"):
    return Event(EventType.STEP_FINISHED, run=run, step="stop", host="db1", data={"number": number})


def numbers(path, **kwargs):
    return [record.data["number"] for record in read(path, **kwargs)]


def events_in(path):
    return [Event(EventType(r.type), run=r.run, step=r.step, host=r.host, data=r.data) for r in read(path)]


@pytest.fixture
def five(log):
    """The lines of a log of five records."""
    log.append(*map(finished, range(5)))
    return log.path.read_bytes().splitlines(keepends=True)


def test_a_new_log_is_private_to_its_owner_with_every_directory_made_for_it(open_log, tmp_path):
    with open_log(tmp_path / "state" / "audit") as log:
        log.append(finished(1))

    modes = [stat.S_IMODE(place.stat().st_mode) for place in (log.path.parent.parent, log.path.parent, log.path)]
    assert modes == [0o700, 0o700, 0o600]
    assert log.path == tmp_path / "state" / "audit" / "audit.jsonl"


def test_an_empty_log_stands_at_the_start_of_the_chain(log):
    assert log.head == chain.START
    assert verify(log.path) == Verified(records=0, runs=0, recoveries=0, head=chain.START)


@settings(max_examples=40, deadline=None)
@given(BATCHES)
def test_any_sequence_of_events_is_read_as_it_was_appended_and_verifies(new_log, batches):
    with new_log() as log:
        appended = [record for batch in batches for record in log.append(*batch)]

    events = [event for batch in batches for event in batch]
    assert events_in(log.path) == events
    assert appended == list(read(log.path))
    runs = {event.run for event in events}
    assert verify(log.path) == Verified(len(events), len(runs), recoveries=0, head=log.head)


def test_append_returns_the_records_as_they_are_read_and_the_head_is_after_the_last_of_them(log):
    log.append(finished(0))

    appended = log.append(finished(1), finished("x" * 2_000_000))

    _, *records = read(log.path)
    assert list(appended) == records
    assert log.head == Head(3, records[-1].hash)


def test_a_record_says_who_ran_the_command(log):
    log.append(finished(1))

    assert [record.actor for record in read(log.path)] == [Actor("alice", "controller.example", 4711, "0.1.0")]


def test_several_events_share_one_fsync(log, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", synced.append)

    log.append(finished(1), finished(2), finished(3))

    assert len(synced) == 1


def test_events_are_recorded_all_or_none(log):
    with pytest.raises(AuditError, match="not JSON"):
        log.append(finished(1), Event(EventType.STEP_FINISHED, run="r1", data={"value": object()}))

    assert log.path.read_bytes() == b""
    assert log.append(finished(2))[-1].seq == 1


def test_a_log_goes_on_where_it_ended(open_log, tmp_path):
    for number in range(3):
        with open_log(tmp_path / "audit") as log:
            assert log.append(finished(number))[-1].seq == number + 1

    assert numbers(log.path) == [0, 1, 2]
    assert verify(log.path).head == log.head


def test_writers_take_turns(open_log, tmp_path):
    with open_log(tmp_path / "audit") as first, open_log(tmp_path / "audit") as second:
        heads = [
            log.append(finished(number))[-1].seq for number, log in enumerate([first, second, second, first, second])
        ]

    assert heads == [1, 2, 3, 4, 5]
    assert numbers(first.path) == [0, 1, 2, 3, 4]
    assert verify(first.path).records == 5


def test_threads_take_turns(log):
    def work(first):
        for number in range(first, first + 25):
            log.append(finished(number))

    threads = [threading.Thread(target=work, args=(first,)) for first in (0, 25, 50, 75)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(numbers(log.path)) == list(range(100))
    assert verify(log.path).records == 100


def test_forks_of_one_process_take_turns(tmp_path):
    program = f"""if True:
        import os
        from datetime import UTC, datetime
        from pathlib import Path
        from runner.core.events import Event, EventType, Instant
        from runner.store.log.audit_log import AuditLog
        from runner.store.log.envelope import Actor
        clock = lambda: Instant(datetime.now(UTC), 0.0, "boot-1")
        log = AuditLog.open(Path({str(tmp_path / "audit")!r}), clock=clock, actor=Actor("alice", "controller", 1, "1"))
        child = os.fork()
        for number in range(50):
            log.append(Event(EventType.STEP_FINISHED, run="parent" if child else "child", data={{"number": number}}))
        assert not child or os.waitpid(child, 0)[1] == 0
    """
    subprocess.run([sys.executable, "-c", program], check=True, timeout=PATIENCE)

    path = tmp_path / "audit" / "audit.jsonl"
    assert numbers(path, run="parent") == numbers(path, run="child") == list(range(50))
    assert verify(path).records == 100


def test_a_closed_log_takes_nothing(log):
    log.close()
    log.close()

    with pytest.raises(AuditError, match="is closed"):
        log.append(finished(1))


def test_opening_reads_the_end_of_the_log_only(open_log, log, monkeypatch):
    for _ in range(20):
        log.append(*(Event(EventType.STEP_FINISHED, run="r1", data={"text": "x" * 50_000}) for _ in range(5)))
    seen, pread = [], os.pread
    monkeypatch.setattr(os, "pread", lambda *args: seen.append(args[1]) or pread(*args))

    with open_log(log.path.parent, checked=4 * chain.MAX_LINE) as reopened:
        assert reopened.head == log.head

    assert log.path.stat().st_size > 5_000_000
    assert sum(seen) < 10 * chain.MAX_LINE


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 60_000), max_size=6))
def test_the_end_of_a_log_is_found_whatever_the_lengths_of_its_lines(open_log, new_log, lengths):
    with new_log() as log:
        log.append(*(Event(EventType.STEP_FINISHED, run="r1", data={"text": "x" * length}) for length in lengths))

    with open_log(log.path.parent) as reopened:
        assert reopened.head == log.head
        assert reopened.append(finished(1))[-1].seq == len(lengths) + 1
    verify(log.path)


def test_a_log_that_does_not_end_in_a_record_is_not_opened(five, log, open_log):
    for end in (b"hello\n", five[2], b"hello\nhello\n"):
        log.path.write_bytes(b"".join([*five, end]))

        with pytest.raises(AuditError, match="broken at line 6: ") as caught:
            open_log(log.path.parent)
        assert "--state-dir" in caught.value.hint


@pytest.mark.parametrize("look", [lambda path, _: list(read(path)), lambda path, open_log: open_log(path.parent)])
def test_a_record_that_was_edited_in_the_middle_is_found_by_reading_and_by_opening(look, five, log, open_log):
    log.path.write_bytes(b"".join([five[0], five[1].replace(b"r1", b"r2"), *five[2:]]))

    with pytest.raises(AuditError, match="broken at line 2: the hash of record 2 does not fit"):
        look(log.path, open_log)


def test_a_long_log_is_opened_by_its_latest_part_in_which_an_edit_is_found(open_log, log):
    log.append(*(Event(EventType.STEP_FINISHED, run="r1", data={"number": number}) for number in range(30)))
    lines = log.path.read_bytes().splitlines(keepends=True)

    log.path.write_bytes(b"".join([lines[0].replace(b"alice", b"mallo"), *lines[1:]]))
    with open_log(log.path.parent, checked=1500) as reopened:
        assert reopened.head == log.head
    log.path.write_bytes(b"".join([*lines[:28], lines[28].replace(b"alice", b"mallo"), lines[29]]))
    with pytest.raises(AuditError, match="broken at line 29: "):
        open_log(log.path.parent, checked=1500)


def test_what_others_appended_is_checked_before_the_next_append(five, log):
    with log.path.open("ab") as file:
        file.write(five[3])

    with pytest.raises(AuditError, match="broken at line 6: record 4 stands where 6 belongs"):
        log.append(finished(6))
    assert io.BytesIO(log.path.read_bytes()).readlines() == [*five, five[3]]
