"""What a step would do, as a person would write it: without what the product puts around it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from runner.compiler.command_preview import in_words
from runner.kinds.invocation import STRICT
from runner.kinds.steps.command_step import CommandStep
from runner.kinds.steps.delivery.git_step import GitStep
from runner.kinds.steps.http_step import HttpStep
from runner.kinds.steps.module_step import ModuleStep
from runner.kinds.steps.shell_step import ShellStep
from runner.kinds.steps.sql_step import SqlStep


def words(action):
    call = action.invocation(timedelta(seconds=30), lambda _: "")
    return in_words({"module": call.module, "args": dict(call.args)})


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        (CommandStep(command="rm -r '/a b' {{ dir }}"), "rm -r '/a b' {{ dir }}"),
        (CommandStep(command="cat", stdin="a\nb"), "cat\na\nb"),
        (ShellStep(shell="cd /x\nls | wc -l"), "cd /x\nls | wc -l"),
        (SqlStep(sql="SELECT 1 AS one"), "SQL SELECT 1 AS one"),
        (
            SqlStep(sql="SELECT pid FROM a\nWHERE pid = ANY (%(pids)s::int[])", params={"pids": [1, 2]}),
            "SQL SELECT pid FROM a\n"
            "WHERE pid = ANY (ARRAY(SELECT jsonb_array_elements_text(:'pids'))::int[])\nwith pids=[1, 2]",
        ),
        (SqlStep(sql="DELETE FROM a"), "SQL DELETE FROM a"),
        (HttpStep(http="http://x/"), "GET http://x/"),
        (HttpStep(http={"url": "http://x/", "method": "POST", "body": {"a": 1}}), 'POST http://x/ {"a": 1}'),
        (
            ModuleStep(module={"ansible.builtin.service": {"name": "a b", "state": "started"}}),
            "ansible.builtin.service name='a b' state=started",
        ),
    ],
)
def test_each_kind_of_action_in_words(action, expected):
    assert words(action) == expected


def test_what_is_around_an_action_stands_below_it():
    command = {
        "module": "ansible.builtin.command",
        "args": {"argv": ["make", "a b"], "chdir": "/srv", "creates": "/srv/out", "expand_argument_vars": False},
        "environment": {"ROOT": "/a b", "NUMBER": 1},
        "become": {"user": "app", "method": "sudo"},
        "delegate_to": "lb1",
    }

    assert in_words(command).splitlines() == [
        "make 'a b'",
        "chdir: /srv",
        "creates: /srv/out",
        "env ROOT='/a b'",
        "env NUMBER=1",
        "as app (by sudo)",
        "on lb1",
    ]


def test_the_headers_of_a_request_are_told():
    args = {"url": "http://x/", "method": "PUT", "headers": {"X-Token": "vault:token"}, "validate_certs": False}

    assert in_words({"module": "ansible.builtin.uri", "args": args}).splitlines() == [
        "PUT http://x/",
        "header X-Token: vault:token",
        "validate_certs: false",
    ]


def test_the_arguments_of_a_script_are_told():
    argv = [*STRICT, "echo $1", "clean.sh", "/a b", "c"]

    assert in_words({"module": "ansible.builtin.command", "args": {"argv": argv}}) == "echo $1\nargs: '/a b' c"


def test_the_host_of_which_it_is_said_is_not_said_again():
    preview = {
        "module": "ansible.builtin.command",
        "args": {"argv": ["ls"]},
        "uses": {"inventory_hostname": "a", "n": 1},
    }

    assert in_words(preview).splitlines() == ["ls", "uses n=1"]


def test_a_word_without_a_value_is_an_empty_text_as_a_program_is_given_it():
    assert in_words({"module": "ansible.builtin.command", "args": {"argv": ["rm", None, "b"]}}) == "rm '' b"


def test_a_program_of_our_own_is_told_by_what_it_does_and_one_that_differs_from_it_as_it_is():
    work = {"repository": "/srv/shop", "tag": "v1", "push": "origin"}
    call = GitStep.model_validate({"git": work}).invocation(timedelta(minutes=1), str)
    *around, text, name = call.args["argv"]
    program = text.removeprefix("{% raw %}").removesuffix("{% endraw %}")

    told = [
        in_words({"module": call.module, "args": {"argv": [*around, each, name]}}).splitlines()
        for each in (program, f"{program}rm -rf /\n")
    ]

    assert told[0] == [
        "Works in the git repository REPOSITORY, and asks nobody for anything: what needs a password fails.",
        "A run finds the tag that it has made by a line in its message, so that it makes no second one, and deletes no "
        "other.",
        "Makes the tag TAG of the commit AT, and sends it alone to REMOTE where one is named. A * in TAG is the next "
        "number.",
        f"(a program of runbookctl of {len(program.splitlines())} lines)",
    ]
    assert told[1] == f"{program}rm -rf /".splitlines()


def test_whom_a_message_is_told_stands_below_it():
    told = {"module": "announce", "args": {"_raw_params": "It begins"}, "tells": ["ops (Ops) by slack channel=#ops"]}

    assert in_words(told) == "announce It begins\nto ops (Ops) by slack channel=#ops"


def test_what_is_no_text_is_shown_as_ansible_gives_it_to_a_program():
    # As measured: a template that is true, null or a list, in an argument and in the environment
    values = [True, None, 1.5, {"a": True, "b": None}, ["x"]]
    argv = ["timeout", "--kill-after=5s", "60s", "tell", *values]

    shown = in_words(
        {"module": "ansible.builtin.command", "args": {"argv": argv}, "environment": {"V": None, "W": True}}
    )

    assert (
        shown == """tell True '' 1.5 '{'"'"'a'"'"': True, '"'"'b'"'"': None}' '['"'"'x'"'"']'\nenv V=None\nenv W=True"""
    )
