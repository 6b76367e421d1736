"""What a run can know for whoever is called, and by which words; a run that knows it hands it over by the same words."""

from __future__ import annotations

import pytest
from harness.engine import FAILED, Engine, change
from harness.fakes import runbook_file
from hypothesis import given
from hypothesis import strategies as st

from runner.library.library import Library
from runner.model.provided_items import item_names, known_items
from runner.render.handoff.hand_off import hand_off
from runner.render.history.run_history import history

STEPS = [
    {
        "id": "count",
        "name": "Count the sessions",
        "command": "count",
        "capture": {"stuck": "stdout"},
        "verify": [{"exit": 0}],
    },
    {"id": "look", "name": "Look at the log", "manual": "Look", "verify": [{"confirm": "You have seen it"}]},
    {"id": "only-check", "name": "Only check", "verify": [{"says": "Up", "command": "up"}]},
]
WAITS = {"says": "Up soon", "command": "up", "within": "2s", "every": "1s"}


@pytest.mark.parametrize(("waits", "trend"), [(False, []), (True, ["trend"])])
def test_what_a_run_can_know_is_of_every_run_given_captured_or_printed(tmp_path, waits, trend):
    inputs = {"incident": {"type": "string", "help": "The incident"}}
    last = {"id": "wait", "name": "Wait", "verify": [WAITS]} if waits else STEPS[-1]
    path = runbook_file(tmp_path, steps=[*STEPS[:2], last], inputs=inputs)

    known = known_items(Library(tmp_path).source(str(path)).runbook)

    assert known == ("timeline", "actions", "failure", *trend, "incident", "stuck", "count", "count_the_sessions")


def test_what_the_check_knows_the_hand_off_has(tmp_path, monkeypatch):
    engine = Engine(tmp_path, monkeypatch)
    engine.ansible.answers["two", "action"] = FAILED
    engine.run(change("one"), change("two"))

    known = [name for name in known_items(engine.asked_for.source.runbook) if name not in {"one", "two"}]

    assert hand_off("r", history(engine.records), known).missing == ()


@given(st.text(max_size=40))
def test_an_item_is_known_by_its_own_name(label):
    name, *words = item_names(label)

    assert item_names(name)[0] == name
    assert all(word in name for word in words)
