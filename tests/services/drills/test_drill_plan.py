"""What a drill would do to hosts that stay is known before, and production is refused by whatever way it is reached."""

from __future__ import annotations

from datetime import timedelta

import pytest
from harness.fakes import runbook_file

from runner.core.errors import InvalidInputError
from runner.lab.drills.plain_ansible import Inventory, PlainAnsible
from runner.library.library import Library
from runner.render.drills.drill_result import DrillTest
from runner.services.drills.drill_plan import DrillStepPlan, plan_drill
from runner.services.drills.drill_task import DrillTask

DRILL = {
    "probe": {"http": "http://app/health"},
    "inject": {"name": "Fill the disk", "hosts": "app[0]", "shell": "rm -rf {{ data }}/*", "effect": "destructive"},
    "symptom": {"that": "status == 503"},
    "proof": {"command": "cat /srv/page", "that": "stdout == 'hello'"},
    "undo": {"name": "Put it back", "hosts": "app[0]", "command": "restore {{ data }}"},
    "budget": "3m",
}


def planned(tmp_path, environment="staging", **changes):
    runbook_file(tmp_path, hosts="app", drill={**DRILL, **changes})
    library = Library(tmp_path)
    source = library.usable("RUN-001")
    about = {"runbook_environment": environment, "data": "/srv/data"}
    inventory = Inventory({"app": ["app1", "app2"]}, {"app1": about, "app2": about})
    ansible = PlainAnsible([], tmp_path)
    task = DrillTask(library, source, source.runbook.drill[0], DrillTest.AS_WRITTEN, ansible, inventory, "staging")
    return plan_drill(task, {})


def test_what_is_broken_where_for_how_long_and_how_it_is_taken_back(tmp_path):
    plan = planned(tmp_path)

    assert plan.breaks == (DrillStepPlan("Fill the disk", ("app1",), "rm -rf /srv/data/*", "rm -rf /srv/data"),)
    assert plan.takes_back == (DrillStepPlan("Put it back", ("app1",), "restore /srv/data"),)
    assert (plan.at_most, plan.asks, plan.hosts) == (timedelta(minutes=5), True, ("app1",))
    assert [undo.host for undo in plan.undos] == ["app1"]


def test_in_a_lab_nobody_is_asked_and_nothing_is_armed(tmp_path):
    plan = planned(tmp_path, "lab", inject={**DRILL["inject"], "hosts": "app"})

    assert (plan.asks, plan.undos) == (False, ())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"inject": {**DRILL["inject"], "hosts": "app"}}, r"breaks 2 hosts \(app1, app2\), and may break 1"),
        ({"inject": {**DRILL["inject"], "timeout": "5m"}}, "may still go on after 300 s, when it is taken back"),
        ({"undo": []}, "has no `undo`"),
    ],
)
def test_what_could_not_be_taken_back_is_refused(tmp_path, changes, message):
    with pytest.raises(InvalidInputError, match=message):
        planned(tmp_path, **changes)


def test_more_hosts_may_be_allowed(tmp_path):
    both = {"inject": {**DRILL["inject"], "hosts": "app"}, "undo": {**DRILL["undo"], "hosts": "app"}, "max_hosts": 2}

    assert planned(tmp_path, **both).hosts == ("app1", "app2")


def test_a_step_on_another_machine_breaks_that_one(tmp_path):
    on_other = {"inject": {**DRILL["inject"], "on": "app2"}, "undo": {**DRILL["undo"], "hosts": "app[1]"}}

    plan = planned(tmp_path, **on_other)

    assert [step.hosts for step in plan.breaks] == [("app2",)]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"inject": {**DRILL["inject"], "on": "shop.prod.example"}},
            "the inventory has no host for 'shop.prod.example'",
        ),
        (
            {"proof": {"hosts": "app", "verify": [{"port": {"open": 80, "from": "shop.prod.example"}}]}},
            "the inventory has no host for 'shop.prod.example'",
        ),
        ({"inject": {**DRILL["inject"], "on": "app"}}, "'app', which the drill names, is not one host"),
    ],
)
def test_a_machine_that_is_none_of_the_inventory_is_never_reached(tmp_path, changes, message):
    with pytest.raises(InvalidInputError, match=message):
        planned(tmp_path, **changes)
