"""The seven marks of a runbook, each with what speaks against it."""

from __future__ import annotations

from datetime import date, timedelta

from harness.fakes import runbook_file
from harness.runbook_files import read_runbook

from runner.lint.engine import rules
from runner.lint.rules.base import Criterion
from runner.lint.score import QUESTIONS, TEST_AGE, score
from runner.model.yaml.finding import Finding, Level

TODAY = date(2026, 7, 1)


def finding(rule, level):
    return Finding("RUN-001.yml", 7, 1, "", level, rule, "It is wrong.")


def unmet(tmp_path, *findings, tested=TODAY, excludes=("Databases",)):
    runbook = read_runbook(runbook_file(tmp_path, scope={"handles": ["Disks"], "excludes": list(excludes)}))
    marks = score(runbook, findings, tested=tested, today=TODAY)
    assert [mark.criterion for mark in marks] == list(Criterion) == list(QUESTIONS)
    return {mark.criterion: mark.reasons for mark in marks if not mark.met}


def test_what_has_no_finding_and_was_tested_meets_all(tmp_path):
    assert unmet(tmp_path) == {}


def test_a_finding_speaks_against_the_criterion_of_its_rule_unless_it_only_informs(tmp_path):
    name, rule = next(iter(rules().items()))

    assert unmet(tmp_path, finding(name, Level.WARNING)) == {rule.criterion: (f"{name} in line 7",)}
    assert unmet(tmp_path, finding(name, Level.INFO), finding("of-the-reader", Level.ERROR)) == {}


def test_a_scope_excludes_something_and_a_test_grows_old(tmp_path):
    old = TODAY - TEST_AGE - timedelta(days=1)

    assert unmet(tmp_path, excludes=()) == {Criterion.SCOPED: ("names nothing that it does not handle",)}
    assert unmet(tmp_path, tested=TODAY - TEST_AGE) == {}
    assert unmet(tmp_path, tested=old) == {Criterion.TESTED: (f"last passed on {old}, 181 days ago",)}
    assert unmet(tmp_path, tested=None) == {Criterion.TESTED: ("the record has no run of this text that passed",)}
