"""A person is asked where there is one; where there is none, only what a flag has answered in advance passes."""

from __future__ import annotations

import io
import sys
from contextlib import contextmanager

import click
import pytest
from fakes import runbook_file

from runner.cli.operator import Prompt
from runner.definition.catalog import Library
from runner.execution.spans import Gate
from runner.request import Answer

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

    def make(*, yes=False, confirmed=()):
        return Prompt(runbook, "alice", yes=yes, confirmed=confirmed, pause=pause)

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
    clean, walk = runbook.steps
    return {
        "approve": Gate(clean, "approve", clean.approve),
        "confirm": Gate(clean, "confirm", "The service is well", 2),
        "manual": Gate(walk, "manual", "Walk to the machine"),
    }[kind]


def answer(prompt, gate, captured=None):
    return prompt.answer(gate, hosts=["db1", "db2"], captured=captured or {})


@pytest.mark.parametrize(
    ("kind", "flag"), [("approve", "--yes"), ("confirm", "--confirm clean"), ("manual", "--confirm walk")]
)
def test_without_a_terminal_it_is_no_and_the_flag_is_told(runbook, prompt, paused, kind, flag):
    said = answer(prompt(), gate_of(runbook, kind))

    assert said == Answer(yes=False, by="nobody", note=f"there is no terminal to ask on; {flag} answers in advance")
    assert paused == []


@pytest.mark.parametrize("which", ["stdin", "stderr"])
def test_half_a_terminal_is_none(runbook, prompt, typed, monkeypatch, which):
    typed("y")
    monkeypatch.setattr(sys, which, io.StringIO("y\n"))

    assert answer(prompt(), gate_of(runbook, "approve")).by == "nobody"


def test_yes_in_advance_approves_and_vouches_for_nothing_else(runbook, prompt):
    said = {kind: answer(prompt(yes=True), gate_of(runbook, kind)) for kind in ("approve", "confirm", "manual")}

    assert said["approve"] == Answer(yes=True, by="alice", note="given in advance with --yes")
    assert (said["confirm"].yes, said["manual"].yes) == (False, False)


def test_to_vouch_in_advance_for_a_step_approves_nothing_and_holds_for_no_other_step(runbook, prompt):
    said = {
        kind: answer(prompt(confirmed=["clean"]), gate_of(runbook, kind)) for kind in ("approve", "confirm", "manual")
    }

    assert said["confirm"] == Answer(yes=True, by="alice", note="given in advance with --confirm")
    assert (said["approve"].yes, said["manual"].yes) == (False, False)


def test_who_is_asked_to_approve_sees_what_it_is_about(runbook, prompt, typed, paused):
    screen = typed("y")

    said = answer(prompt(), gate_of(runbook, "approve"), {"db1": {"pids": [1, 2]}, "other": {"pids": [3]}})

    assert (said, paused) == (Answer(yes=True, by="alice"), ["off", "on"])
    assert click.unstyle(screen.getvalue()).splitlines()[:8] == [
        "",
        "Remove old files",
        "  why     There is too little space",
        "  hosts   db1, db2",
        "  effect  destructive",
        "  does    rm -r /old",
        "  knows   db1: pids = 1, 2",
        "",
    ]
    assert "  Remove them?\n  Go ahead? (y)es, (n)o, (e)scalate: " in screen.getvalue()


@pytest.mark.parametrize(
    ("kind", "lines", "expected"),
    [
        ("approve", ["y"], Answer(yes=True, by="alice")),
        ("approve", ["Y"], Answer(yes=True, by="alice")),
        ("approve", ["n"], Answer(yes=False, by="alice")),
        ("approve", ["", "what", "yes", "n"], Answer(yes=False, by="alice")),
        ("confirm", ["y", "saw it"], Answer(yes=True, by="alice", note="saw it")),
        ("confirm", ["y", ""], Answer(yes=True, by="alice")),
        ("confirm", ["n"], Answer(yes=False, by="alice")),
        ("manual", ["y", "walked"], Answer(yes=True, by="alice", note="walked")),
        ("manual", ["y", "caf\udce9"], Answer(yes=True, by="alice", note="caf\\udce9")),
        ("approve", ["e", "2"], Answer(yes=False, by="alice", declared="Nobody knows why")),
        ("approve", ["e", "", "it is on fire"], Answer(yes=False, by="alice", declared="it is on fire")),
        ("manual", ["e", "0"], Answer(yes=False, by="alice", declared="0")),
        ("manual", ["e", "3"], Answer(yes=False, by="alice", declared="3")),
        ("manual", ["e", "²"], Answer(yes=False, by="alice", declared="²")),
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
