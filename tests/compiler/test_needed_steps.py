"""Whether a step is needed is decided once for each host, where no host can have its say in it."""

from __future__ import annotations

import pytest

from runner.compiler.needed_steps import decides, defaults, if_needed, if_needed_anywhere, needed, settings
from runner.core.templates import as_title
from runner.kinds.ansible_yaml import Block, Task
from runner.kinds.steps.command_step import CommandStep
from runner.kinds.verifications.exit_code import Exit
from runner.model.step import Step
from runner.model.verification import Verification

ZERO = Verification(says="Zero", kinds=(Exit(exit=0),))
RESCUE = Task("RUN-001/fix-it/rescue | Failed; the runbook continues", "ansible.builtin.debug", {"msg": "no"})
WHEN = "inventory_hostname not in runbook_decided['fix-it'] | default([])"


class Runbook:
    id = "RUN-001"
    on_cancel = ()

    def __init__(self, *procedure):
        self.procedure = procedure


def step(only_if=None):
    return Step(id="fix-it", name="Fix it", action=CommandStep(command="ls"), verify=(ZERO,), only_if=only_if)


def test_a_step_that_is_always_needed_is_compiled_as_before():
    always = step()
    assert list(decides(Runbook(always), always, [], [])) == []
    assert (if_needed(always), if_needed_anywhere(always), defaults([always])) == ({}, {}, {})
    assert settings(Runbook(always), lambda _: ["db1"]) == {}


def test_a_decision_is_a_fact_of_its_own_that_is_true_or_false():
    once = step("used > 90")
    (task,) = decides(Runbook(once), once, [], ["never"])
    assert task.data() == {
        "name": "RUN-001/fix-it/only_if | Only if used > 90",
        "ansible.builtin.set_fact": {"runbook_needs_fix_it": "{{ holds }}"},
        "when": WHEN,
        "vars": {"holds": "{{ used > 90 }}"},
        "failed_when": "runbook_needs_fix_it is not boolean",
        "tags": ["step-fix-it", "decide-fix-it", "never"],
    }
    assert if_needed(once) == {"when": needed("fix-it")}


def test_what_was_decided_is_told_to_the_playbook_and_a_plain_one_knows_of_nothing():
    once = step("used > 90")
    assert settings(Runbook(once), lambda _: ["db1"]) == {"runbook_decided": {"fix-it": ["db1"]}}
    assert defaults([step(), once]) == {"runbook_decided": {}}


def test_a_step_that_may_fail_is_not_done_where_nobody_can_tell_whether_it_is_needed():
    once = step("used > 90")
    (block,) = decides(Runbook(once), once, [RESCUE], [])
    assert isinstance(block, Block)
    assert [task.args for task in block.rescue] == [{"msg": "no"}, {"runbook_needs_fix_it": False}]


@pytest.mark.parametrize(
    ("condition", "title"),
    [("used >\n  90", "used > 90"), ("x == '{# no' and y == {'a': 1}", "x == '(# no' and y == ('a': 1)")],
)
def test_no_template_begins_in_a_title(condition, title):
    assert as_title(condition) == title
