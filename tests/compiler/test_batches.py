"""Who is worked on when: batches as Ansible counts them, and the fewest invocations that do what is still to be done."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.compiler.batches import Batch, batches, fewest_batches, plays, portion
from runner.executor.target import Target
from runner.kinds.verifications.exit_code import Exit
from runner.model.runbook import Runbook
from runner.model.step import Step

HOSTS = ("h1", "h2", "h3", "h4", "h5", "h6", "h7")


def step(name, hosts=None):
    return Step.model_construct(id=name, hosts=hosts, action=None, verify=())


def runbook(*steps, prerequisites=(), serial=None):
    return Runbook.model_construct(hosts="all", steps=steps, prerequisites=prerequisites, serial=serial)


A, B, C = step("a"), step("b"), step("c", "db")
TARGET = Target({"all": HOSTS, "db": HOSTS[:2]}, dict.fromkeys(HOSTS, "lab"))


def test_without_batches_everything_is_done_together():
    assert list(batches(runbook(A, B, C), TARGET)) == [Batch((A, B, C), HOSTS)]


@pytest.mark.parametrize(
    ("serial", "sizes"),
    [([1], [1] * 7), ([1, 2], [1, 2, 2, 2]), ([1, 2, 4], [1, 2, 4]), (["30%"], [2, 2, 2, 1]), (["1%"], [1] * 7)],
)
def test_a_few_hosts_at_a_time(serial, sizes):
    found = list(batches(runbook(A, B, serial=serial), TARGET))

    assert [len(batch.hosts) for batch in found] == sizes
    assert [host for batch in found for host in batch.hosts] == list(HOSTS)
    assert all(batch.steps == (A, B) for batch in found)


def test_what_is_only_probed_is_probed_everywhere_before_the_first_batch():
    found = list(batches(runbook(B, C, prerequisites=(A,), serial=[4]), TARGET))

    assert found == [Batch((A,), HOSTS), Batch((B,), HOSTS[:4]), Batch((B,), HOSTS[4:]), Batch((C,), HOSTS[:2])]


def test_steps_with_the_same_pattern_are_one_play():
    assert list(plays(runbook(A, B, C, A))) == [("all", (A, B)), ("db", (C,)), ("all", (A,))]


@pytest.mark.parametrize(("some", "number"), [(3, 3), ("50%", 3), ("100%", 7), ("0%", 0), ("14%", 0), ("15%", 1)])
def test_a_share_is_rounded_down(some, number):
    assert portion(some, 7) == number


PENDING = st.lists(
    st.tuples(st.sets(st.sampled_from(HOSTS[:4]), min_size=1), st.sets(st.sampled_from(HOSTS[:4]))),
    min_size=1,
    max_size=6,
)


@given(PENDING)
def test_each_step_is_done_on_exactly_the_hosts_that_wait_for_it(drawn):
    # Given steps that have hosts, some of which are done already
    steps = [step(f"s{number}") for number in range(len(drawn))]
    has = {each.id: hosts | waits for each, (hosts, waits) in zip(steps, drawn, strict=True)}
    waits = {each.id: waits for each, (_, waits) in zip(steps, drawn, strict=True)}
    # When
    found = list(fewest_batches(steps, on=lambda each: sorted(waits[each.id]), of=lambda each: sorted(has[each.id])))
    # Then each is done where it waits, in order, and nowhere else
    done = [(each.id, has[each.id] & set(batch.hosts)) for batch in found for each in batch.steps]
    assert done == [(each.id, waits[each.id]) for each in steps if waits[each.id]]
    # and two neighbours could not have been one
    for one, two in pairwise(found):
        together = set(one.hosts) | set(waits[two.steps[0].id])
        assert any(has[each.id] & together != waits[each.id] for each in (*one.steps, two.steps[0]))


def test_a_fresh_run_is_one_invocation():
    assert list(fewest_batches((A, B), on=lambda _: HOSTS, of=lambda _: HOSTS)) == [Batch((A, B), HOSTS)]
    assert Exit(exit=0).exit == (0,)


def test_what_another_machine_does_is_done_for_one_host_at_a_time():
    there = Step.model_construct(id="there", on="lb", action=None, verify=())
    steps, hosts = [A, there, B], HOSTS[:2]

    found = list(fewest_batches(steps, on=lambda _: hosts, of=lambda _: hosts))

    assert found == [Batch((A,), hosts), Batch((there,), hosts[:1]), Batch((there,), hosts[1:]), Batch((B,), hosts)]


def test_what_another_machine_does_for_one_host_goes_along_with_what_stands_around_it():
    there = Step.model_construct(id="there", on="lb", action=None, verify=())
    waits = {"there": HOSTS[:1]}

    found = list(fewest_batches((A, there, B), on=lambda each: waits.get(each.id, HOSTS[:1]), of=lambda _: HOSTS[:1]))
    more = list(fewest_batches((A, there, B), on=lambda each: waits.get(each.id, HOSTS), of=lambda _: HOSTS))

    assert found == [Batch((A, there, B), HOSTS[:1])]
    assert more == [Batch((A,), HOSTS), Batch((there,), HOSTS[:1]), Batch((B,), HOSTS)]
