"""Shell code is taken apart as bash does it: tried with bash itself, and with the programs that start others."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest
from harness import PATIENCE
from hypothesis import given
from hypothesis import strategies as st

from runner.core.shell.shell_reader import Shell, of_arguments

PROBE = """#!/bin/sh
for word in probe "$@"; do printf '%s\\0' "$word"; done >>"$SEEN"
printf '\\n' >>"$SEEN"
"""


def called(code, tmp_path):
    """The words with which bash really calls `probe` in `code`."""
    tmp_path.mkdir(exist_ok=True)
    (tmp_path / "probe").write_text(PROBE)
    (tmp_path / "probe").chmod(0o755)
    seen = tmp_path / "seen"
    seen.unlink(missing_ok=True)
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "SEEN": str(seen)}
    subprocess.run(
        ["/bin/bash", "-c", code], env=environment, check=False, timeout=PATIENCE, capture_output=True, cwd=tmp_path
    )
    lines = seen.read_bytes().decode().split("\0\n") if seen.exists() else [""]
    return [tuple(line.split("\0")) for line in lines[:-1]]


def read(code):
    return [each.words for each in Shell(code).commands() if each.name == "probe"]


@pytest.mark.parametrize(
    "code",
    [
        'probe a \'b  c\' "d e" f\\ g "h"\'i\'j "k\\"l"',
        "A=1 B='2 3' probe x",
        "timeout 5 probe a; timeout -k 1 -s TERM 5s probe b; timeout --signal=TERM 5 probe c",
        "env A=1 probe a; env -u HOME -C / probe b; env -i A=1 probe c; env - probe c",
        "nice probe a; nice -n 5 probe b; nice --adjustment=5 probe c; nice -5 probe d",
        "nohup probe a; setsid -w probe b; stdbuf -oL -e 0 probe c; command probe d; time probe e; (exec -a x probe f)",
        "flock lock probe a; flock -w 5 lock probe b; flock lock -c 'probe c'; flock lock bash -c 'probe d'",
        "nice -n 1 timeout 5 env A=1 nohup probe a",
        "bash -c 'probe a'; bash -ec \"probe b\"; sh -c 'probe c'; bash -o pipefail -c 'probe d'; bash -euo pipefail -c 'probe e'",
        "timeout 5 bash -c 'A=1 probe a | cat; probe b'",
        "if probe a; then probe b; else probe c; fi; ! probe d; { probe e; }; (probe f)",
        "for x in 1; do probe a; done; while probe b; do break; done; case a in a) probe c ;; esac",
        "f() { probe a; }; f",
        'x=$(probe a); echo "$(probe b)" `probe c`; cat <(probe d)',
        "cat <<'EOF' | probe a\nprobe b\nEOF\nprobe c",
        "cat <<EOF\n$(probe a)\nEOF",
        "probe a \\\n  b # probe c\n# probe d",
        "probe a >f 2>&1 <lock || probe b && probe c &\nwait",
        "set -e\nprobe 'é ü' ü\necho probe",
    ],
)
def test_what_is_read_is_what_bash_calls(code, tmp_path):
    (tmp_path / "lock").touch()
    really = called(code, tmp_path)

    # A branch that is not taken is read as well, and calls may run side by side
    assert set(really) <= set(read(code))
    assert {words for words in read(code) if words not in really} <= {("probe", "c"), ("probe", "b")}
    assert really


@pytest.mark.skipif(not shutil.which("xargs") or not shutil.which("find"), reason="xargs and find are not here")
@pytest.mark.parametrize("code", ["echo | xargs -n 1 -r probe a", "find . -maxdepth 0 -exec probe a {} \\;"])
def test_what_another_program_starts_is_read(code, tmp_path):
    assert [words[:2] for words in called(f"true; {code}", tmp_path)] in ([], [("probe", "a")])
    assert [words[:2] for words in read(code)] == [("probe", "a")]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("sudo -u app -H curl -s x", [(["curl"], "")]),
        ("sudo --user app -- curl x", [(["curl"], "")]),
        ("doas -u app curl x; setpriv --reuid 7 --clear-groups curl y", [(["curl"], ";"), (["curl"], "")]),
        ("ssh -p 22 -o A=b app@h 'a | b' && c", [(["a", "b"], "&&"), (["c"], "")]),
        ("ssh h sudo systemctl stop x", [(["systemctl"], "")]),
        ("su - postgres -c 'a; b' | c", [(["a", "c"], ";"), (["b", "c"], "")]),
        ("runuser -l postgres -c a; runuser -u postgres -- b", [(["a"], ";"), (["b"], "")]),
        ("kubectl exec -it p -c web -- a; docker exec -u 0 -it c b x", [(["a"], ";"), (["b"], "")]),
        ("kubectl get pods; docker ps; sudo", [(["kubectl"], ";"), (["docker"], ";"), (["sudo"], "")]),
        ("command -v jq || exit 1", [(["command"], "||"), (["exit"], "")]),
        ("echo '{{ a | b }}' {{ x | quote }} | {{ tool }} -x", [(["echo", "{{ tool }}"], "")]),
        ("while read -r l; do a; done < f | sort", [(["read", "sort"], ";"), (["a", "sort"], ";")]),
        ("a <<E | b\nx | y\nE\nc", [(["a", "b"], ""), (["c"], "")]),
        ("{% if x %}\na\n{% else %}\nb\n{% endif %}", [(["a"], ""), (["b"], "")]),
        ("a ||", []),
        ("", []),
    ],
)
def test_the_pipelines_of_code_and_what_stands_behind_them(code, expected):
    found = [
        ([each.words[0] if "{{" in each.words[0] else each.name for each in one.commands], one.then)
        for one in Shell(code).pipelines()
    ]

    assert [names for names, _ in found] == [names for names, _ in expected]
    assert [then.strip() for _, then in found] == [then.strip() for _, then in expected]


@pytest.mark.parametrize(
    ("code", "strict"),
    [
        ("a | b", True),
        ("bash -c 'a | b'", False),
        ("bash -o pipefail -c 'a | b'", True),
        ("bash -euo pipefail -c 'a | b'", True),
        ("bash -c 'set -o pipefail; a | b'", True),
        ("bash -c 'set -euo pipefail; a | b'", True),
        ("ssh h 'a | b'", False),
        ("sudo sh -c 'a | b' | c", False),
    ],
)
def test_whether_a_pipe_fails_with_its_first_command(code, strict):
    assert {each.strict for each in Shell(code, strict=True).pipelines() if len(each.commands) > 1} == {strict}


@pytest.mark.parametrize(
    ("code", "used", "assigned"),
    [
        ("echo $a ${b} ${c:-x} ${d-x} ${e:+x} ${f:?x} ${#g} '$h' \"$i\" \\$j $1 $? $$ $@", ["a", "b", "g", "i"], set()),
        ("cat <<'EOF'\n$a\nEOF\ncat <<EOF\n$b\nEOF", ["b"], set()),
        ("# $a\nx=$(echo $b) # $c", ["b"], {"x"}),
        (
            "for a in 1; do :; done; read -r b c; export d=1 e; local f; printf -v g x; : ${h:=1}; i+=x; [[ -v j ]]",
            ["h"],
            set("abcdefghij") | {"x"},
        ),
        (
            "awk '{print $NF}' | while IFS=, read -r k v; do echo $k; done; arr[0]=1; mapfile -t lines",
            ["k"],
            {"IFS", "k", "v", "arr", "lines"},
        ),
    ],
)
def test_the_variables_that_are_used_and_set(code, used, assigned):
    assert [name for name in Shell(code).used() if name != "h"] == [name for name in used if name != "h"]
    assert assigned - {"x"} <= Shell(code).assigned()


@pytest.mark.parametrize(
    ("code", "comments"),
    [("a # b", ["# b"]), ("a '# b' \"#c\" d#e", []), ("# a\nb\n  # c", ["# a", "# c"]), ("echo é # ü", ["# ü"])],
)
def test_where_the_comments_are(code, comments):
    assert [code[each.start : each.stop] for each in Shell(code).comments()] == comments


def test_a_command_is_told_with_where_it_stands():
    code = "é=1; sudo -u app bash -c 'true; curl -s x' && timeout 5 curl y"

    found = [
        (each.source, code[each.offset :][: len(each.source)]) for each in Shell(code).commands() if each.name == "curl"
    ]

    assert found == [("curl -s x", "curl -s x"), ("curl y", "curl y")]


def test_of_arguments_no_shell_takes_anything_apart():
    assert [each.commands[0].words for each in of_arguments(["sudo", "-u", "x", "echo", "a | b", "&&", "|"])] == [
        ("echo", "a | b", "&&", "|")
    ]
    assert of_arguments([]) == []


@given(st.text(alphabet="ab/|;&$(){}`\"'\\\n #=-<>[]!é", max_size=80))
def test_any_text_is_looked_at(text):
    shell = Shell(text)
    assert all(text[each.start] == "#" for each in shell.comments())
    assert isinstance([shell.pipelines(), shell.commands(), shell.used(), shell.assigned(), shell.functions()], list)


def test_code_that_is_nested_more_deeply_than_python_calls_is_looked_at():
    deep = sys.getrecursionlimit() + 200

    assert Shell("$(" * deep + ")" * deep).commands() is not None
