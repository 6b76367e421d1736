"""Secrets reach a program where nobody else sees them, and what is true or false as JSON writes it."""

from __future__ import annotations

import base64
import subprocess
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import Environment

from runner.compiler.command_preview import in_words
from runner.compiler.input_delivery import EXPORT, SHELL, hide, spell
from runner.compiler.verification_tasks import task
from runner.core.identifiers import Marker
from runner.kinds.ansible_yaml import Block, Task
from runner.kinds.steps.command_step import CommandStep
from runner.kinds.steps.http_step import HttpStep
from runner.kinds.steps.shell_step import ShellStep
from runner.kinds.steps.sql_step import SqlStep

QUIET = {"vars": {"ansible_no_target_syslog": True}, "no_log": "{{ runbook_run_id is not defined }}"}
VALUES = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), max_size=40)


def made(action, **keywords):
    call = action.invocation(timedelta(seconds=30), lambda _: "")
    return task(Marker("RUN-001", "act", "action"), "Act", call, {"register": "result", **keywords})


def hidden(action, **keywords):
    return hide(made(action, **keywords), {"key"})


def filled(text, **values):
    """What Ansible makes of `text`."""
    templates = Environment(trim_blocks=True, keep_trailing_newline=True)
    templates.filters["b64encode"] = lambda value: base64.b64encode(value.encode()).decode()
    return templates.from_string(text).render(values)


@pytest.mark.parametrize(
    "action",
    [
        ShellStep(shell="echo $A", env={"A": "{{ other }}"}),
        CommandStep(command="cat {{ other }}", stdin="{{ other.key }}"),
        SqlStep(sql="SELECT %(a)s", params={"a": "{{ other }}"}),
        HttpStep(http="http://{{ other }}/"),
    ],
)
def test_what_has_no_secret_stays_as_it_is(action):
    assert hidden(action) == made(action)
    assert hide(made(action), ()) == made(action)


def test_variables_with_a_secret_come_by_standard_input_and_the_others_as_before():
    env = {"A": "{{ key }}", "B": "b", "C": "Bearer {{ vars['key'] }}"}

    act = hidden(ShellStep(shell='echo "$A"', env=env), vars={"holds": True})

    assert act.args == {
        "argv": [
            "timeout",
            "--kill-after=5s",
            "30s",
            *SHELL,
            "A",
            "C",
            "--",
            *["/bin/bash", "--norc", "-peuo", "pipefail", "-c"],
            'echo "$A"',
        ],
        "expand_argument_vars": False,
        "stdin": "{% filter b64encode %}{{ key }}{% endfilter +%}\n"
        "{% filter b64encode %}Bearer {{ vars['key'] }}{% endfilter +%}\n",
        "stdin_add_newline": False,
    }
    assert act.keywords == {
        "environment": {"B": "b"},
        "register": "result",
        "vars": {"holds": True, "ansible_no_target_syslog": True},
        "no_log": QUIET["no_log"],
    }


def test_the_commands_own_standard_input_follows():
    act = hidden(CommandStep(command="cat", env={"A": "{{ key }}"}, stdin="mine {{ key }}"))

    assert act.args["stdin"] == "{% filter b64encode %}{{ key }}{% endfilter +%}\nmine {{ key }}"
    assert act.args["stdin_add_newline"] is False
    assert "environment" not in act.keywords


@pytest.mark.parametrize(
    "action",
    [
        CommandStep(command="cat", stdin="{{ key }}"),
        HttpStep(http={"url": "http://x/", "headers": {"Authorization": "Bearer {{ key }}"}}),
    ],
)
def test_a_module_that_is_told_a_secret_says_so_nowhere(action):
    assert hidden(action) == Task(
        made(action).name, made(action).module, made(action).args, {**made(action).keywords, **QUIET}
    )


def test_blocks_are_looked_through_and_what_rescues_them():
    plain, secret = made(ShellStep(shell="true")), made(ShellStep(shell="true", env={"A": "{{ key }}"}))
    block = Block("outer", [Block("inner", [secret, plain])], rescue=[secret])

    found = hide(block, {"key"})

    assert found == Block(
        "outer", [Block("inner", [hide(secret, {"key"}), plain], rescue=[])], rescue=[hide(secret, {"key"})]
    )
    assert found != block


@given(
    st.dictionaries(st.from_regex(r"[A-Z][A-Z_]{0,8}", fullmatch=True), VALUES, min_size=1, max_size=3),
    st.binary(max_size=60),
)
@settings(max_examples=40, deadline=None)
def test_a_real_shell_gives_the_program_its_values_byte_for_byte_and_the_rest_of_its_input(values, rest):
    lines = b"".join(base64.b64encode(value.encode()) + b"\n" for value in values.values())
    program = ["sh", "-c", 'for name; do printf "%s\\0" "$(printenv "$name"; printf .)"; done; cat', "-", *values]

    # `printenv` ends what it prints with a line break of its own.
    done = subprocess.run([*SHELL, *values, "--", *program], input=lines + rest, capture_output=True, check=True)

    assert done.stdout == b"".join(value.encode() + b"\n.\0" for value in values.values()) + rest


def test_what_is_no_base64_ends_the_command_before_it_begins(tmp_path):
    words = [*SHELL, "A", "--", "touch", str(tmp_path / "made")]

    assert subprocess.run(words, input=b"!!!\n", capture_output=True, check=False).returncode == 125
    assert list(tmp_path.iterdir()) == []


@given(VALUES)
def test_a_value_is_filled_in_whole(value):
    stdin = hidden(ShellStep(shell="true", env={"A": "x {{ key }}"})).args["stdin"]

    assert filled(stdin, key=value) == base64.b64encode(f"x {value}".encode()).decode() + "\n"


@given(VALUES)
def test_psql_reads_back_what_is_bound(value):
    act = hidden(SqlStep(sql="SELECT %(a)s AS a, %(b)s AS b", params={"a": "{{ key }}", "b": 1}))

    _, line, other, rest = filled(act.args["stdin"], key=value).split("\n", 3)
    assert [word for word in act.args["argv"] if word.startswith("--set=")] == ["--set=ON_ERROR_STOP=1"]
    assert other == "\\set b '1'"
    assert rest.startswith("SET statement_timeout = 30000;\n")
    assert read_by_psql(line.removeprefix("\\set a ")) == value


def read_by_psql(text):
    """A quoted argument as psql reads it: two quotes are one, and a backslash escapes as in C."""
    assert (text[0], text[-1]) == ("'", "'")
    inner, found = iter(text[1:-1]), ""
    for letter in inner:
        if letter == "\\":
            found += {"n": "\n", "r": "\r", "\\": "\\"}[next(inner)]
        else:
            found += letter
            assert letter != "'" or next(inner) == "'"
    return found


@pytest.mark.parametrize(
    ("action", "shown"),
    [
        (ShellStep(shell="run it", env={"A": "{{ key }}", "B": "x {{ key }}"}), "A=env:KEY B='x env:KEY' run it"),
        (CommandStep(command="cat -", env={"A": "{{ key }}"}, stdin="mine"), "A=env:KEY cat -\nmine"),
        (SqlStep(sql="SELECT %(a)s AS a", params={"a": "{{ key }}"}), "SQL SELECT :'a' AS a\nwith a=env:KEY"),
    ],
)
def test_a_person_sees_where_it_comes_from(action, shown):
    act = hidden(action)
    args = {**act.args, "stdin": filled(act.args["stdin"], key="env:KEY")}

    assert in_words({"module": act.module, "args": args}) == shown


def test_a_template_that_is_not_filled_in_yet_is_shown_as_it_is():
    act = hidden(ShellStep(shell="run it", env={"A": "{{ key }}{{ later }}"}))

    shown = in_words({"module": act.module, "args": act.args})

    assert shown == "A={% filter b64encode %}{{ key }}{{ later }}{% endfilter +%} run it"


def test_the_program_is_one_that_every_shell_reads():
    subprocess.run(["sh", "-n", "-c", EXPORT], check=True)


COMMAND = "ansible.builtin.command"


def test_it_is_spelled_as_in_json_in_all_that_a_program_gets():
    args = {"argv": ["x", "--force={{ force }}", "{{ forced }}", "{{force|quote}}", "{{ force | ternary(1, 2) }}"]}
    given = Task(
        "A", COMMAND, {**args, "stdin": "{{- force -}}"}, {"environment": {"F": "{{ force }}"}, "when": "force"}
    )

    spelled = spell(Block("B", [given], rescue=[given]), {"force"})

    argv = [
        "x",
        "--force={{ force | to_json }}",
        "{{ forced }}",
        "{{force | to_json|quote}}",
        "{{ force | ternary(1, 2) }}",
    ]
    keywords = {"environment": {"F": "{{ force | to_json }}"}, "when": "force"}
    expected = Task("A", COMMAND, {"argv": argv, "stdin": "{{- force | to_json -}}"}, keywords)
    assert spelled == Block("B", [expected], rescue=[expected])


def test_a_module_takes_it_as_it_is():
    task = Task("A", "ansible.builtin.file", {"force": "{{ force }}"})

    assert spell(task, {"force"}) == task
