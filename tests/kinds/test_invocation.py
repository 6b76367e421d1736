"""What a host is asked to do: bounded commands, psql, HTTP requests."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.core.templates import has_template
from runner.kinds.invocation import Invocation, bounded, psql, read_by_psql, uri, whole_seconds
from runner.kinds.steps.command_step import CommandStep
from runner.kinds.steps.shell_step import ShellStep

SECONDS = timedelta(seconds=1)
COMMAND = {
    "rc": "REGISTER.rc",
    "stdout": "REGISTER.stdout",
    "stderr": "REGISTER.stderr",
    "json": "REGISTER.stdout | from_json | to_json(allow_nan=false) | from_json",
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


PSQL = [
    *("timeout", "--kill-after=5s", "30s", "{{ runbook_psql | default('psql') }}", "--no-psqlrc", "--quiet"),
    *("--tuples-only", "--no-align", "--no-password", "--set=ON_ERROR_STOP=1"),
]


QUOTED = r"""{% filter replace('\\', '\\\\') | replace('\n', '\\n') | replace('\r', '\\r') | replace("'", "''") %}"""
END = "{% endfilter %}"


def test_a_statement_goes_through_psql_and_the_server_knows_the_limit_too():
    assert psql("SELECT %(a)s AS a", {"a": "{{ x }}"}, timeout=30 * SECONDS) == Invocation(
        "ansible.builtin.command",
        {
            "argv": PSQL,
            "expand_argument_vars": False,
            "stdin": f"\\encoding UTF8\n\\set a '{QUOTED}{{{{ x }}}}{END}'\nSET statement_timeout = 30000;\n"
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
        ("", "it's a \\ \r\n'", r"it''s a \\ \r\n''"),
        ("", "{{ a }}-{{ b }}", f"{QUOTED}{{{{ a }}}}-{{{{ b }}}}{END}"),
        ("", "\n{{ a }}", f"{QUOTED.replace(' %}', ' +%}')}\n{{{{ a }}}}{END}"),
        ("", 5, "5"),
        ("", 0.5, "0.5"),
        ("", True, "true"),
        ("::int[]", [1, 2], "[1, 2]"),
        ("::text[]", ["a", "b c"], '["a", "b c"]'),
        ("::int[]", "{{ pids }}", f"{QUOTED}{{{{ pids | to_json }}}}{END}"),
        ("::int[]", " {{ found.pids }} ", f"{QUOTED}{{{{ found.pids | to_json }}}}{END}"),
        ("::int[]", "{{ a if b else c }}", f"{QUOTED}{{{{ (a if b else c) | to_json }}}}{END}"),
    ],
)
def test_a_value_is_bound_as_a_variable_of_psql(cast, value, word):
    call = psql(f"SELECT %(v)s{cast}", {"v": value}, timeout=SECONDS)

    assert call.args["stdin"].split("\nSET ")[0] == f"\\encoding UTF8\n\\set v '{word}'"
    assert "v=" not in "".join(call.args["argv"])


@given(st.text(st.characters(exclude_characters="\0")))
def test_what_is_quoted_for_psql_is_read_back(value):
    quoted = psql("SELECT %(v)s", {"v": value}, timeout=SECONDS).args["stdin"].split("\\set v '")[1].split("'\nSET ")[0]

    assert has_template(value) or read_by_psql(quoted) == value


NAMES = {
    "status": "REGISTER.status | default(-1)",
    "json": "REGISTER.json | to_json(allow_nan=false) | from_json",
    "content": "REGISTER.content | default('')",
}


def test_a_request_keeps_every_answer_for_the_conditions():
    assert uri({"url": "http://a/", "method": "GET"}, timeout=1.2 * SECONDS) == Invocation(
        "ansible.builtin.uri",
        {"url": "http://a/", "method": "GET", "return_content": True, "follow_redirects": "none", "timeout": 2},
        names=NAMES,
        answered="REGISTER.status | default(-1) >= 100",
        silent="status",
        task_timeout=6.2 * SECONDS,  # an answer may come byte by byte
    )


def test_a_request_may_name_the_answers_it_takes():
    assert uri({"url": "http://a/"}, timeout=SECONDS, accept=(200, 404)).args["status_code"] == [200, 404]


@pytest.mark.parametrize(("time", "whole"), [(0.1, 1), (1, 1), (1.01, 2), (60, 60)])
def test_whole_seconds_are_never_too_few(time, whole):
    assert whole_seconds(time * SECONDS) == whole


MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("call", "names"),
    [
        (CommandStep(command=("df", "-h")).invocation(MINUTE, str), ["df"]),
        (CommandStep(command=("sudo", "-u", "postgres", "psql")).invocation(MINUTE, str), ["psql"]),
        (CommandStep(command=("timeout", "60s", "pg_dump")).invocation(MINUTE, str), ["pg_dump"]),
        (CommandStep(command=("{{ tool | default('jq') }}",)).invocation(MINUTE, str), ["jq"]),
        (CommandStep(command=("/usr/bin/df",)).invocation(MINUTE, str), ["df"]),
        (CommandStep(command=("bash", "-c", "df | sort")).invocation(MINUTE, str), ["bash", "df", "sort"]),
        (ShellStep(shell="df | sort").invocation(MINUTE, str), ["df", "sort"]),
        (psql("SELECT 1", {}, timeout=MINUTE), ["psql"]),
        (uri({"url": "http://127.0.0.1/"}, timeout=MINUTE), ["ansible.builtin.uri"]),
        (CommandStep(command=("{{ tool }}",)).invocation(MINUTE, str), []),
        (Invocation("ansible.builtin.service", {"name": "nginx"}), ["ansible.builtin.service"]),
    ],
)
def test_the_programs_of_a_call(call, names):
    assert call.programs() == names
