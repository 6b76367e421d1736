"""Our command module answers as Ansible's does, and stays answerable where that one breaks."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from ansible.executor import module_common
from ansible.module_utils.testing import patch_module_args
from ansible.modules import command as ansibles
from harness import PATIENCE
from hypothesis import given, settings
from hypothesis import strategies as st

import runner
from runner.executor.ansible import processes

_PATH = Path(runner.__file__).parent / "executor" / "ansible" / "plugins" / "modules" / "command.py"
_SPEC = importlib.util.spec_from_file_location("runbook_command_module", _PATH)
ours = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(ours)


@pytest.fixture
def ask(capsys, monkeypatch, tmp_path):
    """What a module answers to some arguments; times are replaced by whether there is one."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").touch()

    def answer(module, **arguments):
        with patch_module_args(arguments), pytest.raises(SystemExit) as ended:
            module.main(*([arguments] if module is ours else []))
        os.chdir(tmp_path)
        said = json.loads(capsys.readouterr().out)
        said.pop("invocation", None)
        for key in ("start", "end", "delta"):
            if said.get(key) is not None:
                assert re.fullmatch(r"[0-9: .-]+", said[key])
                said[key] = "a time"
        return {**said, "exit code of the module": ended.value.code}

    yield answer
    for thread in threading.enumerate():
        if isinstance(thread, ours.Capture):
            thread.join(PATIENCE)


CASES = {
    "words": {"argv": ["echo", "a b", "c"]},
    "numbers as words": {"argv": ["echo", 1, 2.5, True]},
    "no value among words": {"argv": ["echo", None, "x"]},
    "text": {"_raw_params": "echo 'a b' c"},
    "cmd": {"cmd": "echo 'a b' c"},
    "a shell": {"_raw_params": "echo $HOME; echo x >&2", "_uses_shell": True},
    "words for a shell": {"argv": ["echo", "$HOME", "a b"], "_uses_shell": True},
    "another shell": {"_raw_params": "echo $0", "_uses_shell": True, "executable": "/bin/bash"},
    "an exit code": {"argv": ["sh", "-c", "echo out; echo err >&2; exit 3"]},
    "ended by a signal": {"argv": ["sh", "-c", "kill -9 $$"]},
    "chdir": {"argv": ["pwd"], "chdir": "/etc"},
    "creates what is there": {"argv": ["touch", "no"], "creates": "ther?"},
    "creates what is not there": {"argv": ["echo"], "creates": "absent"},
    "removes what is there": {"argv": ["echo"], "removes": "ther?"},
    "removes what is not there": {"argv": ["touch", "no"], "removes": "absent"},
    "stdin": {"argv": ["cat"], "stdin": "hello"},
    "stdin as it is": {"argv": ["cat"], "stdin": "hello", "stdin_add_newline": False, "strip_empty_ends": False},
    "an empty stdin": {"argv": ["cat"], "stdin": "", "stdin_add_newline": False},
    "ends are stripped": {"argv": ["printf", "\\n x\\n\\r\\n"]},
    "ends are kept": {"argv": ["printf", "x\\n\\n"], "strip_empty_ends": False},
    "expanded": {"argv": ["echo", "$HOME", "~", "~root"]},
    "not expanded": {"argv": ["echo", "$HOME", "~"], "expand_argument_vars": False},
    "check mode": {"argv": ["touch", "no"], "_ansible_check_mode": True},
    "check mode, creates": {"argv": ["touch", "no"], "creates": "absent", "_ansible_check_mode": True},
    "check mode, needless": {"argv": ["touch", "no"], "creates": "there", "_ansible_check_mode": True},
    "nothing": {},
    "two things": {"argv": ["a"], "_raw_params": "b"},
    "an unknown option": {"argv": ["a"], "shel": True},
    "switches as texts": {"argv": ["cat"], "stdin": "x\n", "stdin_add_newline": "no", "strip_empty_ends": "Off"},
    "words in one text": {"argv": "echo,a b"},
    "a number for stdin": {"argv": ["cat"], "stdin": 1.5},
    "paths of somebody": {"argv": ["pwd"], "chdir": "~", "creates": "$HOME/absent"},
    "what is left out": {"argv": ["echo"], "chdir": None, "creates": None},
    "text that is no ASCII": {"argv": ["printf", "Gr\\303\\274\\303\\237e"]},
}


@pytest.mark.parametrize("case", CASES)
def test_small_answers_are_ansibles_own(ask, case):
    expected = ask(ansibles, **CASES[case])

    answer = ask(ours, **CASES[case])

    answer.pop("output", None)
    said = {"exception", "msg"} if "exception" in expected or "Unsupported" in expected["msg"] else set()
    assert {key: value for key, value in answer.items() if key not in said} == {
        key: value for key, value in expected.items() if key not in said
    }
    assert not Path("no").exists()


NO_DIRECTORY = "Unable to change directory before execution"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ({"argv": ["./absent"]}, 127, "[Errno 2] No such file or directory: ./absent"),
        ({"argv": ["./there"]}, 126, "[Errno 13] Permission denied: ./there"),
        ({"argv": ["pwd"], "chdir": "/absent"}, 257, f"{NO_DIRECTORY}: /absent: No such file or directory"),
        ({"argv": ["pwd"], "chdir": "/etc/passwd"}, 257, f"{NO_DIRECTORY}: /etc/passwd: Not a directory"),
        ({"argv": []}, 256, "no command given"),
        ({"_raw_params": ""}, 256, "no command given"),
        ({"_raw_params": "echo 'a"}, 256, "the command cannot be taken apart into words: No closing quotation"),
    ],
)
def test_what_could_not_be_started_says_why_and_has_no_exit_code_of_its_own(ask, arguments, code, message):
    answer = ask(ours, **arguments)

    assert (answer["failed"], answer["rc"], answer["msg"]) == (True, code, message)


def facts(data, *, truncated=False):
    escaped = {"escaped": True} if not truncated and data.decode(errors="ignore").encode() != data else {}
    return {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest(), "truncated": truncated, **escaped}


def test_the_whole_output_is_known_by_its_size_and_hash(ask):
    answer = ask(ours, argv=["sh", "-c", "printf out; printf errors >&2"])

    assert answer["output"] == {"stdout": facts(b"out"), "stderr": facts(b"errors")}


def test_of_a_large_output_head_and_tail_are_kept(ask):
    answer = ask(ours, argv=["sh", "-c", "printf head; head -c 3000000 /dev/zero | tr '\\0' x; printf tail"])

    whole = b"head" + b"x" * 3_000_000 + b"tail"
    kept = ours.KEPT
    assert answer["output"]["stdout"] == facts(whole, truncated=True)
    assert answer["stdout"] == (
        f"head{'x' * (kept - 4)}\n[... {len(whole) - 2 * kept} bytes left out ...]\n{'x' * (kept - 4)}tail"
    )


def test_bytes_that_are_no_text_are_shown_as_escapes_and_fail_nothing(ask):
    answer = ask(ours, argv=["printf", "a\\377\\376\\303"])

    assert (answer["rc"], answer["stdout"], answer["output"]["stdout"]) == (
        0,
        "a\\xff\\xfe\\xc3",
        facts(b"a\xff\xfe\xc3"),
    )


@pytest.mark.parametrize(
    "words", ["sleep 900", "setsid sh -c 'trap \"\" TERM; exec sleep 900'", "while :; do echo more; sleep 0.1; done"]
)
def test_a_background_process_that_keeps_the_pipes_open_does_not_hang_it(ask, words):
    answer = ask(ours, _raw_params=f"{words} & echo $!; echo done", _uses_shell=True)

    said = answer["stdout"].splitlines()
    # Whoever waited for the pipes to be closed would find nobody there to be killed.
    os.kill(next(int(line) for line in said if line.isdigit()), signal.SIGKILL)
    assert "done" in said


def test_a_command_that_reads_none_of_much_input_still_has_its_answer(ask):
    answer = ask(ours, argv=["sh", "-c", "exec <&-; echo done"], stdin="x" * 1_000_000)

    assert (answer["rc"], answer["stdout"]) == (0, "done")


def built(**arguments):
    """The program that Ansible makes of the module and `arguments`, and sends to a host."""
    made = module_common.modify_module(
        module_name="command",
        module_path=str(_PATH),
        module_args=arguments,
        templar=None,
        task_vars={"ansible_playbook_python": sys.executable},
        remote_is_local=True,
    )
    assert (made.module_style, made.shebang) == ("new", f"#!{sys.executable}")  # the style that can be sent to a pipe
    return made.b_module_data


def on_a_host(program, **options):
    """What it answers there, where nothing of Ansible is installed."""
    words = [sys.executable, "-I", "-S"]
    return json.loads(subprocess.run(words, input=program, stdout=subprocess.PIPE, check=False, **options).stdout)


_HOSTILE = ['"' * 9, "'" * 9, "\\", '\\"' * 3, "a\nb", "<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>", "\u2028ü", "{{ 1 }}", ""]


def test_every_text_arrives_as_it_is_where_nothing_of_ansible_is_installed():
    words = ["printf", "%s\\0", *_HOSTILE]

    answer = on_a_host(built(argv=words, stdin="\n".join(_HOSTILE), _ansible_check_mode=False))

    assert answer["stdout"].split("\0")[:-1] == _HOSTILE


def test_a_command_has_a_locale_that_is_there():
    answer = on_a_host(built(argv=["printenv", "LC_ALL"]), env={"PATH": os.environ["PATH"], "LC_ALL": "xx_XX.UTF-8"})

    assert answer["stdout"] == "C.UTF-8"


def test_it_does_not_stay_in_a_directory_that_is_not_there_for_it(tmp_path):
    (tmp_path / "gone").mkdir()
    program = b"import os; os.rmdir(os.getcwd())\n" + built(argv=["pwd"]).replace(b"from __future__", b"#")

    answer = on_a_host(program, cwd=tmp_path / "gone", env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)})

    assert answer["stdout"] == str(tmp_path)


def test_the_host_logs_what_was_asked_unless_the_task_is_not_to_be_logged(ask, monkeypatch):
    lines = []
    monkeypatch.setattr("syslog.syslog", lambda _, line: lines.append(line))

    ask(ours, argv=["echo", "http://me:secret@there"], _ansible_no_log=False)
    ask(ours, argv=["echo", "hidden"], _ansible_no_log=True)

    assert [(line[:40], "'http://me:********@there'" in line) for line in lines] == [
        ("ansible.legacy.command: {'_raw_params': ", True)
    ]


def test_a_switch_that_is_neither_yes_nor_no_is_refused(ask):
    answer = ask(ours, argv=["echo"], strip_empty_ends="perhaps")

    assert (answer["failed"], answer["msg"]) == (True, "strip_empty_ends is 'perhaps' and must be yes or no")


_BY_ITSELF = f"""
import importlib.util, sys
spec = importlib.util.spec_from_file_location("command", {str(_PATH)!r})
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
module.main({{"argv": sys.argv[1:]}})
"""


@pytest.mark.parametrize(
    ("service", "then", "code", "goes_on"),
    [
        ("setsid sleep 900", "sleep 900", 124, False),
        ("env -i setsid sleep 900", "sleep 900", 124, False),
        ("setsid sh -c 'trap \"\" TERM; while :; do sleep 0.1; done'", "sleep 900", 124, False),
        ("setsid sleep 900", "trap '' TERM; while :; do sleep 0.1; done", -9, False),
        ("setsid sleep 900", "true", 0, True),
        ("setsid sleep 900", "exit 124", 124, True),
    ],
)
def test_what_runs_out_of_its_time_is_ended_whole_and_what_ends_in_time_leaves_what_it_likes(
    tmp_path, service, then, code, goes_on
):
    script = f"{service} >/dev/null 2>&1 </dev/null & echo $! >pid; {then}"
    words = ["timeout", "--kill-after=0.5s", "2s", "bash", "-c", script]

    ran = subprocess.run([sys.executable, "-c", _BY_ITSELF, *words], cwd=tmp_path, stdout=subprocess.PIPE, check=False)

    pid = int((tmp_path / "pid").read_text())
    alive = processes.is_alive(pid)
    if alive:
        os.kill(pid, signal.SIGKILL)
    assert (json.loads(ran.stdout)["rc"], alive) == (code, goes_on)


def stream_of(data):
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as pipe:
        pipe.write(data)
    return os.fdopen(reading, "rb", buffering=0)


@settings(max_examples=50, deadline=None)
@given(size=st.integers(0, 40), kept=st.integers(1, 12), chunk=st.integers(1, 50))
def test_whatever_the_chunks_no_byte_is_kept_twice_and_none_is_lost_that_has_room(size, kept, chunk):
    data = bytes(65 + number % 26 for number in range(size))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ours, "KEPT", kept)
        patch.setattr(ours, "CHUNK", chunk)
        capture = ours.Capture(stream_of(data))
        capture.run()
        text, told = capture.text(), capture.facts()

    left_out = size - 2 * kept
    expected = (
        data if left_out <= 0 else data[:kept] + f"\n[... {left_out} bytes left out ...]\n".encode() + data[-kept:]
    )
    assert (text, told) == (expected.decode(), facts(data, truncated=left_out > 0))
