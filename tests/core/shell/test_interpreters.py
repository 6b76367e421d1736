"""Which words of a command are code in a language of its own."""

from __future__ import annotations

import shlex

import pytest

from runner.core.shell.interpreters import interpreter, interpreters


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


@pytest.mark.parametrize(
    ("line", "does"),
    [
        ("psql -d shop", True),
        ("mysql", True),
        ("awk", False),
        ("python3", True),
        ("python3 -u -", True),
        ("python3 /dev/stdin", True),
        ("python3 script.py", False),
        ("python3 -m json.tool", False),
        ("python3 -c 'import sys'", False),
        ("redis-cli -h db -p 6379", True),
        ("redis-cli -h db GET a", False),
        ("curl -sK - http://a", True),
        ("curl --config=/dev/stdin", True),
        ("curl -d @- http://a", False),
        ("nft -f -", True),
        ("nft -f rules", False),
        ("sftp -b - host", True),
        ("cypher-shell -u neo4j", True),
    ],
)
def test_whether_it_does_what_it_reads(line, does):
    program, *words = shlex.split(line)

    assert interpreter(program).does(words) is does


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("git rebase -x 'make test' main", ["make test"]),
        ("git cherry-pick -x main", []),
        ("git clean -x old", []),
        ("git config core.pager less", ["less"]),
        ("git config user.name Al", []),
        ("git -c core.sshcommand=ssh fetch", ["ssh"]),
        ("git filter-branch --tree-filter 'rm a'", ["rm a"]),
        ("ssh -o ProxyCommand=nc host", ["nc"]),
        ("ssh -oproxycommand=nc host", ["nc"]),
        ("ssh -o 'ProxyCommand nc a 22' host", ["nc a 22"]),
        ("ssh -o User=me host", []),
        ("scp -S prog a b:", ["prog"]),
        ("curl -K file", ["file"]),
        ("yq -o json .a file", [".a"]),
        ("yq eval -i .a=1 file", [".a=1"]),
        ("jq -r .a file", [".a"]),
        ("pssh -h hosts -l me uptime", ["uptime"]),
        ("sort --compress-program=gzip", ["gzip"]),
        ("apt-get -o APT::Update::Pre-Invoke::=x update", ["x"]),
        ("apt-get -o Acquire::Retries=3 update", []),
    ],
)
def test_the_code_of_a_program_and_its_subcommand(line, code):
    program, *words = shlex.split(line)

    assert [text for each in interpreters(program, words) for text in each.code(words)] == code
