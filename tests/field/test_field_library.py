"""20 public playbooks of rolling releases, backups and failovers, as runbooks in our own words.

Each names the playbook whose procedure it is.
"""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest
from harness import TESTS

from runner.compiler.committed_playbook import is_stale
from runner.library.library import Library
from runner.services.authoring.lint_runbooks import LintRequest, lint_runbooks

FIELD = TESTS / "field" / "library"
LIBRARY = Library(FIELD)
ORIGIN = re.compile(r"# Origin of the procedure: ([\w.-]+/[\w.-]+), (\S+\.yml)\b")


@pytest.fixture(scope="module")
def sources():
    """The runbooks with an origin, and those that they call."""
    return [LIBRARY.source(runbook) for runbook in LIBRARY.ids()]


@pytest.fixture(scope="module")
def procedures(sources):
    """The runbooks of which each is a public playbook's procedure."""
    return {source.runbook.id: source for source in sources if ORIGIN.match(Path(source.path).read_text())}


def test_each_of_twenty_says_whose_procedure_it_is(procedures, sources):
    origins = [ORIGIN.match(Path(source.path).read_text()).groups() for source in procedures.values()]

    assert len(set(origins)) == len(origins) == 20
    called = {step.runs.run for source in sources for step in source.runbook.procedure if step.runs}
    assert {source.runbook.id for source in sources} == {*procedures, *called}


def test_nothing_is_wrong_with_any_of_them():
    request = LintRequest(library=LIBRARY, today=date(2026, 1, 1), inventories=(FIELD / "inventories" / "example",))

    assert lint_runbooks(LIBRARY.ids(), request, workers=1).findings == []


def test_the_playbooks_are_what_they_compile_to(sources):
    stale = [source.runbook.id for source in sources if is_stale(LIBRARY, source)]

    assert stale == [], "runbook --library tests/field/library compile"


def test_at_least_eighteen_need_no_shell(procedures, sources):
    by_shell = {
        source.runbook.id
        for source in sources
        for step in (*source.runbook.prerequisites, *source.runbook.procedure)
        for action in (step.action, step.undo and step.undo.action)
        if action is not None and action.key in {"shell", "script"}
    }

    assert len(procedures.keys() - by_shell) >= 18
    assert by_shell == set()


def test_every_step_that_changes_something_is_taken_back_or_says_that_nothing_does(sources):
    changing = [
        (source.runbook.id, step.id)
        for source in sources
        for step in source.runbook.steps
        if step.effect != "read" and step.action is not None and step.runs is None
        if step.undo is None and step.reversible is None
    ]

    assert changing == []


@pytest.mark.parametrize("word", ["each", "on", "only_if", "undo", "runs", "choose", "approve", "capture"])
def test_each_construct_is_used(sources, word):
    assert any(getattr(step, word) for source in sources for step in source.runbook.procedure)
