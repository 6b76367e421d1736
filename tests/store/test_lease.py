"""A lease that is not renewed any more tells of a death: no suspension and no jump of a clock does."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from harness import PATIENCE
from harness.fakes import Clock
from hypothesis import given
from hypothesis import strategies as st

from runner.core.errors import AuditError
from runner.store.lease import SILENT_AFTER, Lease, Leases, standing

BEGAN = Clock()()
LEASE = Lease(name="20260101T000000Z-0123abcd", since=BEGAN, pid=4711, process_started=99, calls=({"to": "on-call"},))


def alive(pid):
    return {4711: 99}.get(pid)


def after(seconds, jump=0.0):
    """So many seconds later, of which the wall clock has made others."""
    return replace(BEGAN, wall=BEGAN.wall + timedelta(seconds=seconds + jump), monotonic=BEGAN.monotonic + seconds)


@given(
    life=st.floats(0, 1e6),
    silence=st.floats(0, SILENT_AFTER - 0.001),
    jump=st.floats(-1e8, 1e8),
)
def test_who_has_renewed_of_late_is_alive_whatever_the_wall_clock_says(life, silence, jump):
    renewed = BEGAN.monotonic + life

    assert standing(LEASE, renewed, after(life + silence, jump), alive) == "alive"


@given(life=st.floats(0, 1e6), silence=st.floats(SILENT_AFTER + 0.001, 1e6), jump=st.floats(-1e8, 1e8))
def test_who_exists_and_has_not_renewed_for_long_hangs(life, silence, jump):
    assert standing(LEASE, BEGAN.monotonic + life, after(life + silence, jump), alive) == "hung"


@given(renewed=st.floats(0, 1e9), seconds=st.floats(0, 1e6), jump=st.floats(-1e8, 1e8))
def test_another_boot_and_a_process_that_is_gone_are_a_death_at_once(renewed, seconds, jump):
    now = after(seconds, jump)

    assert standing(LEASE, renewed, replace(now, boot_id="boot-2"), alive) == "dead"
    assert standing(LEASE, renewed, now, lambda _pid: None) == "dead"
    assert standing(LEASE, renewed, now, lambda _pid: 100) == "dead"  # another process has its number by now


@pytest.mark.parametrize("renewed", [0.0, BEGAN.monotonic - 1, 1.8e9], ids=["called for", "older", "not renewed yet"])
def test_a_time_that_no_renewal_can_have_made_counts_as_none(renewed):
    assert standing(LEASE, renewed, after(SILENT_AFTER), alive) == "alive"
    assert standing(LEASE, renewed, after(SILENT_AFTER + 1), alive) == "hung"


@pytest.fixture
def leases(tmp_path):
    return Leases(tmp_path / "leases")


def test_a_lease_is_kept_renewed_and_removed(leases):
    leases.write(LEASE)
    leases.renew(LEASE.name, after(7.25))
    kept = leases.all()
    leases.remove(LEASE.name)

    assert kept == [(LEASE, BEGAN.monotonic + 7.25)]
    assert leases.all() == []


def test_that_people_were_called_is_noted_until_the_process_renews_after_all(leases):
    leases.write(LEASE)
    leases.renew(LEASE.name, after(7))
    before = leases.was_called_for(LEASE.name)
    leases.note_called(LEASE.name)
    noted = leases.was_called_for(LEASE.name)
    leases.renew(LEASE.name, after(60))

    assert (before, noted, leases.was_called_for(LEASE.name)) == (False, True, False)
    assert leases.was_called_for("20260101T000000Z-ffffffff") is False


def test_a_file_that_is_no_lease_is_told_and_hides_no_other(leases, tmp_path):
    leases.write(LEASE)
    (tmp_path / "leases" / "broken.json").write_text("{")
    problems = []

    assert [lease for lease, _ in leases.all(problems)] == [LEASE]
    assert len(problems) == 1
    assert problems[0].startswith(f"{tmp_path}/leases/broken.json is not a lease: ")


def test_a_lease_that_cannot_be_kept_is_an_error(tmp_path):
    (tmp_path / "leases").write_text("")

    with pytest.raises(AuditError, match="leases"):
        Leases(tmp_path / "leases").write(LEASE)


def test_the_lease_of_this_process_is_renewed_until_the_end_of_the_block(leases):
    clock, renewed = Clock(), threading.Event()
    lease = Lease.ours(LEASE.name, clock(), LEASE.calls)
    leases.write(lease)

    def ticking():
        if clock.monotonic > BEGAN.monotonic + 3:
            renewed.set()
        clock.forward(1)
        return clock()

    with leases.renewed(LEASE.name, ticking, every=0.001):
        assert renewed.wait(PATIENCE)
        ((kept, last),) = leases.all()

    assert (kept, standing(lease, last, clock())) == (lease, "alive")
    assert last > BEGAN.monotonic
    assert leases.all() == []


def test_where_nothing_can_be_locked_everybody_calls(tmp_path):
    (tmp_path / "leases").write_text("")

    with Leases(tmp_path / "leases").held() as ours:
        assert ours


def test_one_process_at_a_time_calls_for_leases(leases):
    with leases.held() as first, leases.held() as second:
        assert (first, second) == (True, False)
    with leases.held() as third:
        assert third
