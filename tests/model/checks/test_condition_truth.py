"""What always or never holds is told, and nothing that can go either way is taken for it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import nodes

from runner.model.checks.condition_truth import always, met_by_default, met_by_nothing, met_by_zero

ALWAYS = [
    "true",
    "rc >= 0",
    "rc == 0 or rc != 0",
    "0 <= rc <= 255",
    "status is defined",
    "rows | length >= 0",
    "row.count >= 0",
    "row.may or not row.may",
    "row.x > 1 or row.x <= 1",
    "stdout == '' or stdout != ''",
    "stdout | int >= 0 or true",
    "json.a == json.a",
    "not (rc == 1 and rc == 2)",
    "row is mapping and stdout is not none",
    "stdout is search('.*') and stdout is match('a*')",
    "stdout | regex_search('ready') != ''",
    "(stdout | regex_search('ready')) is defined",
    "stdout | lower != 'Failed'",
    "stdout | trim != ' up'",
]
NEVER = [
    "false",
    "status == 42",
    "rc < 0",
    "rc == 256",
    "rc == 3 and rc in [0]",
    "row.x > 30 and row.x < 10",
    "row.lag_count < 0",
    "rows | length == 0 and rows | length > 0",
    "json.a != json.a",
    "stdout == 'up' and stdout == 'down'",
    "stdout is number",
]
EITHER = [
    "rc == 4",
    "rc in [0, 1]",
    "0 < rc < 3",
    "status == 201",
    "status in [200, 201]",
    "status >= 100",
    "status > 0",
    "stdout",
    "stdout == 'PONG'",
    "'ok' in stdout",
    "'ok' not in stdout",
    "rows",
    "rows == []",
    "rows | length > 0",
    "row.x > 30 and row.x < 31",
    "row.size >= 0.9 * row.used",
    "json.ready == true",
    "json.x is none",
    "json.error_rate_5m <= error_rate_limit",
    "result is not failed",
    "result.elapsed >= 1",
    "stdout | trim == version",
    "word in words",
    "rows | map(attribute='pid') | list == pids",
    "not an expression (",
    "stdout is search('^$')",
    "stdout is not search('error')",
    "stdout | regex_search('ready') == 'ready'",
    "(stdout | regex_search('ready')) is not none",
    "stdout | lower == 'ready'",
    "stdout | upper != 'FAILED'",
    "row.x is defined",
    "row.x is string",
    "status is string",
]


@pytest.mark.parametrize(
    ("condition", "said"),
    [*((each, "always") for each in ALWAYS), *((each, "never") for each in NEVER), *((each, "") for each in EITHER)],
)
def test_what_can_be_told_of_a_condition(condition, said):
    told = [word for word, holds in (("always", True), ("never", False)) if always(condition, holds=holds)]
    assert told == ([said] if said else [])


@given(
    st.lists(
        st.tuples(st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), st.integers(-5, 5)), min_size=1, max_size=3
    ),
    st.lists(st.sampled_from(["and", "or"]), min_size=2, max_size=2),
    st.integers(-20, 20),
)
def test_a_condition_that_is_told_to_be_certain_is_so_for_every_number(comparisons, words, half):
    parts = [f"row.x {op} {number}" for op, number in comparisons]
    condition = parts[0] + "".join(f" {word} {part}" for word, part in zip(words, parts[1:], strict=False))
    value = eval(condition.replace("row.x", f"({half} / 2)"))
    assert not (always(condition, holds=True) and not value)
    assert not (always(condition, holds=False) and value)


@pytest.mark.parametrize(
    ("condition", "converted"),
    [
        ("stdout | int < 5", ["stdout"]),
        ("json.lag | float <= 0", ["json"]),
        ("used > 90 or stdout | int == 0", ["stdout"]),
        ("stdout | int > 0", []),
        ("stdout | int(99) < 5", []),
        ("rows | length | int < 5", []),
        ("(used * 100 // size) | int < 5", []),
        ("stdout | from_json < 5", []),
        ("stdout | trim | int >= 2 and stdout | trim | int <= 8", []),
        ("is no condition", []),
    ],
)
def test_by_which_conversions_a_condition_is_met_where_there_is_no_number(condition, converted):
    assert [name.name for each in met_by_zero(condition) for name in each.find_all(nodes.Name)] == converted


@pytest.mark.parametrize(
    ("condition", "met"),
    [
        ("row.used | default(0) < 90", 1),
        ("json.ok | default(true)", 1),
        ("(stdout | from_json).errors | d(1) > 0", 1),
        ("json.errors | default([]) | length == 0", 0),
        ("not (json.spec.unschedulable | default(false))", 0),
        ("row.a | default(0) < 9 and row.b | default(99) < 9", 1),
        ("row.used | default(100) < 90", 0),
        ("row.used | default(limit) < 90", 0),
        ("used | default(0) < 90", 0),
        ("row.used < 90", 0),
        ("is no condition", 0),
    ],
)
def test_whether_a_default_is_good(condition, met):
    assert len([*met_by_default(condition, {"row", "json", "stdout"})]) == met


@pytest.mark.parametrize(
    ("condition", "met"),
    [
        ("row.left_over == 0", True),
        ("rows | length < 5", True),
        ("'error' not in stdout", True),
        ("stdout == ''", True),
        ("status != 500", True),
        ("row.left_over == 0 and row.orders >= 1000", False),
        ("row.orders > 0 or row.left_over == 0", True),
        ("stdout == 'well'", False),
        ("'well' in stdout", False),
        ("rc == 0", False),
        ("status == 200", False),
        ("row.well", False),
        ("row.before == row.after", False),
        ("is no condition", False),
    ],
)
def test_whether_a_condition_is_met_where_there_is_nothing(condition, met):
    assert met_by_nothing(condition) is met
