"""People read a diagnosis as a tree, whatever the order in which its steps are done."""

from __future__ import annotations

from harness.engine import change
from harness.fakes import runbook_file

from runner.library.library import Library
from runner.model.procedure.step_numbers import labels, reading_order, tree


def test_each_branch_stands_below_what_decides_and_those_in_which_nothing_is_done_at_its_end(tmp_path):
    inner = {
        "id": "inner",
        "name": "How far?",
        "decide": [{"if": {"command": "pgrep far"}, "says": "Far", "then": [change("go")]}, {"else": "nothing"}],
    }
    outer = {
        "id": "outer",
        "name": "Which way?",
        "decide": [{"if": "wide", "stop": "Too wide"}, {"if": "long", "then": [inner]}, {"else": "nothing"}],
    }
    runbook_file(tmp_path, steps=[change("before"), outer, change("after")])
    steps = Library(tmp_path).source("RUN-001").runbook.steps

    read = [
        line
        for item in tree(steps)
        for line in (
            *([(item.heading.label, item.heading.text)] if item.heading else []),
            (item.label, steps[item.at].id),
            *((each.label, each.text) for each in item.closing),
        )
    ]

    assert read == [
        ("1", "before"),
        ("2", "outer"),
        ("2a", "if wide"),
        ("2a.1", "outer-a-ends"),
        ("2b", "if long"),
        ("2b.1", "inner"),
        ("2b.1a", "if Far"),
        ("2b.1a", "inner-a"),
        ("2b.1a.1", "go"),
        ("2b.1b", "else: nothing is done"),
        ("2c", "else: nothing is done"),
        ("3", "after"),
    ]
    assert [item.depth for item in tree(steps)] == [0, 0, 1, 1, 2, 2, 0]
    assert sorted(labels(steps), key=reading_order) == [item.label for item in tree(steps)]
