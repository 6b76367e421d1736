"""A value that is obeyed though it was quoted is found, and one that is not is left alone."""

from __future__ import annotations

import os
import shutil
import subprocess

import jinja2
import pytest
from ansible.plugins.filter.core import quote
from harness.texts import WORDS
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.core.shell.rereading import given_as_code, read_as_code
from runner.model.checks.secret_checks import SensitiveNames, faults

ENVIRONMENT = {"WORD": "{{ word }}"}
TEMPLATES = jinja2.Environment(autoescape=False)
TEMPLATES.filters["quote"] = quote
INDEX = "a[$(touch obeyed)]"
COMMAND = "touch obeyed"
OBEYED = {
    "eval {{ word | quote }}": COMMAND,
    'eval "true $WORD"': f"; {COMMAND}",
    "value={{ word | quote }}; eval $value": COMMAND,
    "bash -c {{ word | quote }}": COMMAND,
    "env A=1 sh -ec {{ word | quote }}": COMMAND,
    'bash -c "true $WORD"': f"; {COMMAND}",
    "timeout 9 bash -c {{ ('true ' ~ word) | quote }}": f"; {COMMAND}",
    "bash -c 'eval \"$WORD\"'": COMMAND,
    "echo | xargs sh -c {{ word | quote }}": COMMAND,
    "find . -maxdepth 0 -exec sh -c {{ word | quote }} \\;": COMMAND,
    "unshare --version >&2; nice -n 1 setsid -w sh -c {{ word | quote }}": COMMAND,
    "trap {{ word | quote }} EXIT": COMMAND,
    "echo {{ word | quote }} | sh": COMMAND,
    "bash <<<{{ word | quote }}": COMMAND,
    'eval "$(printf "%s" "$WORD")"': COMMAND,
    'bash -c "$(echo "$WORD")"': COMMAND,
    "$WORD": COMMAND,
    'env "$WORD"': "./planted",
    '>a.awk; PATH="$WORD:$PATH" planted': ".",
    'echo >b; BASH_ENV="$WORD" bash b': "./planted",
    "bash <<EOF\n$WORD\nEOF": COMMAND,
    "cat <<EOF | bash\n$WORD\nEOF": COMMAND,
    'source <(printf "%s" "$WORD")': COMMAND,
    'bash <(echo "$WORD")': COMMAND,
    'echo "$WORD" | sqlite3 :memory:': f".shell {COMMAND}",
    'perl <<<"$WORD"': "open my $file, '>', 'obeyed'",
    'echo "$WORD" | xargs -I NAME sh -c "true; NAME"': COMMAND,
    'ssh -o ProxyCommand="$WORD" 127.0.0.1 2>&-; sleep 0.1': COMMAND,
    "git init -q . && git -c user.name=a -c user.email=a@b commit -q --allow-empty -m a"
    ' && git -c user.name=a -c user.email=a@b rebase -q --root -x "$WORD"': COMMAND,
    'CODE="$WORD" bash -c \'eval "$CODE"\'': COMMAND,
    "source {{ word | quote }}": "./planted",
    ". {{ word | quote }}": "./planted",
    "awk {{ word | quote }}": 'BEGIN { system("touch obeyed") }',
    "echo | sed -e p -e {{ word | quote }}": f"1e {COMMAND}",
    "echo | sed -n {{ word | quote }}": f"1e {COMMAND}",
    "env -S {{ word | quote }}": COMMAND,
    "script -qec {{ word | quote }} /dev/null": COMMAND,
    "make -f- {{ ('X=' ~ word) | quote }} <<<'all:; @: $(X)'": "$(shell touch obeyed)",
    "git -c alias.x={{ ('!' ~ word) | quote }} x": COMMAND,
    ">file; tar -c file | tar -x --to-command={{ word | quote }}": COMMAND,
    "perl -e {{ word | quote }}": "open my $file, '>', 'obeyed'",
    "sqlite3 :memory: {{ word | quote }}": f".shell {COMMAND}",
    "echo ${a[{{ word | quote }}]}": INDEX,
    "echo ${WORD:{{ word | quote }}}": INDEX,
    "[[ {{ word | quote }} -gt 1 ]]": INDEX,
    '[[ x == x && 1 -le "$WORD" ]]': INDEX,
    "test -v {{ word | quote }}": INDEX,
    "[ -v {{ word | quote }} ]": INDEX,
    "let n={{ word | quote }}": INDEX,
    "(( {{ word | quote }} > 1 ))": INDEX,
    "if (( WORD > 1 )); then echo; fi": INDEX,
    "count={{ word | quote }}; echo $(( count + 1 ))": INDEX,
    "declare -i n={{ word | quote }}": INDEX,
    "read {{ word | quote }} <<<1": INDEX,
    "printf -v {{ word | quote }} x": INDEX,
    "a=(1 2); unset {{ word | quote }}": INDEX,
    "echo ${!WORD}": INDEX,
    "for ((i = 0; i < {{ word | quote }}; i++)); do break; done": INDEX,
    'f() { eval "$1"; }; f {{ word | quote }}': COMMAND,
    'f() { local code=$2; bash -c "$code"; }; f 1 "$WORD"': COMMAND,
    'function f { shift; "$@"; }; f 1 sh -c {{ word | quote }}': COMMAND,
    'g() { eval "$*"; }; f() { timeout 9 true; g "$@"; }; f {{ word | quote }}': COMMAND,
    'f() { (( $1 > 0 )); }; f "$WORD"': INDEX,
}
SAFE = (
    "eval printf %s {{ word | quote | quote }}",
    "bash -c {{ ('printf %s ' ~ (word | quote)) | quote }}",
    "bash -c 'printf %s \"$1\"' _ {{ word | quote }}",
    "bash -c 'printf %s \"$WORD\"'",
    "trap 'printf %s \"$WORD\"' EXIT",
    'value={{ word | quote }}; bash -c \'printf %s "$1"\' _ "$value"',
    'awk \'BEGIN { printf "%s", ENVIRON["WORD"] }\'',
    "perl -e 'print $ARGV[0]' -- {{ word | quote }}",
    "[ {{ word | quote }} -gt 1 ] 2>&- || printf %s {{ word | quote }}",
    'declare -A a; a["$WORD"]=1; printf %s "${!a[@]}"',
    'if [[ $WORD == "" || 1 -gt 0 ]]; then printf %s "$WORD"; fi',
    'cat <(printf "%s" "$WORD")',
    'f() { printf %s "$1"; }; f {{ word | quote }}',
    'f() { local n=$1; shift; if (( n > 0 )); then "$@"; fi; }; f 3 printf %s "$WORD"',
    'f() { bash -c \'printf %s "$1"\' _ "$1"; }; f "$WORD"',
    'n=$(wc -c <<<"$WORD"); if (( n > 0 )); then printf %s "$WORD"; fi',
)


def done(code, value, directory):
    """What bash, which is given `code` as Ansible would fill it in, prints."""
    filled = TEMPLATES.from_string(code).render(word=value)
    environment = {"PATH": os.environ["PATH"], "WORD": value, "LC_ALL": "C.UTF-8"}
    call = subprocess.run(["bash", "-c", filled], cwd=directory, env=environment, capture_output=True, check=False)
    return call.stdout


@pytest.mark.parametrize(("code", "value"), OBEYED.items())
def test_what_is_obeyed_though_it_is_quoted_is_refused_and_a_number_is_not(tmp_path, code, value):
    others = {"sqlite3", "perl", "awk", "script", "make", "git", "tar", "ssh"}
    if missing := others & {*code.split()} - {name for name in code.split() if shutil.which(name)}:
        pytest.skip(f"{missing} is not here")
    (tmp_path / "planted").write_text(f"#!/bin/sh\n{COMMAND}\n")
    (tmp_path / "planted").chmod(0o755)
    done(code, value, tmp_path)
    step = {"shell": code, "env": ENVIRONMENT}

    found = [[fault[1] for fault in faults((), step, SensitiveNames({}, names))] for names in (["word"], ["other"])]

    assert (tmp_path / "obeyed").exists()
    assert found == [["captured-in-shell"], []]


@pytest.mark.parametrize("code", SAFE)
@settings(max_examples=10, deadline=None)
@given(value=st.sampled_from([*WORDS, INDEX, "; touch obeyed", "$(touch obeyed)"]).filter(lambda word: word.strip()))
def test_what_is_left_alone_arrives_as_it_is(tmp_path_factory, code, value):
    assert list(read_as_code(code, ENVIRONMENT)) == []
    assert done(code, value, tmp_path_factory.getbasetemp()) == value.encode()


@pytest.mark.parametrize(
    ("words", "stdin", "expected"),
    [
        (["ssh", "db1", "rm", "{{ word }}"], "", [("ssh", "shell", 1)]),
        (["ssh", "db1", "rm", "{{ word | quote }}"], "", []),
        (["timeout", "9", "ssh", "db1", "bash", "-c", "{{ word | quote }}"], "", [("bash", "shell", 2)]),
        (["nsenter", "-t", "1", "bash", "-c", "{{ word | quote }}"], "", [("", "name", 1)]),
        (["nsenter", "-t", "1", "bash", "-c", "{{ word }}"], "", [("bash", "shell", 1)]),
        (["psql", "-Atc", "SELECT {{ word }}"], "", [("psql", "program", 1)]),
        (["psql", "-d", "shop"], "SELECT {{ word }}", [("psql", "program", 1)]),
        (["mysql", "-e{{ word }}"], "", [("mysql", "program", 1)]),
        (["sudo", "python3.12", "-c", "{{ word }}"], "", [("python3.12", "program", 1)]),
        (["bash", "-s"], "rm {{ word }}", [("bash", "shell", 1)]),
        (["bash", "-s"], "rm {{ word | quote }}", []),
        (["cat"], "rm {{ word }}", []),
        (["echo", "bash", "{{ word }}"], "", []),
        ([], "", []),
        (["script", "-qec", "echo {{ word }}", "/dev/null"], "", [("script", "shell", 1)]),
        (["env", "-S", "sh -c 'echo {{ word }}'"], "", [("env", "shell", 1), ("sh", "shell", 2)]),
        (["su", "-", "root", "--command=echo {{ word }}"], "", [("su", "shell", 1)]),
        (["su", "-cecho {{ word }}", "root"], "", [("su", "shell", 1)]),
        (["tmux", "-S", "s", "new-session", "-d", "echo {{ word }}"], "", [("tmux", "program", 1)]),
        (["tmux", "-S", "s", "new-session", "-d", "sh", "-c", "{{ word }}"], "", [("sh", "shell", 1)]),
        (["screen", "-X", "stuff", "{{ word }}"], "", [("screen", "program", 1)]),
        (["parallel", "-j", "2", "echo {{ word }} {}", ":::", "a"], "", [("parallel", "shell", 1)]),
        (["nsenter", "-t", "1", "psql", "-c", "SELECT {{ word }}"], "", [("psql", "program", 1)]),
        (["socat", "TCP-LISTEN:1", "EXEC:cat {{ word }}"], "", [("socat", "program", 1)]),
        (["tar", "-xf", "a.tar", "--to-command=echo {{ word }}"], "", [("tar", "program", 1)]),
        (["at", "now"], "echo {{ word }}", [("at", "shell", 1)]),
        (["crontab", "-"], "* * * * * echo {{ word }}", [("crontab", "shell", 1)]),
        (["ansible", "all", "-m", "shell", "-a", "{{ word }}"], "", [("ansible", "program", 1)]),
        (["vim", "-c", "{{ word }}"], "", [("vim", "program", 1)]),
        (["redis-cli", "eval", "return {{ word }}", "0"], "", [("redis-cli", "program", 1)]),
        (["make", "X={{ word }}"], "", [("make", "program", 1)]),
        (["jq", "--arg", "a", "b", ".{{ word }}"], "", [("jq", "program", 1)]),
        (["git", "-c", "core.sshCommand=ssh -l {{ word }}", "fetch"], "", [("git", "program", 1)]),
        (["git", "fetch", "--upload-pack={{ word }}"], "", [("git", "program", 1)]),
        (["rsync", "-ae", "ssh {{ word }}", "a", "b"], "", [("rsync", "program", 1)]),
        (["gdb", "-batch", "-ex", "print {{ word }}"], "", [("gdb", "program", 1)]),
        (["ssh", "-o", "ProxyCommand=nc {{ word }} 22", "db1", "true"], "", [("ssh", "program", 1)]),
        (["ssh", "db1"], "rm {{ word }}", [("ssh", "shell", 1)]),
        (["docker", "run", "--rm", "postgres", "psql", "-c", "SELECT {{ word }}"], "", [("psql", "program", 1)]),
        (["docker", "exec", "-i", "db", "psql"], "SELECT {{ word }}", [("psql", "program", 1)]),
        (["kubectl", "exec", "db", "--", "sh", "-c", "rm {{ word }}"], "", [("sh", "shell", 1)]),
        (["curl", "-K", "-"], "url = {{ word }}", [("curl", "program", 1)]),
        (["xargs", "-I", "NAME", "sh", "-c", "rm NAME"], "{{ word }}", [("xargs", "program", 1)]),
        (["xargs", "-0I{}", "bash", "-c", "rm {}"], "{{ word }}", [("xargs", "program", 1)]),
        (["python3", "-"], "print({{ word }})", [("python3", "program", 1)]),
        (["git", "rebase", "-x", "make {{ word }}", "main"], "", [("git", "program", 1)]),
        (["yq", "-i", '.a = "{{ word }}"', "file"], "", [("yq", "program", 1)]),
        (["env", "CODE={{ word }}", "sh", "-c", "eval $CODE"], "", [("eval", "shell", 2)]),
        (["{{ word }}", "x"], "", [("", "name", 1)]),
        (["sudo", "{{ word }}"], "", [("", "name", 1)]),
        # What takes a value for nothing but a value
        (["/srv/{{ word }}/bin/run"], "", []),
        (["{{ word | int }}"], "", []),
        (["ssh", "-o", "User={{ word }}", "db1", "true"], "", []),
        (["docker", "run", "--rm", "tool", "{{ word }}"], "", []),
        (["git", "cherry-pick", "-x", "{{ word }}"], "", []),
        (["xargs", "-I{}", "sh", "-c", 'rm "$1"', "_", "{}"], "{{ word }}", []),
        (["xargs", "rm"], "{{ word }}", []),
        (["python3", "-m", "json.tool"], "{{ word }}", []),
        (["curl", "-d", "@-", "http://a"], "{{ word }}", []),
        (["parallel", "-j", "2", "echo", ":::", "{{ word }}"], "", []),
        (["at", "-f", "file", "now"], "{{ word }}", []),
        (["tmux", "new-session", "-d", "-s", "run-{{ word }}"], "", []),
        (["jq", "--arg", "a", "{{ word }}", ".[$a]"], "", []),
        (["git", "commit", "-m", "It is {{ word }}"], "", []),
        (["make", "deploy", "-C", "{{ word }}"], "", []),
        (["redis-cli", "GET", "{{ word }}"], "", []),
        (["tar", "-xf", "{{ word }}"], "", []),
        (["su", "-s", "/bin/sh", "app", "-c", 'echo "$0"', "{{ word }}"], "", []),
        (["env", "A={{ word }}", "cat"], "", []),
        (["script", "{{ word }}"], "", []),
    ],
)
def test_what_a_program_takes_for_code_of_its_arguments_and_its_standard_input(words, stdin, expected):
    assert [(each.reader, each.kind, each.shells) for each in given_as_code(words, stdin=stdin)] == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("ssh db1 rm {{ word | quote }}", [("{{ word }}", "ssh", 2)]),
        ("ssh db1 rm {{ word | quote | quote }}", []),
        ("ssh db1 bash -c {{ word | quote | quote }}", [("{{ word }}", "bash", 3)]),
        ("ssh db1 {{ ('rm -- ' ~ (word | quote) ~ '/old') | quote }}", []),
        ('sudo su - app -c "rm $WORD"', [("{{ word }}", "su", 2)]),
        ("docker exec web cat {{ word | quote }}", []),
    ],
)
def test_each_shell_on_the_way_takes_one_quotation(code, expected):
    assert [(each.template, each.reader, each.shells) for each in read_as_code(code, ENVIRONMENT)] == expected


def test_a_variable_that_tells_programs_what_to_load_takes_no_text():
    found = given_as_code(
        ["ls"], {"LD_PRELOAD": "{{ word }}", "GIT_SSH_COMMAND": "ssh {{ word }}", "NAME": "{{ word }}"}
    )

    assert [(each.reader, each.kind) for each in found] == [("LD_PRELOAD", "variable"), ("GIT_SSH_COMMAND", "variable")]
