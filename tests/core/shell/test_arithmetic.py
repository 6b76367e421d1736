"""What bash computes with: it does a command that stands in an index there, which bash itself shows."""

from __future__ import annotations

import subprocess

import pytest
from harness import PATIENCE

from runner.core.shell.arithmetic import computed
from runner.core.shell.shell_reader import Shell

COMPUTES = [
    "echo $((x))",
    "(( x > 1 ))",
    "let x",
    "[[ x -eq 1 ]]",
    "declare -i n=x",
    "declare -a list; list[x]=1",
    "for ((i = x; i < 1; i++)); do :; done",
    "text=abc; echo ${text:x}",
    "[[ -v x ]]",
    "test -v x",
    "unset x",
    "printf -v x %s 1",
    "read x <<< 1",
]
NOT = ["echo x", "[ 1 = x ]", "declare -A map; map[x]=1", "[[ a == x ]]", "declare n=x"]
"""Where `x` is a text, or a name."""


def does(code, tmp_path):
    """Whether bash does the command in the index of what stands for `x`."""
    mark = tmp_path / "mark"
    subprocess.run(
        ["/bin/bash", "-c", code.replace("x", f"a[$(touch {mark})]")],
        check=False,
        capture_output=True,
        timeout=PATIENCE,
    )
    return mark.exists()


def index(code):
    """Whether the index that stands for `x` is in what is computed."""
    return any("INDEX" in text for text in computed(Shell(code.replace("x", "a[INDEX]"))))


@pytest.mark.parametrize("code", COMPUTES)
def test_what_is_computed_is_seen(code):
    assert index(code)


@pytest.mark.parametrize("code", NOT)
def test_what_is_a_text_is_not_computed(code):
    assert not index(code)


@pytest.mark.parametrize(
    "code", ["echo $((x))", "(( x > 1 ))", "let 'x'", "[[ 'x' -eq 1 ]]", "text=abc; echo ${text:x}"]
)
def test_bash_does_the_command_there(code, tmp_path):
    assert does(code, tmp_path)


def test_what_a_variable_holds_is_computed_with_it():
    assert list(computed(Shell("echo $((n + 1))", values={"n": "a[$(reboot)]"}))) == ["$((n + 1)) a[$(reboot)]"]
