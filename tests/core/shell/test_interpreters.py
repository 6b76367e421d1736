"""Which words of a command are code in a language of its own."""

from __future__ import annotations

import shlex

import pytest

from runner.core.shell.interpreters import interpreter


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("awk -F : '{print $1}' file", ["{print $1}"]),
        ("awk -f program file", []),
        ("sed -e s/a/b/ -e s/c/d/ file", ["s/a/b/", "s/c/d/"]),
        ("sed -n s/a/b/p file", ["s/a/b/p"]),
        ("psql -XAtqc 'SELECT 1'", ["SELECT 1"]),
        ("psql --command='SELECT 1'", ["SELECT 1"]),
        ("mysql -e 'SELECT 1'", ["SELECT 1"]),
        ("sqlite3 -separator , db 'SELECT 1'", ["SELECT 1"]),
        ("/usr/bin/python3.11 -c 'print(1)'", ["print(1)"]),
        ("perl -ne 'print'", ["print"]),
        ("node --eval '1'", ["1"]),
        ("python3 script.py", []),
    ],
)
def test_the_code_in_the_words_of_a_command(line, code):
    program, *words = shlex.split(line)

    assert list(interpreter(program).code(words)) == code


@pytest.mark.parametrize("program", ["cat", "pythonic", "systemctl", ""])
def test_a_program_that_takes_no_code(program):
    assert interpreter(program) is None


@pytest.mark.parametrize(("program", "reads"), [("psql", True), ("mysql", True), ("awk", False), ("python3", False)])
def test_whether_it_does_what_it_reads(program, reads):
    assert interpreter(program).reads is reads
