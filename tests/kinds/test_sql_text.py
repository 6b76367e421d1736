"""One SQL statement: what is refused in it, what is bound, and how psql is asked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.kinds.sql_text import check_statement, for_psql, parameters


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 1",
        "SELECT 1;",
        "SELECT 1 ; ;  -- done; really\n",
        "-- first; second\nSELECT 1 /* third; */",
        "SELECT ';', E'\\';', $$;$$, $tag$;$$;$tag$, \"a;b\", 'it''s; fine'",
        "SELECT ':name', ':''x''', '\\!'",
        "SELECT a::int, b [1 : 2] FROM t",
        "SELECT a$b$c FROM t",
        "SELECT 100 * a %% 3, a % 3, 'like 5%' FROM t",
        "/* a * b / c */ SELECT 1",
    ],
)
def test_one_statement_may_hold_whatever_sql_quotes(statement):
    check_statement(statement, {})


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("SELECT '{{ x }}'", "a value is never pasted into SQL; write %(name)s and give it under params"),
        ("SELECT {% if x %}1{% endif %}", "a value is never pasted into SQL; write %(name)s and give it under params"),
        ("", "is empty"),
        (" ; -- nothing\n", "is empty"),
        ("SELECT 1; SELECT 2", "holds several statements; write one step for each, so that each is verified"),
        ("SELECT ';'; DROP TABLE t", "holds several statements; write one step for each, so that each is verified"),
        ("SELECT 'open", "a quotation or a comment is not closed, or there is a comment inside a comment"),
        ('SELECT "open', "a quotation or a comment is not closed, or there is a comment inside a comment"),
        ("SELECT $$open", "a quotation or a comment is not closed, or there is a comment inside a comment"),
        ("SELECT 1 /* a", "a quotation or a comment is not closed, or there is a comment inside a comment"),
        ("SELECT 1 /* a /* b */ */", "a quotation or a comment is not closed, or there is a comment inside a comment"),
        ("\\! rm -rf /", "psql reads \\ outside of quotes as a command of its own; a step is SQL only"),
        ("SELECT 1 \\gexec", "psql reads \\ outside of quotes as a command of its own; a step is SQL only"),
        ("SELECT a[1:n]", "psql reads :n... as its own variable; bind %(name)s, or put a space after the colon"),
        ("SELECT :'x'", "psql reads :'... as its own variable; bind %(name)s, or put a space after the colon"),
        ("SELECT :{?x}", "psql reads :{... as its own variable; bind %(name)s, or put a space after the colon"),
        ("SHOW all", "SHOW gives no rows to judge; write SELECT current_setting('name') AS value"),
    ],
)
def test_what_psql_would_not_do_as_one_statement_is_refused(statement, sentence):
    with pytest.raises(ValueError, match=".") as caught:
        check_statement(statement, {})
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("statement", "params", "sentence"),
    [
        ("SELECT %(a)s", {}, "%(a)s has no value; give it under params"),
        ("SELECT 1", {"a": 1}, "the parameter 'a' is not used; write %(a)s in the statement"),
        ("SELECT '%(a)s'", {"a": 1}, "the parameter 'a' is not used; write %(a)s without quotes around it"),
        ("SELECT 1 -- %(a)s", {"a": 1}, "the parameter 'a' is not used; write %(a)s in the statement"),
        ("SELECT %(a)s", {"a": [1]}, "the parameter 'a' is a list; say of what, like %(a)s::int[]"),
    ],
)
def test_what_is_bound_and_what_is_given_must_be_the_same(statement, params, sentence):
    with pytest.raises(ValueError, match=".") as caught:
        check_statement(statement, params)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("SELECT %(a)s, %(b_1)s::text, '%(c)s', \"%(d)s\", $$%(e)s$$ -- %(f)s", {"a": False, "b_1": False}),
        (
            "SELECT %(a)s::int[], %(b)s :: double precision[], %(c)s::numeric(10, 2)[]",
            {"a": True, "b": True, "c": True},
        ),
        ("SELECT %(a)s::INT8[], %(b)s::pg_catalog.text[], %(a)s", {"a": True, "b": True}),
        ("SELECT %(a)s::text, b[1] FROM t", {"a": False}),
    ],
)
def test_parameters_outside_of_quotes_and_whether_they_are_lists(statement, found):
    assert parameters(statement) == found


def rows(*body, name="answer", head="WITH "):
    inner = "\n".join(f"  {line}" for line in body)
    return f"{head}{name} AS (\n{inner}\n)\nSELECT coalesce(json_agg({name}), '[]') FROM {name};\n"


@pytest.mark.parametrize(
    ("statement", "asked"),
    [
        ("SELECT 1 AS a;", rows("SELECT 1 AS a")),
        ("\n-- why\nSELECT 1 -- because\n; -- end", rows("-- why", "SELECT 1 -- because")),
        ("VALUES (1)", rows("VALUES (1)")),
        ("TABLE t", rows("TABLE t")),
        ("(SELECT 1) UNION (SELECT 2)", rows("(SELECT 1) UNION (SELECT 2)")),
        ("SELECT\n  a,\n\tb\nFROM t", rows("SELECT", "  a,", "    b", "FROM t")),
        ("SELECT a AS answer FROM t", rows("SELECT a AS answer FROM t", name="answer_")),
        ("UPDATE t SET a = 1 RETURNING a", rows("UPDATE t SET a = 1 RETURNING a")),
        ("insert into t values (1) returning id", rows("insert into t values (1) returning id")),
        (
            "WITH old AS (DELETE FROM t RETURNING *)\nSELECT count(*) FROM old",
            rows("SELECT count(*) FROM old", head="WITH old AS (DELETE FROM t RETURNING *)\n, "),
        ),
        (
            "WITH update AS (SELECT 1 AS a), b(x) AS MATERIALIZED (SELECT 2) -- two\nTABLE update",
            rows("TABLE update", head="WITH update AS (SELECT 1 AS a), b(x) AS MATERIALIZED (SELECT 2) -- two\n, "),
        ),
        ("WITH a AS (SELECT 1) (SELECT * FROM a)", rows("WITH a AS (SELECT 1) (SELECT * FROM a)")),
        ("UPDATE t SET a = 1", "UPDATE t SET a = 1\n;\n"),
        ("WITH a AS (SELECT 1) INSERT INTO t TABLE a", "WITH a AS (SELECT 1) INSERT INTO t TABLE a\n;\n"),
        ("UPDATE t SET a = (SELECT 1) -- returning", "UPDATE t SET a = (SELECT 1) -- returning\n;\n"),
        ("SELECT 1 INTO t", "SELECT 1 INTO t\n;\n"),
        ("EXPLAIN UPDATE t SET a = 1 RETURNING a", "EXPLAIN UPDATE t SET a = 1 RETURNING a\n;\n"),
        ("VACUUM t;", "VACUUM t\n;\n"),
        ("DO $$ BEGIN PERFORM 1; END $$;", "DO $$ BEGIN PERFORM 1; END $$\n;\n"),
    ],
)
def test_what_gives_rows_is_asked_for_them_as_json(statement, asked):
    assert for_psql(statement) == asked


@pytest.mark.parametrize(
    ("statement", "asked"),
    [
        ("SELECT %(a)s AS a", rows("SELECT :'a' AS a")),
        ("DELETE FROM t WHERE a = %(a)s", "DELETE FROM t WHERE a = :'a'\n;\n"),
        (
            "DELETE FROM t WHERE a = ANY (%(a)s::int[])",
            "DELETE FROM t WHERE a = ANY (ARRAY(SELECT jsonb_array_elements_text(:'a'))::int[])\n;\n",
        ),
        ("SELECT '%(a)s', %(a)s", rows("SELECT '%(a)s', :'a'")),
    ],
)
def test_parameters_become_variables_that_psql_quotes(statement, asked):
    assert for_psql(statement) == asked


def test_a_quotation_of_several_lines_stays_as_it_is():
    assert (
        for_psql("SELECT 'a\n  b\n\tc' AS x")
        == "WITH answer AS (\n  SELECT 'a\n  b\n\tc' AS x\n)\n" + rows().partition(")\n")[2]
    )


LONG = "SELECT " + ", ".join(f"column_{number} AS short_{number}" for number in range(40)) + " FROM t"


def test_a_long_line_is_broken_at_spaces_outside_of_quotes():
    asked = for_psql(f"{LONG} WHERE a = '{'word ' * 50}' -- {'word ' * 50}")
    outside = [line for line in asked.splitlines() if "word" not in line]
    assert max(map(len, outside)) <= 112
    assert f"'{'word ' * 50}'" in asked
    assert f"-- {'word ' * 50}\n" in asked


PIECES = st.sampled_from(
    [
        "a",
        "'b c'",
        "E'\\' ;'",
        '"d ;"',
        "$x$ ; ' $x$",
        "-- ; '\n",
        "/* ; ' */",
        " ",
        "\n",
        "(",
        ")",
        "%(p)s",
        "::int",
        "1",
    ]
)


@given(st.lists(PIECES, max_size=30))
def test_nothing_but_spaces_is_ever_changed(pieces):
    # Given a statement of quotations, comments and parameters in any order
    statement = "SELECT " + " ".join(pieces)
    # When it is written for psql
    asked = for_psql(statement)
    # Then what is left without spaces is what was there, with the parameter bound
    assert "".join(statement.replace("%(p)s", ":'p'").split()) in "".join(asked.split())
    assert all(piece in asked for piece in pieces if piece.startswith(("'", "E'", '"', "$")))
