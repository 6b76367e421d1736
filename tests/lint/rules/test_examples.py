"""What each rule's documentation shows as wrong it finds, and what it shows as right it does not."""

from __future__ import annotations

import pytest
import yaml

from runner.lint.engine import rules

BASE = """\
id: RUN-001
title: Disk is full
category: incident
severity: P2
owner: backend-team
trigger: {alert: MON-001}
scope: {handles: [Too little space on the data disk]}
hosts: all
steps:
  - {id: look, name: Look at the disk, command: df /, verify: [{exit: 0}]}
escalation: {when: [step_failed], contacts: [on-call], provide: [timeline]}
"""


def with_example(example):
    given = yaml.safe_load(example)
    rest = {key: item for key, item in yaml.safe_load(BASE).items() if key not in given}
    return example + yaml.safe_dump(rest, sort_keys=False, width=1000)


def test_the_runbook_around_the_examples_has_nothing_wrong(linted):
    assert linted(BASE) == []


@pytest.mark.parametrize("rule", rules().values(), ids=rules().keys())
def test_the_wrong_example_is_found_by_its_rule_alone(linted, rule):
    assert {finding.rule for finding in linted(with_example(rule.wrong))} == {rule.id}


@pytest.mark.parametrize("rule", rules().values(), ids=rules().keys())
def test_the_right_example_has_no_finding(linted, rule):
    assert linted(with_example(rule.right)) == []


@pytest.mark.parametrize("rule", rules().values(), ids=rules().keys())
def test_a_rule_says_in_a_sentence_what_it_is_about(rule):
    assert rule.problem.endswith(".")
    assert set(rule.gives_way_to) <= set(rules()) - {rule.id}
