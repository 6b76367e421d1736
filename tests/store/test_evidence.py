"""What a host answered is kept whole in a file, and its hash in the record."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.core.errors import AuditError
from runner.core.events import Event, EventType
from runner.store.evidence import Evidence

RUN = "20260101T000000Z-0123abcd"


def event(result, part="action", host="one"):
    return Event(EventType.ACTION_FINISHED, RUN, "act", host, {"part": part, "outcome": "passed", "result": result})


def test_the_result_goes_into_a_file_and_its_hash_into_the_event(tmp_path):
    result = {"rc": 0, "stdout": "x" * 5000, "cmd": ["ls"], "start": "now"}
    kept = Evidence(tmp_path).keep(event(result))
    path = tmp_path / "evidence" / "00001-act-one-action.json"
    assert json.loads(path.read_bytes()) == result
    assert kept == Event(
        EventType.ACTION_FINISHED,
        RUN,
        "act",
        "one",
        {
            "part": "action",
            "outcome": "passed",
            "result": {"rc": 0, "stdout": f"{'x' * 1000} [... see the evidence]"},
            "evidence": {
                "file": "evidence/00001-act-one-action.json",
                "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            },
        },
    )


def test_files_are_numbered_as_the_results_came(tmp_path):
    evidence = Evidence(tmp_path)
    for part in ("action", "verify/1"):
        evidence.keep(event({"rc": 0}, part))
    Evidence(tmp_path).keep(event({"rc": 0}, "undo"))  # once the run is resumed
    assert sorted(path.name for path in (tmp_path / "evidence").iterdir()) == [
        "00001-act-one-action.json",
        "00002-act-one-verify_1.json",
        "00003-act-one-undo.json",
    ]


@pytest.mark.parametrize("data", [{}, {"result": None}, {"result": "text"}, {"part": "action"}])
def test_an_event_without_a_result_stays_as_it_is(tmp_path, data):
    given_ = Event(EventType.GATE_ANSWERED, RUN, "act", None, data)
    assert Evidence(tmp_path).keep(given_) is given_
    assert not (tmp_path / "evidence").exists()


@pytest.mark.parametrize("host", ["../../etc/passwd", "a b\n", "x" * 253, "ü", ""])
def test_a_hosts_name_is_no_path(tmp_path, host):
    Evidence(tmp_path).keep(event({"rc": 0}, host=host))
    (path,) = (tmp_path / "evidence").iterdir()
    assert path.name.isascii()
    assert path.name.isprintable()


@pytest.mark.parametrize(
    ("result", "brief"),
    [
        ({"rc": 1, "msg": "bad", "stderr": "no", "secret": "x"}, {"rc": 1, "msg": "bad", "stderr": "no"}),
        ({"status": 200, "content": "ok", "samples": 3}, {"status": 200, "samples": 3, "content": "ok"}),
        ({"stdout": 5, "content": ["a"], "stderr": None}, {"stdout": "5", "content": "['a']"}),
        ({"results": ["Installed: x"], "rc": 0}, {"rc": 0}),
        ({}, {}),
    ],
)
def test_an_excerpt_is_what_people_want_to_see_at_once(tmp_path, result, brief):
    assert Evidence(tmp_path).keep(event(result)).data["result"] == brief


JSON = st.recursive(
    st.none() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=15,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
@given(st.dictionaries(st.sampled_from(["stdout", "stderr", "content", "results", "msg", "x"]), JSON))
def test_whatever_a_host_answered_is_kept(tmp_path, result):
    kept = Evidence(tmp_path).keep(event(result))
    path = tmp_path / kept.data["evidence"]["file"]
    assert json.loads(path.read_bytes()) == result


def test_what_can_not_be_kept_must_not_go_on(small_disk):
    with pytest.raises(AuditError, match="evidence cannot be kept: No space left on device"):
        Evidence(small_disk).keep(event({"stdout": "x" * 1_000_000}))
