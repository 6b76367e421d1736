"""What a host answers is told without Ansible's own words, and bounded."""

from __future__ import annotations

import datetime as dt
import json
import sys
from pathlib import Path

import pytest
from harness import EXAMPLES
from hypothesis import given, settings
from hypothesis import strategies as st

import runner

sys.path.append(str(Path(runner.__file__).parent / "executor" / "ansible" / "plugins" / "callback_support"))

import runbook_results as results


def test_what_is_ansibles_own_business_is_left_out():
    answer = {
        "rc": 0,
        "_ansible_no_log": False,
        "invocation": {"module_args": {"password": "secret"}},
        "stdout": "a\nb",
        "stdout_lines": ["a", "b"],
        "stderr_lines": [],
        "diff": {"before": "x"},
    }

    assert results.public(answer) == {"rc": 0, "stdout": "a\nb"}


def test_of_a_loop_the_last_sample_is_told_and_how_many_there_were():
    samples = [{"rc": 1, "_ansible_item_label": 0}, {"rc": 2, "_ansible_item_label": 1, "invocation": {}}]

    assert results.public({"results": samples, "msg": "done"}) == {"results": [{"rc": 2}], "samples": 2, "msg": "done"}


def test_a_long_text_keeps_its_head_and_tail():
    half = results.LONGEST // 2

    told = results.public({"stdout": "a" * half + "b" * 1000 + "c" * half, "deep": [{"text": "x" * 1_000_000}]})

    assert told["stdout"] == f"{'a' * half}\n[... 1000 characters left out ...]\n{'c' * half}"
    assert len(told["deep"][0]["text"]) < results.LONGEST + 64


@pytest.mark.parametrize("key", ["content", "msg", "stdout"])
def test_an_answer_that_is_too_large_as_a_whole_says_that_it_is_cut(key):
    told = results.public({"rc": 0, "changed": True, key: ["x" * 1000] * 5000})

    assert {**told, key: None} == {"rc": 0, "changed": True, "truncated": True, key: None}
    assert len(json.dumps(told)) < results.WHOLE


def test_what_json_has_no_number_for_is_told_as_text_and_what_is_captured_is_left_to_be_refused():
    infinite = float("inf")

    told = results.public({"json": [{"a": infinite, "b": 1.5}], "ansible_facts": {"a": infinite}})

    assert told == {"json": [{"a": "inf", "b": 1.5}], "ansible_facts": {"a": infinite}}


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.binary()
    | st.sampled_from(["😀" * 200_000, "x" * 300_000]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text() | st.integers(), inner, max_size=4),
    max_leaves=12,
)
KEYS = st.sampled_from(["rc", "msg", "stdout", "stderr", "results", "ansible_facts", "_ansible_x"]) | st.text()


@settings(max_examples=EXAMPLES // 2, deadline=None)
@given(st.dictionaries(KEYS, VALUES, max_size=6))
def test_whatever_a_host_answers_it_is_one_line_that_the_socket_takes(answer):
    line = json.dumps(results.public(answer), default=str)

    assert len(line.splitlines()) == 1
    assert len(line) < 8 * 1024 * 1024


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ({"rows": [{"n": 1, "at": None}], "share": 0.5, "on": True}, ""),
        (dt.date(2026, 1, 1), "a date"),
        ([{"at": dt.datetime(2026, 1, 1, 10, tzinfo=dt.UTC)}], "a date"),
        ({"rows": {1: "one"}}, "a mapping with the key 1, which is no text"),
        ([b"bytes"], "of the type bytes"),
    ],
)
def test_what_json_would_make_something_else_of_is_told(value, what):
    told = results.public({"ansible_facts": {"kept": value, "other": "text"}})

    assert told.get("altered", {}) == ({"kept": what} if what else {})
