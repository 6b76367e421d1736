"""A policy is what the inventory demands; of several, all of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.core.errors import InvalidInputError
from runner.model.category import Category
from runner.model.run_policy import RequiredProof, RunPolicy, each_policy, strictest

POLICIES = st.builds(
    RunPolicy,
    proof=st.none() | st.builds(RequiredProof, within=st.timedeltas(timedelta(seconds=1), timedelta(days=90))),
    four_eyes=st.booleans(),
    max_hosts=st.none() | st.integers(1, 1000),
    shared_account=st.booleans(),
)


def read_policies(policies):
    return strictest(each_policy(policies))


def test_no_policy_demands_nothing():
    assert read_policies({}) == RunPolicy(proof=None, four_eyes=False, max_hosts=None)


def test_a_policy_as_an_inventory_writes_it():
    written = {"proof": {"within": "3d"}, "four_eyes": True, "max_hosts": 5}

    assert read_policies({"db1": written}) == RunPolicy(
        proof=RequiredProof(within=timedelta(days=3)), four_eyes=True, max_hosts=5
    )
    assert read_policies({"db1": {"proof": {}}}).proof == RequiredProof(within=timedelta(days=7))


def test_of_several_hosts_the_strictest_counts_whichever_demands_it():
    written = {
        "db1": {"max_hosts": 5, "proof": {"within": "7d"}},
        "db2": {"max_hosts": 2, "proof": {"within": "14d"}},
        "app1": {"four_eyes": True},
    }

    assert read_policies(written) == RunPolicy(
        proof=RequiredProof(within=timedelta(days=7)), four_eyes=True, max_hosts=2
    )


def test_a_shared_account_is_one_only_where_each_host_says_so():
    shared = {"shared_account": True}

    assert read_policies({"db1": shared, "db2": shared}).shared_account
    assert not read_policies({"db1": shared, "db2": {}}).shared_account
    assert not read_policies({"db1": shared, "db2": None}).shared_account
    assert not read_policies({}).shared_account


def test_who_may_run_is_written_by_category():
    assert read_policies({"db1": {"may_run": {"deployment": ["dave"]}}}).may_run == {}
    (policy,) = each_policy({"db1": {"may_run": {"deployment": ["dave"]}}})

    assert policy.may_run == {Category.DEPLOYMENT: ("dave",)}


@given(st.lists(POLICIES))
def test_the_strictest_is_at_least_as_strict_as_each_and_no_order_matters(policies):
    whole = strictest(policies)

    assert whole == strictest(reversed(policies)) == strictest([whole, *policies])
    for policy in policies:
        assert whole.four_eyes >= policy.four_eyes
        assert whole.shared_account <= policy.shared_account
        assert policy.max_hosts is None or whole.max_hosts <= policy.max_hosts
        assert policy.proof is None or whole.proof.within <= policy.proof.within


@pytest.mark.parametrize(
    ("written", "message", "guess"),
    [
        ({"max_host": 5}, "db1: runbook_policy.max_host: unknown key 'max_host'", "did you mean 'max_hosts'? "),
        (
            {"may_run": {"deploy": ["dave"]}},
            "db1: runbook_policy.may_run.deploy: must be incident, deployment, maintenance, recovery or "
            "escalation, not 'deploy'",
            "did you mean 'deployment'? ",
        ),
        ({"may_run": {"deployment": []}}, "db1: runbook_policy.may_run.deployment: is an empty list", ""),
        ({"max_hosts": 0}, "db1: runbook_policy.max_hosts: must be greater than or equal to 1, not 0", ""),
        (
            {"proof": {"within": 7}},
            "db1: runbook_policy.proof.within: 7 has no unit; write it like 30s, 5m or 1h30m",
            "",
        ),
        ("strict", "db1: runbook_policy: must be a mapping, not text", ""),
    ],
)
def test_a_policy_that_can_not_be_understood_is_refused_and_not_guessed(written, message, guess):
    with pytest.raises(InvalidInputError) as caught:
        read_policies({"db1": written})

    assert caught.value.message == message
    assert caught.value.hint == f"{guess}correct it in the inventory; a policy has {', '.join(RunPolicy.model_fields)}"
