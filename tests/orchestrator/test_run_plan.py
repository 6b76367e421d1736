"""A plan says where each step is done, how many hosts may fail, and whether the inventory is still what it was."""

from __future__ import annotations

import pytest
from harness.engine import change
from harness.fake_run import request_in

from runner.core.errors import ExecutionError, UnreachableError
from runner.core.events import Outcome
from runner.executor.host_ledger import Ledger
from runner.executor.target import Target
from runner.orchestrator.run_plan import RunPlan, target_of
from runner.store.run_state import RunState


def target(**machines):
    return Target({"all": tuple(machines)}, dict.fromkeys(machines, "staging"), machines)


@pytest.fixture
def plan(tmp_path):
    request = request_in(tmp_path, steps=[change("one"), change("two", on_failure="continue")], max_failures="50%")
    return RunPlan(request, target(a="10.0.0.1", b="10.0.0.2"))


def test_every_step_is_expected_on_each_of_its_hosts(plan):
    ledger = Ledger("run")

    plan.expect_in(ledger)

    assert sorted(ledger.entries) == [(step, host) for step in ("one", "two") for host in ("a", "b")]
    assert (plan.names, plan.may_fail, len(list(plan.batches()))) == (("a", "b"), 1, 1)
    assert all(entry.outcome is None for entry in ledger.entries.values())


def test_a_host_is_lost_by_a_step_after_which_nothing_goes_on(plan):
    ledger = Ledger("run")
    plan.expect_in(ledger)
    ledger.entries["one", "a"].outcome = Outcome.FAILED
    ledger.entries["two", "b"].outcome = Outcome.FAILED

    assert plan.lost(ledger) == ["a"]


def test_other_hosts_and_other_machines_than_at_the_start_are_refused(plan):
    plan.check_same_hosts(target(a="10.0.0.1"))
    with pytest.raises(ExecutionError, match="the inventory names other hosts than at the start: c"):
        plan.check_same_hosts(target(a="10.0.0.1", c="10.0.0.3"))
    with pytest.raises(ExecutionError, match=r"b is another machine .* it was at 10.0.0.2, and is at 10.0.0.9"):
        plan.check_same_hosts(target(a="10.0.0.1", b="10.0.0.9"))


def test_a_host_that_the_inventory_no_longer_has_is_missed(plan):
    plan.check_all_hosts(target(a="10.0.0.1", b="10.0.0.2"))
    with pytest.raises(UnreachableError, match="the inventory no longer has b"):
        plan.check_all_hosts(target(a="10.0.0.1"))


def test_the_hosts_of_an_earlier_run_are_those_of_its_state():
    state = RunState(
        *("run", "RUN-001", "T", "2026-01-01", "alice"),
        target={"all": ["a"]},
        environments={"a": "lab"},
        machines={"a": "10.0.0.1"},
    )

    assert target_of(state) == Target({"all": ("a",)}, {"a": "lab"}, {"a": "10.0.0.1"})


def test_another_machine_that_works_for_the_hosts_is_refused_and_missed(tmp_path):
    def seen(**machines):
        return Target({"all": ("a",)}, {}, {"a": "10.0.0.1", **machines}, delegates={"lb": tuple(machines)})

    plan = RunPlan(request_in(tmp_path, steps=[change("one", on="lb")]), seen(lb1="10.0.0.8"))

    plan.check_same_hosts(seen(lb1="10.0.0.8"))
    with pytest.raises(ExecutionError, match="names other hosts than at the start: lb2"):
        plan.check_same_hosts(seen(lb2="10.0.0.8"))
    with pytest.raises(ExecutionError, match=r"lb1 is another machine .* it was at 10.0.0.8, and is at 10.0.0.9"):
        plan.check_same_hosts(seen(lb1="10.0.0.9"))
    with pytest.raises(UnreachableError, match="the inventory no longer has lb1"):
        plan.check_all_hosts(seen())
