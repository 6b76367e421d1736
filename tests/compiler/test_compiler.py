"""A runbook compiles to the one playbook that stands beside it; RUN-901 and RUN-902 in `golden` say everything there is.

`runbook --library tests/compiler/golden compile` writes the golden playbooks anew: read the difference.
"""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from harness.fakes import runbook_file
from harness.runbook_files import read_runbook

from runner.compiler.committed_playbook import compiled
from runner.compiler.compiler import compile_runbook, variables
from runner.core.identifiers import Marker
from runner.core.step_tags import GATE, NEVER
from runner.library.library import Library

GOLDEN = Library(Path(__file__).parent / "golden")
BOOKS = [(library, name) for library in (GOLDEN, Library.shipped()) for name in library.ids()]

STEP = {"id": "a", "name": "A", "command": "ls", "verify": [{"exit": 0}]}


def playbook(tmp_path, **changes):
    runbook = read_runbook(runbook_file(tmp_path, **changes))
    return compile_runbook(runbook, lambda name: f"the text of {name}")


@functools.cache
def plays_of(library, name):
    text = (library.root / "playbooks" / f"{name}.yml").read_text(encoding="utf-8")
    return yaml.load(text, Loader=yaml.CSafeLoader)


@functools.cache
def runbook_of(library, name):
    return library.source(name).runbook


def tasks_of(play):
    """Each task of a play with its tags."""
    for item in play["tasks"]:
        for task in [*item.get("block", [item]), *item.get("rescue", [])]:
            yield task["name"], item["tags"], task


@pytest.mark.parametrize(("library", "name"), BOOKS)
def test_the_playbook_that_stands_there_is_what_the_runbook_compiles_to(library, name):
    source = library.source(name)
    assert compiled(source) == library.playbook(source).read_text(encoding="utf-8")


@functools.cache
def golden_playbooks():
    return "".join(compiled(GOLDEN.source(name)) for name in GOLDEN.ids())


@pytest.mark.parametrize("seed", ["0", "1", "4711"])
def test_the_same_runbook_always_gives_the_same_bytes(seed):
    # Given a process with hashes of its own
    program = (
        "from pathlib import Path; from runner.library.library import Library;"
        "from runner.compiler.committed_playbook import compiled;"
        f"library = Library(Path({str(GOLDEN.root)!r}));"
        "print(*(compiled(library.source(name)) for name in library.ids()), sep='', end='')"
    )
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    # When it compiles
    told = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, env=environment)
    # Then it gives what this one does, each time
    assert told.stdout == golden_playbooks()


@pytest.mark.parametrize(("library", "name"), BOOKS)
def test_every_task_is_ours_and_runs_with_its_step_and_with_nothing_else(library, name):
    told = {step.id for step in runbook_of(library, name).procedure if step.announces}
    for play in plays_of(library, name):
        for title, tags, _ in tasks_of(play):
            marker = Marker.parse(title)
            assert marker
            assert marker.runbook == name
            assert f"step-{marker.step}" in tags
            by_product = marker.part == "gate" or (marker.part == "action" and marker.step in told)
            assert (GATE in tags) is by_product
            assert (NEVER in tags) is marker.step.startswith(("undo-", "trigger-"))


@pytest.mark.parametrize(("library", "name"), BOOKS)
def test_every_verification_is_one_assert_or_one_question(library, name):
    runbook = runbook_of(library, name)
    found = [(title, task) for play in plays_of(library, name) for title, _, task in tasks_of(play)]
    for step in runbook.procedure:
        for number, verification in enumerate(step.verify, 1):
            part = "gate" if verification.human else f"verify/{number}"
            (task,) = [task for title, task in found if title == f"{name}/{step.id}/{part} | {verification.says}"]
            assert ("ansible.builtin.pause" if verification.human else "ansible.builtin.assert") in task


@pytest.mark.parametrize(("library", "name"), BOOKS)
def test_steps_stand_in_their_order_and_undos_behind_them_backwards(library, name):
    runbook = runbook_of(library, name)
    found = [Marker.parse(title).step for play in plays_of(library, name) for title, _, _ in tasks_of(play)]
    undos = [f"undo-{step.id}" for step in reversed(runbook.steps) if step.undo]
    triggers = [each.step.id for each in runbook.watch]
    assert list(dict.fromkeys(found)) == [*(step.id for step in runbook.procedure), *undos, *triggers]


def test_between_two_steps_and_before_other_hosts_everybody_must_still_be_there(tmp_path):
    steps = [STEP, {**STEP, "id": "b"}, {**STEP, "id": "c", "hosts": "db"}, {**STEP, "id": "d"}]
    plays = yaml.safe_load(playbook(tmp_path, steps=steps).render())
    parts = [[Marker.parse(title) for title, _, _ in tasks_of(play)] for play in plays]
    assert [[f"{each.step} {each.part}" for each in play if each.part in {"guard", "action"}] for play in parts] == [
        ["a action", "b guard", "b action", "b guard"],
        ["c action", "c guard"],
        ["d action"],
    ]


def test_a_step_that_may_fail_has_a_rescue_and_no_other(tmp_path):
    steps = [{**STEP, "on_failure": "continue"}, {**STEP, "id": "b"}]
    first, _, second = yaml.safe_load(playbook(tmp_path, steps=steps).render())[0]["tasks"]
    assert first["rescue"] == [
        {
            "name": "RUN-001/a/rescue | Failed; the runbook continues",
            "ansible.builtin.debug": {"msg": "a failed and says on_failure: continue; the run is not green"},
        }
    ]
    assert "rescue" not in second


@pytest.mark.parametrize(
    ("effect", "verify", "keywords"),
    [
        ("read", [{"that": "rc == 0"}], {"changed_when": False}),
        ("change", [{"that": "rc == 0"}], {"changed_when": True}),
        (
            "destructive",
            [{"exit": 0}],
            {"changed_when": True, "failed_when": "result.rc | default(124) == 124 or result.module_stdout is defined"},
        ),
        ("read", [{"command": "ls", "exit": 1}], {"changed_when": False}),
    ],
)
def test_an_action_fails_by_itself_unless_its_exit_code_is_judged(tmp_path, effect, verify, keywords):
    play = playbook(tmp_path, steps=[{**STEP, "effect": effect, "approve": "Go?", "verify": verify}]).plays[0]
    assert play.tasks[1].tasks[0].keywords == {"register": "result", **keywords}


@pytest.mark.parametrize(
    ("keys", "keywords"),
    [({}, {}), ({"become": True}, {"become": True}), ({"become_user": "app"}, {"become": True, "become_user": "app"})],
)
def test_a_step_may_become_somebody_else(tmp_path, keys, keywords):
    block = playbook(tmp_path, steps=[{**STEP, **keys}]).plays[0].tasks[0]
    assert block.keywords == {"tags": ["step-a"], **keywords}


@pytest.mark.parametrize(
    ("item", "line"),
    [
        ({}, "-e a=...  What for"),
        ({"type": "enum", "values": ["x"]}, "-e a=...  What for"),
        ({"type": "secret"}, "-e @FILE  which ansible-vault has encrypted, and which sets a: What for"),
        ({"type": "int", "default": 5}, "-e '{\"a\": 5}'  What for"),
        ({"type": "number"}, "-e '{\"a\": 1}'  What for"),
        ({"type": "bool", "default": False}, "-e '{\"a\": false}'  What for"),
        ({"type": "bool"}, "-e '{\"a\": true}'  What for"),
        ({"type": "duration", "default": "5m"}, '-e \'{"a_seconds": 60.0, "a": "1m"}\'  What for'),
    ],
)
def test_the_head_says_how_plain_ansible_is_given_each_input(tmp_path, item, line):
    assert f"  {line}" in playbook(tmp_path, inputs={"a": {"help": "What for", **item}}).header


def test_a_long_line_of_the_head_is_broken_and_a_long_word_is_not(tmp_path):
    address = f"https://example.com/{'x' * 200}"
    header = playbook(tmp_path, title=f"{'word ' * 50}{address}").header
    assert max(len(line) for line in header if address not in line) <= 110
    assert f"    {address}" in header


def test_inputs_are_variables_and_durations_are_numbers_too(tmp_path):
    inputs = {
        "a": {"help": "A", "default": "x"},
        "b": {"help": "B"},
        "c": {"type": "duration", "help": "C", "default": "90s"},
    }
    runbook = read_runbook(runbook_file(tmp_path, inputs=inputs))
    assert compile_runbook(runbook, str).plays[0].keywords["vars"] == {"a": "x", "c": "90s", "c_seconds": 90.0}
    assert variables(runbook, {"a": "y", "c": "1m30s"}) == {"a": "y", "c": "1m30s", "c_seconds": 90.0}


def test_a_prompt_says_why_and_what_in_the_authors_lines(tmp_path):
    step = {
        "id": "a",
        "name": "A",
        "why": "Because\nit must be",
        "manual": "Do this.\n\nAnd that.",
        "verify": [{"confirm": "Done"}],
    }
    manual, confirm = playbook(tmp_path, steps=[step]).plays[0].tasks
    assert manual.name == "RUN-001/a/gate | A"
    assert manual.args == {
        "prompt": "Because\nit must be\nDo this.\n\nAnd that.\nPress Enter when it is done, or Ctrl-C and A to abort"
    }
    assert confirm.args == {
        "prompt": "Because\nit must be\nDone\nPress Enter when this is so, or Ctrl-C and A to abort"
    }


def test_a_file_that_can_not_be_used_is_told_with_its_step(tmp_path):
    steps = [{**{key: item for key, item in STEP.items() if key != "command"}, "script": "a.sh"}]
    with pytest.raises(ValueError, match="^a: a.sh must begin with #! and one of bash, dash, perl, python3, ruby, sh$"):
        playbook(tmp_path, steps=steps)


def test_what_people_are_told_is_printed_by_plain_ansible_alone(tmp_path):
    tells = {"id": "tell", "name": "Tell", "announce": {"to": "on-call", "says": "{{ word }}"}, "only_if": "word != ''"}
    (play,) = playbook(tmp_path, inputs={"word": {"help": "A word"}}, steps=[STEP, tells]).plays
    (told,) = [task for task in play.tasks if task.name == "RUN-001/tell/action | Tell"]
    assert (told.module, told.args) == ("ansible.builtin.debug", {"msg": "{{ word }}"})
    assert told.keywords["tags"] == ["step-tell", GATE]
    assert "when" in told.keywords


def test_the_head_says_what_plain_ansible_must_be_told_to_take_a_change_back(tmp_path):
    undo = {"command": "mv /tmp/{{ item }} {{ place }}", "verify": [{"exit": 0}]}
    find = {**STEP, "id": "find", "effect": "read", "capture": {"stuck": "stdout.splitlines()", "place": "rc"}}
    move = {**STEP, "id": "move", "each": "{{ stuck }}", "command": "mv {{ item }} /tmp", "undo": undo}
    plain = {**STEP, "id": "plain", "undo": {"command": "rm /x", "verify": [{"exit": 0}]}}

    head = playbook(tmp_path, steps=[find, move, plain]).header

    assert head[-4:] == [
        "To take changes back, newest first:",
        "  --tags step-undo-plain",
        """  --tags step-undo-move -e '{"place": VALUE, "stuck": VALUE}'""",
        "VALUE is what was captured; where that differs, add --limit HOST.",
    ]


def test_a_step_without_an_action_keeps_what_it_computes_and_judges_it(tmp_path):
    percent = {
        "id": "percent",
        "name": "How full is it?",
        "capture": {"percent": "used * 100 // size"},
        "verify": [{"says": "It is less than half", "that": "percent < 50"}],
    }
    inputs = {name: {"type": "int", "default": 1, "help": name} for name in ("used", "size")}

    (block,) = yaml.safe_load(playbook(tmp_path, steps=[percent], inputs=inputs).render())[0]["tasks"]

    assert [task.get("ansible.builtin.set_fact") or task["ansible.builtin.assert"] for task in block["block"]] == [
        {"percent": "{{ used * 100 // size }}"},
        {"that": ["percent < 50"], "quiet": True},
    ]
