"""A piece of shell code, or a command line, is one thing with its commands, however it is written in a runbook."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.core.shell.shell_code import command_line, script_code, strict_code


def test_what_a_strict_bash_reads_ends_at_its_first_failure():
    code = strict_code("a | b\nc", {})
    assert (code.in_shell, code.pipefail, code.errexit) == (True, True, True)
    assert not strict_code("set +o pipefail\na | b", {}).pipefail


def test_a_command_line_is_one_program_or_the_code_that_it_hands_to_a_shell():
    assert command_line(["df", "-h"], {}).words == ("df", "-h")
    code = command_line(["sudo", "bash", "-c", "a | b"], {"A": "1"})
    assert (code.text, code.in_shell, code.pipefail, code.env) == ("a | b", True, False, {"A": "1"})
    assert not command_line(["ssh", "db1", "a | b"], {}).in_shell


@pytest.mark.parametrize(
    ("text", "pipefail"),
    [
        ("#!/bin/bash\na | b\n", True),
        ("#!/usr/bin/env bash\na\n", True),
        ("#!/bin/sh\na | b\n", False),
        ("#!/bin/sh\nset -o pipefail\na | b\n", True),
        ("#!/usr/bin/env python3\nprint(1)\n", None),
        ("a | b\n", None),
    ],
)
def test_a_script_is_shell_code_where_its_first_line_names_a_shell(text, pipefail):
    code = script_code(text, "x.sh")
    assert (code.pipefail if code else None) == pipefail
    assert code is None or code.file == "x.sh"


def test_comments_are_taken_out_and_the_rest_stands_where_it_did():
    assert strict_code("a # rm -rf /\nb", {}).without_comments() == "a           \nb"


def test_variables_that_nothing_sets():
    assert strict_code('echo "$HOME $given $missing"; set=1; echo $set', {}).unset({"given"}) == ["missing"]
    assert command_line(["echo", "$MISSING"], {}).unset({}) == ["MISSING"]
    assert command_line(["awk", "{print $NF}"], {}).unset({}) == []
    assert script_code("#!/bin/sh\necho $1 $A\n", "x.sh").unset({}) == []


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("df -h | sort -n", ["df", "sort"]),
        ("cd /srv && ln -sfn a b; /usr/bin/mv b c", ["ln", "mv"]),
        ("if systemctl is-active nginx; then journalctl -u nginx; fi", ["systemctl", "journalctl"]),
        ("PGHOST=db psql -c 'drop; rm -rf /'", ["psql"]),
        ('echo "$(hostname -f)" `date` "; reboot"', ["hostname", "date"]),
        ("sudo kubectl get pods # helm list", ["kubectl"]),
        ("tar cz dir \\\n | ssh backup cat", ["tar", "ssh", "cat"]),
        ("sudo -u postgres psql -c 'SELECT 1'", ["psql"]),
        ("timeout -k 5 60s pg_dump shop | nice -n 10 gzip", ["pg_dump", "gzip"]),
        ("sudo su - postgres -c 'dropdb shop'; ionice -c 3 env -u X A=1 nohup rsync a b &", ["dropdb", "rsync"]),
        ("find /srv -name '*.gz' -exec gunzip {} \\; | xargs -n 1 -I{} mv {} /old", ["find", "gunzip", "xargs", "mv"]),
        ("kubectl -n shop exec -it deploy/db -- psql -c 'SELECT 1'", ["kubectl", "psql"]),
        ("flock -w 5 /run/x bash -o pipefail -c 'pg_dump | gzip'", ["bash", "pg_dump", "bash", "gzip"]),
        ("f() { jq .; }; f; command -v yq; cat <<'EOF' | psql\ndf; $(du)\nEOF", ["jq", "cat", "psql"]),
        ("x=$(cat f)\nfor i in 1 2; do touch $i; done", ["cat", "touch"]),
        ("{{ tool }} --go; $TOOL; /opt/$version/bin/app; bin-${x}", ["app"]),
        ("", []),
    ],
)
def test_the_programs_of_shell_code(text, names):
    assert strict_code(text, {}).programs() == names


@given(st.text(alphabet="ab/|;&$(){}`\"'\\\n #=-", max_size=80))
def test_any_shell_code_is_looked_at(text):
    assert all(name == name.strip() and "/" not in name for name in strict_code(text, {}).programs())
