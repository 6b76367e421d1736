"""A record says who, where, when and what, in CloudEvents and ECS words, and always fits in a line."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta, timezone
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.core.errors import AuditError
from runner.core.events import Event, EventType, Instant
from runner.store.log import chain, envelope
from runner.store.log.envelope import Actor, Record

RUN = "20260101T000000Z-0123abcd"
NOW = Instant(datetime(2026, 1, 1, 9, 30, 0, 250, tzinfo=timezone(timedelta(hours=2))), 12.3456789, "boot-1")
ACTOR = Actor(user="alice", host="controller", pid=4711, tool_version="0.1.0")
TEXT = st.text(max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
EVENTS = st.builds(
    Event,
    type=st.sampled_from(EventType),
    run=TEXT,
    step=st.none() | TEXT,
    host=st.none() | TEXT,
    data=st.dictionaries(TEXT, JSON, max_size=4),
)


def written(event, *, actor=ACTOR):
    return chain.link(chain.START, envelope.compose(event, seq=1, instant=NOW, actor=actor))


def test_a_record_is_a_cloudevent_with_ecs_data():
    line, head = written(Event(EventType.STEP_FINISHED, RUN, "stop", "db1", {"outcome": "passed"}))

    assert json.loads(line) == {
        "seq": 1,
        "specversion": "1.0",
        "id": f"{RUN}/1",
        "source": "runbookctl://controller",
        "type": "runbook.step.finished",
        "time": "2026-01-01T07:30:00.000250Z",
        "subject": f"{RUN}/stop@db1",
        "run": RUN,
        "step": "stop",
        "monotonic": "12.345679",
        "boot": "boot-1",
        "data": {
            "user": {"name": "alice"},
            "process": {"pid": 4711},
            "agent": {"type": "runbookctl", "version": "0.1.0"},
            "host": {"name": "db1"},
            "runbook": {"outcome": "passed"},
        },
        "hash": head.hash,
    }


@pytest.mark.parametrize(
    ("event", "subject"),
    [
        (Event(EventType.RUN_STARTED, RUN), RUN),
        (Event(EventType.STEP_FINISHED, RUN, step="stop"), f"{RUN}/stop"),
        (Event(EventType.STEP_FINISHED, RUN, host="db1"), f"{RUN}@db1"),
        (Event(EventType.LOG_RECOVERED, run=""), "log"),
    ],
)
def test_the_subject_names_what_the_event_concerns(event, subject):
    assert json.loads(written(event)[0])["subject"] == subject


@given(EVENTS, st.text(max_size=20))
def test_every_event_comes_back_as_it_was(event, host):
    actor = Actor(user="alice", host=host, pid=1, tool_version="0.1.0")
    line, head = written(event, actor=actor)

    assert envelope.parse(line) == Record(
        seq=1,
        time=NOW.wall.astimezone(UTC),
        monotonic=12.345679,
        boot="boot-1",
        type=event.type,
        run=event.run,
        step=event.step,
        host=event.host,
        data=event.data,
        actor=actor,
        truncated=False,
        hash=head.hash,
    )


@given(EVENTS)
def test_a_line_is_printable_ascii_and_names_its_run(event):
    line, _ = written(event)

    assert line.isascii()
    assert b"\x1b" not in line
    assert event.run == "" or envelope.run_member(event.run) in line


def test_what_a_host_says_cannot_pass_for_who_or_where():
    line, _ = written(Event(EventType.VALUES_CAPTURED, RUN, host="db1", data={"user": {"name": "root"}, "host": "db2"}))

    record = envelope.parse(line)
    assert (record.actor.user, record.host, record.data["user"]) == ("alice", "db1", {"name": "root"})


def test_mappings_and_tuples_are_json():
    line, _ = written(Event(EventType.RUN_STARTED, RUN, data=MappingProxyType({"a": MappingProxyType({"b": (1, 2)})})))

    assert envelope.parse(line).data == {"a": {"b": [1, 2]}}


def test_bytes_that_were_no_utf8_survive():
    line, _ = written(Event(EventType.ACTION_FINISHED, RUN, data={"output": "caf\udce9"}))

    assert envelope.parse(line).data == {"output": "caf\udce9"}


def test_the_longest_string_is_cut_and_leaves_its_length_and_hash():
    text = "é" * 100_000
    line, _ = written(
        Event(EventType.ACTION_FINISHED, RUN, "stop", "db1", {"rc": 0, "output": {"out": text, "err": "e"}})
    )

    record = envelope.parse(line)
    digest = hashlib.sha256(text.encode()).hexdigest()
    cut = text[:8192] + f"[cut: 100000 characters, SHA-256 {digest}]"
    assert (record.data, record.truncated) == ({"rc": 0, "output": {"out": cut, "err": "e"}}, True)
    assert json.loads(line)["truncated"] is True


def test_members_too_large_for_any_cut_string_are_cut_as_a_whole():
    numbers = list(range(30_000))
    line, _ = written(Event(EventType.VALUES_CAPTURED, RUN, data={"outcome": "passed", "pids": numbers}))

    text = json.dumps(numbers, separators=(",", ":"))
    digest = hashlib.sha256(text.encode()).hexdigest()
    assert envelope.parse(line).data == {
        "outcome": "passed",
        "pids": f"[cut: {len(text)} characters, SHA-256 {digest}]",
    }


def test_what_is_nested_too_deeply_for_a_reader_is_cut():
    deep = []
    for _ in range(200):
        deep = [deep]
    line, _ = written(Event(EventType.VALUES_CAPTURED, RUN, data={"outcome": "passed", "deep": deep}))

    record = envelope.parse(line)
    assert (record.data["outcome"], record.truncated) == ("passed", True)
    assert b"[" * 62 + b'"[cut: 278 characters' in line


def test_data_of_nothing_but_names_is_cut_to_its_length_and_hash():
    data = {f"name-{number}": number for number in range(30_000)}
    line, _ = written(Event(EventType.VALUES_CAPTURED, RUN, data=data))

    assert list(envelope.parse(line).data) == ["cut"]


@given(
    st.dictionaries(st.text(min_size=1, max_size=3), JSON | st.builds("é".__mul__, st.integers(0, 200_000)), max_size=9)
)
def test_a_record_always_fits_and_is_marked_when_it_was_cut(data):
    line, _ = written(Event(EventType.ACTION_FINISHED, RUN, data=data))

    assert len(line) <= chain.MAX_LINE
    record = envelope.parse(line)
    assert record.truncated == (record.data != data)


@pytest.mark.parametrize(
    "value",
    [float("nan"), object(), b"bytes", {("a", "b"): 1}],
    ids=["nan", "object", "bytes", "tuple-as-name"],
)
def test_what_is_not_json_is_refused(value):
    with pytest.raises(AuditError, match=r"run\.started cannot be recorded: its data is not JSON"):
        written(Event(EventType.RUN_STARTED, RUN, data={"value": value}))


def test_what_is_nested_without_end_is_refused():
    endless = []
    endless.append(endless)

    with pytest.raises(AuditError, match="not JSON"):
        written(Event(EventType.RUN_STARTED, RUN, data={"value": endless}))


def test_names_longer_than_a_line_are_refused():
    with pytest.raises(AuditError, match="its names alone exceed"):
        written(Event(EventType.RUN_STARTED, RUN, host="h" * chain.MAX_LINE))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"{oops\n", "this is not JSON"),
        (b"\xff\n", "not a record of this log"),
        (b"[]\n", "not a record of this log"),
        (b'{"seq":1}\n', "not a record of this log"),
        (b'{"data":{"runbook":{}},"source":1}\n', "not a record of this log"),
        (b"[" * 100_000, "not a record of this log"),
    ],
)
def test_what_is_no_record_is_not_read(line, words):
    with pytest.raises(ValueError, match=words):
        envelope.parse(line)
