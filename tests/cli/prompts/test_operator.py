"""A person is asked where there is one; where there is none, only what a flag has answered in advance passes."""

from __future__ import annotations

import io
import sys
from contextlib import contextmanager
from dataclasses import replace

import click
import pytest
from harness.fakes import RUN_ID, runbook_file
from harness.votes import context

from runner.approvals.gate_context import HostAction
from runner.cli.prompts.choice import Picked, read_picked
from runner.cli.prompts.operator import InAdvance, Prompt
from runner.compiler.segments import Gate
from runner.core.errors import InvalidInputError
from runner.library.library import Library
from runner.orchestrator.run_environment import GateAnswer, QuestionView

STEPS = [
    {
        "id": "clean",
        "name": "Remove old files",
        "why": "There is too little space",
        "effect": "destructive",
        "approve": "Remove them?",
        "command": "rm -r /old",
        "verify": [{"exit": 0}, {"confirm": "The service is well"}],
    },
    {
        "id": "list",
        "name": "List",
        "effect": "read",
        "command": "ls",
        "capture": {"found": "stdout_lines"},
        "verify": [{"exit": 0}],
    },
    {
        "id": "kill",
        "name": "Kill",
        "choose": {"pids": {"from": "found", "field": "pid"}},
        "command": "kill {{ pids }}",
        "verify": [{"exit": 0}],
    },
    {"id": "walk", "name": "Walk there", "manual": "Walk to the machine", "verify": [{"exit": 0, "command": "true"}]},
]
POLICY = {
    "when": [{"declared": "Data is at risk"}, "step_failed", {"declared": "Nobody knows why"}],
    "contacts": ["on-call"],
    "provide": ["timeline"],
}


class Terminal(io.StringIO):
    """What a person types, or what they see."""

    def isatty(self):
        return True


@pytest.fixture
def runbook(tmp_path):
    return Library(tmp_path).source(str(runbook_file(tmp_path, steps=STEPS, escalation=POLICY))).runbook


@pytest.fixture
def paused():
    """What happened around the pause of the screen."""
    return []


@pytest.fixture
def prompt(runbook, paused):
    @contextmanager
    def pause():
        paused.append("off")
        yield
        paused.append("on")

    def make(**given):
        return Prompt(runbook, "alice", given=InAdvance(**given), pause=pause)

    return make


@pytest.fixture
def typed(monkeypatch):
    """A terminal on which somebody types these lines; its screen is returned."""

    def type_(*lines):
        screen = Terminal()
        monkeypatch.setattr(sys, "stdin", Terminal("".join(f"{line}\n" for line in lines)))
        monkeypatch.setattr(sys, "stderr", screen)
        return screen

    return type_


def gate_of(runbook, kind):
    clean, _, kill, walk = runbook.steps
    return {
        "choose": Gate(kill, "choose", "Which of found?", choice="pids"),
        "step": Gate(clean, "step", "Go on with Remove old files?"),
        "unknown": Gate(
            clean,
            "unknown",
            "Remove old files: db1: nobody knows whether it was done",
            flags="--done clean or --redo clean",
        ),
        "approve": Gate(clean, "approve", clean.approve.says),
        "confirm": Gate(clean, "confirm", "The service is well", 2),
        "manual": Gate(walk, "manual", "Walk to the machine"),
    }[kind]


def answer(prompt, gate, captured=None, commands=None, **changes):
    """The answer about two hosts, on which these commands would be done and these values are known."""
    captured, commands = captured or {}, commands or {}
    actions = {
        host: HostAction(host, text=commands.get(host, "rm -r /old"), captured=captured.get(host, {}))
        for host in ("db1", "db2")
    }
    step = gate.step
    told = {"gate": gate.id, "kind": gate.kind, "text": gate.text, "step": step.id, "name": step.name}
    described = context(**told, hosts=actions, why=step.why or "", effect=str(step.effect), **changes)
    return prompt.answer(gate, QuestionView(described, captured))


@pytest.mark.parametrize(
    ("kind", "flag"),
    [
        ("approve", "--yes answers in advance"),
        ("confirm", "--confirm clean answers in advance"),
        ("manual", "--confirm walk answers in advance"),
        ("choose", "--choose kill.pids=VALUE,VALUE answers in advance"),
        ("step", "--step needs one"),
        ("unknown", "--done clean or --redo clean answers in advance"),
    ],
)
def test_without_a_terminal_it_is_no_and_the_flag_is_told(runbook, prompt, paused, kind, flag):
    said = answer(prompt(), gate_of(runbook, kind))

    assert said == GateAnswer(yes=False, by="nobody", note=f"there is no terminal to ask on; {flag}")
    assert paused == []


@pytest.mark.parametrize("which", ["stdin", "stderr"])
def test_half_a_terminal_is_none(runbook, prompt, typed, monkeypatch, which):
    typed("y")
    monkeypatch.setattr(sys, which, io.StringIO("y\n"))

    assert answer(prompt(), gate_of(runbook, "approve")).by == "nobody"


def test_yes_in_advance_approves_and_vouches_for_nothing_else(runbook, prompt):
    said = {kind: answer(prompt(yes=True), gate_of(runbook, kind)) for kind in ("approve", "confirm", "manual")}

    assert said["approve"] == GateAnswer(yes=True, by="alice", note="given in advance with --yes")
    assert (said["confirm"].yes, said["manual"].yes) == (False, False)


def test_to_vouch_in_advance_for_a_step_approves_nothing_and_holds_for_no_other_step(runbook, prompt):
    said = {
        kind: answer(prompt(confirmed=["clean"]), gate_of(runbook, kind)) for kind in ("approve", "confirm", "manual")
    }

    assert said["confirm"] == GateAnswer(yes=True, by="alice", note="given in advance with --confirm")
    assert (said["approve"].yes, said["manual"].yes) == (False, False)


def test_who_is_asked_to_approve_sees_what_it_is_about(runbook, prompt, typed, paused):
    screen = typed("y")

    said = answer(prompt(), gate_of(runbook, "approve"), {"db1": {"pids": [1, 2]}, "other": {"pids": [3]}})

    assert (said, paused) == (GateAnswer(yes=True, by="alice"), ["off", "on"])
    assert click.unstyle(screen.getvalue()).splitlines()[:-1] == [
        "",
        "Remove old files",
        f"  run      {RUN_ID} of RUN-001 A trial",
        "  in       staging",
        "  by       alice",
        "  on       db1, db2",
        "  does     rm -r /old",
        "  uses     db1: pids = 1, 2",
        "  input    count = 1",
        "  step     Remove old files (clean)",
        "  why      There is too little space",
        "  effect   destructive",
        "  approve  Remove them?",
        "  answers  1 person, within 1m",
        f"  subject  {screen.getvalue().rpartition('subject  ')[2][:12]}",
    ]
    assert click.unstyle(screen.getvalue()).splitlines()[-1] == "  Go ahead? (y)es, (n)o, (e)scalate: "


@pytest.mark.parametrize(
    ("kind", "lines", "expected"),
    [
        ("approve", ["y"], GateAnswer(yes=True, by="alice")),
        ("approve", ["Y"], GateAnswer(yes=True, by="alice")),
        ("approve", ["n"], GateAnswer(yes=False, by="alice")),
        ("approve", ["", "what", "yes", "n"], GateAnswer(yes=False, by="alice")),
        ("confirm", ["y", "saw it"], GateAnswer(yes=True, by="alice", note="saw it")),
        ("confirm", ["y", ""], GateAnswer(yes=True, by="alice")),
        ("confirm", ["n"], GateAnswer(yes=False, by="alice")),
        ("manual", ["y", "walked"], GateAnswer(yes=True, by="alice", note="walked")),
        ("manual", ["y", "caf\udce9"], GateAnswer(yes=True, by="alice", note="caf\\udce9")),
        ("approve", ["e", "2"], GateAnswer(yes=False, by="alice", declared="Nobody knows why")),
        ("approve", ["e", "", "it is on fire"], GateAnswer(yes=False, by="alice", declared="it is on fire")),
        ("manual", ["e", "0"], GateAnswer(yes=False, by="alice", declared="0")),
        ("manual", ["e", "3"], GateAnswer(yes=False, by="alice", declared="3")),
        ("manual", ["e", "²"], GateAnswer(yes=False, by="alice", declared="²")),
        ("step", ["g"], GateAnswer(yes=True, by="alice")),
        ("step", ["s"], GateAnswer(yes=False, by="alice", instead="skip")),
        ("step", ["u"], GateAnswer(yes=False, by="alice", instead="undo")),
        ("step", ["e", "1"], GateAnswer(yes=False, by="alice", declared="Data is at risk")),
        ("step", ["a"], GateAnswer(yes=False, by="alice")),
        ("unknown", ["d"], GateAnswer(yes=True, by="alice")),
        ("unknown", ["r"], GateAnswer(yes=False, by="alice", instead="redo")),
        ("unknown", ["n"], GateAnswer(yes=False, by="alice")),
        ("unknown", ["e", "Too much"], GateAnswer(yes=False, by="alice", declared="Too much")),
    ],
)
def test_the_answer_is_what_was_typed(runbook, prompt, typed, kind, lines, expected):
    typed(*lines)

    assert answer(prompt(), gate_of(runbook, kind)) == expected


def test_the_reasons_that_the_runbook_declares_are_offered(runbook, prompt, typed):
    screen = typed("e", "1")

    said = answer(prompt(), gate_of(runbook, "manual"))

    assert said.declared == "Data is at risk"
    assert "    1  Data is at risk\n    2  Nobody knows why\n" in screen.getvalue()


def test_an_input_that_ends_is_no_answer(runbook, prompt, typed):
    typed()

    with pytest.raises(click.Abort):
        answer(prompt(), gate_of(runbook, "approve"))


def test_what_hosts_said_does_nothing_to_the_terminal(runbook, prompt, typed):
    evil = "\x1b[2J\x07\nGo ahead? yes"
    screen = typed("n")

    answer(prompt(), gate_of(runbook, "approve"), {"db1": {"rows": [{"name": evil}], evil: evil}})

    shown = click.unstyle(screen.getvalue())
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert not any(line.startswith("Go ahead?") for line in shown.splitlines())


ROWS = {"db1": {"found": [{"pid": 7, "user": "a"}, {"pid": 8, "user": "b"}]}, "db2": {"found": [{"pid": 7}]}}


@pytest.mark.parametrize(("kind", "typed_"), [("step", ["a"]), ("approve", ["n"]), ("unknown", ["n"])])
def test_the_whole_command_is_there_for_whoever_decides(runbook, prompt, typed, kind, typed_):
    screen = typed(*typed_)

    answer(prompt(), gate_of(runbook, kind), {}, {"db1": f"rm -r /old/{'x' * 400}\nsync", "db2": "sync"})

    shown = click.unstyle(screen.getvalue())
    assert f"  on       db1\n  does     rm -r /old/{'x' * 400}\n           sync\n" in shown
    assert "  on       db2\n  does     sync\n" in shown


def test_manual_work_of_several_lines_is_shown_whole(runbook, prompt, typed):
    screen = typed("n")

    answer(prompt(), replace(gate_of(runbook, "manual"), text="Walk there\npress the button"))

    assert "  manual   Walk there\n           press the button\n" in screen.getvalue()


@pytest.mark.parametrize(
    ("lines", "chosen"),
    [
        (["1", "n"], {"db1": [7], "db2": []}),
        (["1-2", "1"], {"db1": [7, 8], "db2": [7]}),
        (["a", "all"], {"db1": [7, 8], "db2": [7]}),
        (["3", "0", "x", "2", "a"], {"db1": [8], "db2": [7]}),
    ],
)
def test_the_operator_picks_from_the_rows_of_each_host(runbook, prompt, typed, lines, chosen):
    screen = typed(*lines)

    said = answer(prompt(), gate_of(runbook, "choose"), ROWS)

    assert (said.yes, said.by, said.chosen) == (True, "alice", chosen)
    assert "      1  (pid=7 user=a)\n      2  (pid=8 user=b)\n" in screen.getvalue()


def test_to_choose_nothing_anywhere_is_no(runbook, prompt, typed):
    screen = typed("n", "none", "c", "n", "n", "x", "a")

    said = answer(prompt(), gate_of(runbook, "choose"), ROWS)

    assert "  Please answer c, e or a.\n" in screen.getvalue()
    assert said == GateAnswer(yes=False, by="alice", note="nothing was chosen")


def test_who_chooses_nothing_may_call_somebody(runbook, prompt, typed):
    typed("n", "n", "e", "1")

    said = answer(prompt(), gate_of(runbook, "choose"), ROWS)

    assert said == GateAnswer(yes=False, by="alice", declared="Data is at risk")


def test_what_is_chosen_in_advance_for_every_host_or_for_one(runbook, prompt):
    everywhere, there = Picked("kill", "pids", None, ("7",)), Picked("kill", "pids", "db1", ("8", "7"))

    both = answer(prompt(picked=[everywhere, there]), gate_of(runbook, "choose"), ROWS)
    one = answer(prompt(picked=[there]), gate_of(runbook, "choose"), ROWS)

    assert both == GateAnswer(yes=True, by="alice", note="db1: 7, 8; db2: 7", chosen={"db1": [7, 8], "db2": [7]})
    assert (one.yes, one.by) == (False, "nobody")


def test_a_host_with_nothing_to_choose_is_answered_by_the_flag_of_the_others(runbook, prompt):
    nothing = {"db1": ROWS["db1"], "db2": {"found": []}}
    picked = [Picked("kill", "pids", None, ("7",))]

    assert answer(prompt(picked=picked), gate_of(runbook, "choose"), nothing).chosen == {"db1": [7], "db2": []}
    picked.append(Picked("kill", "pids", "db1", ("none",)))
    said = answer(prompt(picked=picked), gate_of(runbook, "choose"), nothing)
    assert (said.yes, said.chosen) == (False, {"db1": [], "db2": []})


def test_what_is_not_there_can_not_be_chosen(runbook, prompt):
    with pytest.raises(InvalidInputError, match="9 cannot be chosen on db1"):
        answer(prompt(picked=[Picked("kill", "pids", None, ("9",))]), gate_of(runbook, "choose"), ROWS)


def test_a_run_that_asks_nobody_takes_all_and_knows_nothing_of_what_was_interrupted(runbook, prompt):
    said = {kind: answer(prompt(auto=True), gate_of(runbook, kind), ROWS) for kind in ("choose", "confirm", "unknown")}

    assert said["choose"].chosen == {"db1": [7, 8], "db2": [7]}
    assert said["confirm"] == GateAnswer(yes=True, by="nobody", note="nobody was asked: --auto")
    assert (said["unknown"].yes, said["unknown"].by) == (False, "nobody")


@pytest.mark.parametrize("text", ["", "kill", "kill.pids", "kill.pids=", "Kill.pids=1", "=1"])
def test_a_choice_that_is_not_written_as_it_must_be(text):
    with pytest.raises(InvalidInputError, match="write it as"):
        read_picked([text])


def test_a_choice_as_it_is_written():
    assert read_picked(["kill.pids=1,2", "kill.pids@db-1.x=3"]) == [
        Picked("kill", "pids", None, ("1", "2")),
        Picked("kill", "pids", "db-1.x", ("3",)),
    ]
