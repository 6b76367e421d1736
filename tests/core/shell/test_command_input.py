"""What a command is given on its standard input is known where it is written, and only there."""

from __future__ import annotations

import pytest

from runner.core.shell.command_input import calls
from runner.core.shell.shell_reader import Shell


@pytest.mark.parametrize(
    ("code", "reads"),
    [
        ('psql <<< "SELECT $A"', ["SELECT 1"]),
        ("psql <<EOF\nSELECT $A\nEOF", ["SELECT 1\n"]),
        ("psql <<'EOF'\nSELECT $A\nEOF", ["SELECT $A\n"]),
        ("cat <<EOF | psql\n$A\nEOF", ["1\n"]),
        ('echo "$A" | sort | psql', ["1"]),
        ("(cd /; printf %s $A) | sudo psql", ["%s 1"]),
        ('echo x | psql -f <(echo "$A")', ["1", "x"]),
        ("if true; then psql <<-EOF\n\t$A\n\tEOF\nfi", ["$A\n\t"]),
        ("pg_dump $A | psql", []),
        ("psql -c $A", []),
        ("echo $A; psql", []),
    ],
)
def test_the_texts_that_a_command_reads(code, reads):
    found = {word: call for call in calls(Shell(code, values={"A": "1"})) for word in call.words}

    assert found["psql"].reads == reads


def test_what_is_behind_a_command_are_the_arguments_of_all_before_it():
    found = {call.words[0]: call.behind for call in calls(Shell("cat a | sed b | sh; cat c"))}

    assert found == {"cat": [], "sed": ["a"], "sh": ["a", "b"]}
