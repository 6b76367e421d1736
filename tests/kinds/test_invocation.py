"""What a host is asked to do: bounded commands, psql, HTTP requests, and the templates and literals in them."""

from __future__ import annotations

from datetime import timedelta

import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.kinds.invocation import (
    Invocation,
    bounded,
    check_template,
    expressions,
    literal,
    only_expression,
    pieces,
    psql,
    split,
    uri,
    verbatim,
    whole_seconds,
)

SECONDS = timedelta(seconds=1)
COMMAND = {
    "rc": "REGISTER.rc",
    "stdout": "REGISTER.stdout",
    "stderr": "REGISTER.stderr",
    "json": "REGISTER.stdout | from_json",
}
STDOUT_CUT = "REGISTER.output.stdout.truncated | default(false)"


def test_a_command_is_bounded_on_the_host():
    assert bounded(["ls", "-l"], timeout=1.5 * SECONDS) == Invocation(
        "ansible.builtin.command",
        {"argv": ["timeout", "--kill-after=5s", "1.5s", "ls", "-l"], "expand_argument_vars": False},
        names=COMMAND,
        answered="REGISTER.rc | default(-1) == 0",
        cuts={"stdout": STDOUT_CUT, "stderr": STDOUT_CUT.replace("stdout", "stderr"), "json": STDOUT_CUT},
    )


def test_what_reads_a_part_of_the_output_is_not_true_when_that_part_was_cut():
    call = bounded(["ls"], timeout=SECONDS)
    out, err = (f"result.output.{stream}.truncated | default(false)" for stream in ("stdout", "stderr"))
    assert call.cut({"json", "stdout", "other"}, "result") == [out]
    assert call.cut({"*"}, "result") == [out, err]
    assert call.cut({"rc", "changed"}, "result") == []


def test_options_that_are_not_given_are_not_there():
    call = bounded(["cat"], timeout=SECONDS, stdin="", chdir=None, environment={})
    assert (call.args["stdin"], "chdir" in call.args, call.environment) == ("", False, None)


def test_a_result_is_spoken_of_by_the_name_it_is_registered_under():
    call = Invocation("m", {}, names={"row": "rows | first", "rc": "REGISTER.rc"})
    assert call.bound("probe") == {"row": "{{ rows | first }}", "rc": "{{ probe.rc }}"}


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("ls -l /", ["ls", "-l", "/"]),
        ("grep 'a b' \"c d\" e\\ f", ["grep", "a b", "c d", "e f"]),
        ("cat {{ root }}/{{ name | default('a b') }}.txt", ["cat", "{{ root }}/{{ name | default('a b') }}.txt"]),
        ("echo '{{ x }}'y", ["echo", "{{ x }}y"]),
        (
            """docker ps --format '{{ "{{" }}.Names{{ "}}" }}'""",
            ["docker", "ps", "--format", '{{ "{{" }}.Names{{ "}}" }}'],
        ),
        ("", []),
    ],
)
def test_a_command_line_is_split_as_a_shell_would_and_templates_stay_whole(command, words):
    assert split(command) == words


@pytest.mark.parametrize(
    ("text", "found", "only"),
    [
        ("{{ a }}", ["a"], "a"),
        (" {{- a | b -}} ", ["a | b"], "a | b"),
        ("{{ a }}{{ b }}", ["a", "b"], None),
        ("x {{ '}}' }}{% if c %}{{ d }}{% endif %}", ["'}}'", "d"], None),
        ("{{ '{{' }}", ["'{{'"], "'{{'"),
        ("{% if a %}b{% endif %}", [], None),
        ("{# {{ a }} #}{% raw %}{{ b }}{% endraw %}", [], None),
        ("plain", [], None),
        ("", [], None),
    ],
)
def test_the_expressions_in_a_text(text, found, only):
    assert (expressions(text), only_expression(text)) == (found, only)


@given(
    st.lists(
        st.sampled_from(
            ["{{ a }}", "{% set a = 1 %}", "{# b #}", "{% raw %}{{{% endraw %}", "text", " ", "\n", "}}", "%"]
        )
    )
)
def test_the_pieces_of_a_text_are_all_of_it(parts):
    assert "".join(piece for _, piece in pieces("".join(parts))) == "".join(parts)


def test_a_quotation_has_an_end():
    with pytest.raises(ValueError, match="^a quotation is not closed$"):
        split("echo 'a")


@pytest.mark.parametrize("text", ["", "plain", "{{ a }}", "${a}", "{% if a %}b{% endif %}", "{ a } % #", "{{ '{#' }}"])
def test_templates(text):
    assert check_template(text) == text


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{{ a", "is not a template: unexpected end of template, expected 'end of print statement' (line 1)"),
        ("a\n{% if %}", "is not a template: Expected an expression, got 'end of statement block' (line 2)"),
        (
            "echo ${#a}",
            "is not a template: Missing end of comment tag (line 1); {# begins a template's comment, "
            "so write ${{ '{' }}#name} for ${#name}",
        ),
    ],
)
def test_what_is_no_template_is_told_so(text, sentence):
    with pytest.raises(ValueError, match=".") as caught:
        check_template(text)
    assert str(caught.value) == sentence


def test_what_the_hint_says_is_what_bash_wants():
    assert jinja2.Template("${{ '{' }}#name}").render() == "${#name}"


MARKS = st.lists(
    st.sampled_from(["{", "}", "%", "#", "{{", "}}", "a", "\n", " ", "'", "{% x %}", "{# y"]), max_size=12
).map("".join)


@given(MARKS)
def test_what_is_verbatim_is_left_alone(text):
    assert jinja2.Template(verbatim(text), trim_blocks=True, keep_trailing_newline=True).render() == text


@pytest.mark.parametrize("text", ["{% endraw %}", "a {%- endraw -%}", "{%endraw"])
def test_what_ends_the_verbatim_is_refused(text):
    with pytest.raises(ValueError, match="^holds {% endraw %}, which ends what Ansible leaves alone$"):
        verbatim(text)


@given(
    st.text()
    | st.integers(-(10**15), 10**15)
    | st.booleans()
    | st.none()
    | st.floats(allow_nan=False, allow_infinity=False)
)
def test_a_literal_means_what_it_is_made_of_and_is_no_template(value):
    expression = literal(value)
    assert jinja2.Environment().compile_expression(expression, undefined_to_none=False)() == value
    assert not any(mark in expression for mark in ("{{", "}}", "{%", "{#"))


PSQL = [
    *("timeout", "--kill-after=5s", "30s", "{{ runbook_psql | default('psql') }}", "--no-psqlrc", "--quiet"),
    *("--tuples-only", "--no-align", "--no-password", "--set=ON_ERROR_STOP=1"),
]


def test_a_statement_goes_through_psql_and_the_server_knows_the_limit_too():
    assert psql("SELECT %(a)s AS a", {"a": "{{ x }}"}, timeout=30 * SECONDS) == Invocation(
        "ansible.builtin.command",
        {
            "argv": [*PSQL, "--set=a={{ x }}"],
            "expand_argument_vars": False,
            "stdin": "\\encoding UTF8\nSET statement_timeout = 30000;\n"
            "WITH answer AS (\n  SELECT :'a' AS a\n)\nSELECT coalesce(json_agg(answer), '[]') FROM answer;\n",
        },
        names={"rows": "REGISTER.stdout | default('[]', true) | from_json", "row": "rows | first | default({})"},
        answered="REGISTER.rc | default(-1) == 0",
        environment="{{ runbook_sql | default({}) }}",
        cuts={"rows": STDOUT_CUT, "row": STDOUT_CUT},
    )


@pytest.mark.parametrize(
    ("cast", "value", "word"),
    [
        ("", "text", "text"),
        ("", "{{ a }}-{{ b }}", "{{ a }}-{{ b }}"),
        ("", 5, "5"),
        ("", 0.5, "0.5"),
        ("", True, "true"),
        ("::int[]", [1, 2], "[1, 2]"),
        ("::text[]", ["a", "b c"], '["a", "b c"]'),
        ("::int[]", "{{ pids }}", "{{ pids | to_json }}"),
        ("::int[]", " {{ found.pids }} ", "{{ found.pids | to_json }}"),
        ("::int[]", "{{ a if b else c }}", "{{ (a if b else c) | to_json }}"),
    ],
)
def test_a_value_is_bound_as_a_variable_of_psql(cast, value, word):
    assert psql(f"SELECT %(v)s{cast}", {"v": value}, timeout=SECONDS).args["argv"][-1] == f"--set=v={word}"


NAMES = {
    "status": "REGISTER.status | default(-1)",
    "json": "REGISTER.json",
    "content": "REGISTER.content | default('')",
}


def test_a_request_keeps_every_answer_for_the_conditions():
    assert uri({"url": "http://a/", "method": "GET"}, timeout=1.2 * SECONDS) == Invocation(
        "ansible.builtin.uri",
        {"url": "http://a/", "method": "GET", "return_content": True, "follow_redirects": "none", "timeout": 2},
        names=NAMES,
        answered="REGISTER.status | default(-1) >= 100",
    )


def test_a_request_may_name_the_answers_it_takes():
    assert uri({"url": "http://a/"}, timeout=SECONDS, accept=(200, 404)).args["status_code"] == [200, 404]


@pytest.mark.parametrize(("time", "whole"), [(0.1, 1), (1, 1), (1.01, 2), (60, 60)])
def test_whole_seconds_are_never_too_few(time, whole):
    assert whole_seconds(time * SECONDS) == whole
