"""Which words begin the program that is meant, behind whatever only starts it."""

from __future__ import annotations

import shlex

import pytest

from runner.core.shell.command_wrappers import Started, sets_pipefail, started


def meant(line):
    """The program that is meant with its words, or the shell code, and through what it is started."""
    words = shlex.split(line)
    found = started(words)
    return found.code or shlex.join(words[found.at :]), found.through


@pytest.mark.parametrize(
    ("line", "program", "through"),
    [
        ("rm -r /x", "rm -r /x", ()),
        ("A=1 B=2 rm x", "rm x", ()),
        ("sudo -u postgres -E psql -c x", "psql -c x", ()),
        ("sudo -- rm x", "rm x", ()),
        ("timeout -k 5 10 rm x", "rm x", ()),
        ("env -u HOME A=1 nice -n 5 rm x", "rm x", ()),
        ("/usr/bin/nohup setsid rm x", "rm x", ()),
        ("xargs -n 1 rm -f", "rm -f", ("xargs",)),
        ("ssh -p 22 host rm -r /x", "rm -r /x", ("ssh",)),
        ("bash -c 'rm x'", "rm x", ("bash",)),
        ("su - postgres -c 'rm x'", "rm x", ()),
        ("flock /lock -c 'rm x'", "rm x", ()),
        ("docker exec -u root box rm x", "rm x", ("docker",)),
        ("docker ps", "docker ps", ()),
        ("kubectl -n shop exec pod -- rm x", "rm x", ("kubectl",)),
        ("command -v rm", "command -v rm", ()),
        ("bash script.sh", "bash script.sh", ()),
        ("sudo -iu postgres pg_dump shop", "pg_dump shop", ()),
        ("docker exec -itu root box rm x", "rm x", ("docker",)),
        ("strace -fo out pg_dump shop", "pg_dump shop", ()),
        ("trap 'rm -r /x' EXIT TERM", "rm -r /x", ()),
        ("trap -- 'rm -r /x' EXIT", "rm -r /x", ()),
        ("trap - EXIT", "trap - EXIT", ()),
        ("trap '' INT", "trap '' INT", ()),
        ("trap EXIT", "trap EXIT", ()),
    ],
)
def test_what_is_meant(line, program, through):
    assert meant(line) == (program, through)


def test_nothing_is_started_by_nothing():
    assert started([]) == Started(0)
    assert started(["A=1"]) == Started(1)


@pytest.mark.parametrize(
    ("words", "strict"),
    [
        (["bash", "-c", "a | b"], False),
        (["bash", "-euo", "pipefail", "-c", "a | b"], True),
        (["bash", "-c", "set -o pipefail; a | b"], True),
    ],
)
def test_whether_a_pipe_fails_when_one_of_its_commands_does(words, strict):
    assert started(words).strict is strict


@pytest.mark.parametrize(
    ("code", "says"),
    [("set -euo pipefail", True), ("set -e -o pipefail", True), ("set -e", False), ("pipefail", False)],
)
def test_code_that_says_it_itself(code, says):
    assert sets_pipefail(code) is says
