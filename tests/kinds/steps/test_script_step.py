"""`script`: a file beside the runbook, compiled into the playbook."""

from __future__ import annotations

import pytest

from runner.kinds.invocation import bounded
from runner.kinds.steps.script_step import LIMIT, ScriptStep


def files(**texts):
    return lambda name: texts[name.partition(".")[0].replace("/", "_")]


@pytest.mark.parametrize(
    ("first", "argv"),
    [
        ("#!/bin/bash", ["/bin/bash", "--norc", "-peuo", "pipefail", "-c", "TEXT", "check.sh", "-v", "{{ a }}"]),
        (
            "#!/usr/bin/env bash",
            ["/bin/bash", "--norc", "-peuo", "pipefail", "-c", "TEXT", "check.sh", "-v", "{{ a }}"],
        ),
        ("#!/bin/sh", ["/bin/sh", "-eu", "-c", "TEXT", "check.sh", "-v", "{{ a }}"]),
        ("#! /bin/dash -x", ["/bin/dash", "-eu", "-c", "TEXT", "check.sh", "-v", "{{ a }}"]),
        ("#!/usr/bin/env python3", ["python3", "-c", "TEXT", "-v", "{{ a }}"]),
        ("#!/usr/bin/perl -w", ["/usr/bin/perl", "-w", "-e", "TEXT", "--", "-v", "{{ a }}"]),
        ("#!/usr/bin/ruby", ["/usr/bin/ruby", "-e", "TEXT", "--", "-v", "{{ a }}"]),
    ],
)
def test_the_interpreter_of_its_first_line_gets_the_whole_text(first, argv, minute):
    # Given a script with what Ansible would take for a template
    text = f"{first}\necho {{{{ not a template }}}} ${{#a}} {{%\n"
    step = ScriptStep.model_validate({"script": "scripts/check.sh", "args": ["-v", "{{ a }}"]})
    # When it is compiled
    call = step.invocation(minute, files(scripts_check=text))
    # Then its text is an argument that is never templated, and its arguments cannot become options of the interpreter
    assert call == bounded(
        [f"{{% raw %}}{text}{{% endraw %}}" if word == "TEXT" else word for word in argv], timeout=minute
    )
    assert step.describe() == "scripts/check.sh -v {{ a }}"


def test_without_arguments_there_are_none(minute):
    step = ScriptStep.model_validate({"script": "a.py"})
    assert step.invocation(minute, files(a="#!/usr/bin/perl\n")).args["argv"][-2:] == ["-e", "#!/usr/bin/perl\n"]


@pytest.mark.parametrize("path", ["../a.sh", "/etc/a.sh", "a/../../b.sh", "", ".."])
def test_it_lies_beside_the_runbook(path, refusals):
    assert refusals(ScriptStep, script=path) == [
        "must lie in or below the runbook's own directory, like scripts/check.sh"
    ]


@pytest.mark.parametrize(
    "text", ["", "echo a\n", "#!\n", "#!/usr/bin/awk -f\n", "#!/usr/bin/env\n", "#!/opt/bin/shell\n"]
)
def test_it_says_what_runs_it(text, minute):
    step = ScriptStep.model_validate({"script": "a.sh"})
    with pytest.raises(ValueError, match="^a.sh must begin with #! and one of bash, dash, perl, python3, ruby, sh$"):
        step.invocation(minute, files(a=text))


def test_it_fits_into_an_argument(minute):
    step = ScriptStep.model_validate({"script": "a.sh"})
    text = "#!/bin/sh\n" + "ü" * (LIMIT // 2)
    with pytest.raises(ValueError, match="a.sh is longer than 65536 bytes; install it on the host and use `command`"):
        step.invocation(minute, files(a=text))
