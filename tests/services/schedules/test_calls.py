"""Who is called for what was missed or refused, and when the scheduler is dead."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from harness.fault_server import FaultServer
from harness.scheduler import MINUTE, Scheduler, schedule

from runner.services.dead_runs import call_for_leases
from runner.services.schedules.calls import NAME as LEASE
from runner.services.schedules.calls import call_for_decisions, scheduler_lease
from runner.store.lease import SILENT_AFTER

NAME = "RUN-020/nightly"
CONTACTS = "on-call: {{name: On call, channels: [{{webhook: {{url: '{0}'}}}}]}}\nops: {{name: Ops, channels: [{{webhook: {{url: '{0}'}}}}]}}\nbackend-team: {{name: T}}\n"


@pytest.fixture
def server():
    with FaultServer("200") as server:
        yield server


@pytest.fixture
def scheduler(tmp_path, server):
    scheduler = Scheduler(tmp_path)
    return scheduler, lambda *written, **changes: _write(scheduler, server, *written, **changes)


def _write(scheduler, server, *written, **changes):
    path = scheduler.write(*written, **changes)
    (scheduler.directory / "runbooks" / "contacts.yml").write_text(CONTACTS.format(server.url))
    return path


def called(scheduler, days=0):
    scheduler.looks()
    return sent(scheduler, scheduler.looks(timedelta(days=days, hours=9)).decided)


def sent(scheduler, decided):
    problems = []
    called = call_for_decisions(scheduler.env, scheduler.library, decided, problems)
    assert problems == []
    return [(each.contact, each.receipt.ok) for each in called.sent]


@pytest.mark.parametrize(
    ("severity", "on_missed", "expected"),
    [
        ("P2", ["ops"], [("ops", True)]),
        ("P1", ["ops"], [("ops", True)]),
        ("P1", None, [("on-call", True)]),
        ("P2", None, []),
    ],
)
def test_a_missed_occurrence_is_told_to_those_that_it_names(scheduler, server, severity, on_missed, expected):
    scheduler, write = scheduler
    write(schedule(on_missed=on_missed), severity=severity)

    assert called(scheduler) == expected
    told = [body for body in server.bodies if b"RUN-020/nightly of 2026-12-06 02:30 UTC was missed" in body]
    assert len(told) == len(expected)


def test_what_was_missed_together_is_told_together(scheduler, server):
    scheduler, write = scheduler
    write(schedule(on_missed=["ops"]))

    assert called(scheduler, days=2) == [("ops", True)]
    assert [b"of 2026-12-08 02:30 UTC, and 2 before it, was missed" in body for body in server.bodies] == [True]


def test_what_ran_or_was_skipped_calls_nobody(scheduler):
    scheduler, write = scheduler
    write(schedule(window="04:00-05:00", on_missed=["ops"]), severity="P1")
    scheduler.looks()
    (skipped,) = scheduler.looks(timedelta(hours=2, minutes=30)).decided

    assert skipped.state == "skipped"
    assert sent(scheduler, [skipped]) == []


def test_what_a_broken_runbook_kept_from_beginning_is_told_as_well(scheduler, server):
    scheduler, write = scheduler
    write(schedule(on_missed=["ops"]))
    scheduler.looks()
    path = write(schedule(on_missed=["ops"]), severity="P9")
    (refused,) = scheduler.looks(timedelta(hours=2, minutes=30)).decided
    path.write_text("id: RUN-020\n  title: torn\n")
    (again,) = scheduler.looks(timedelta(days=1)).decided

    assert (refused.state, again.state) == ("refused", "refused")
    assert (sent(scheduler, [refused]), sent(scheduler, [again])) == ([("ops", True)], [("ops", True)])
    assert [b"RUN-020.yml:" in body for body in server.bodies] == [True, True]


def test_those_who_were_not_called_as_the_scheduler_died_are_called_by_the_next_look_once(scheduler):
    scheduler, write = scheduler
    write(schedule(on_missed=["ops"]))
    scheduler.looks()
    missed = scheduler.looks(timedelta(hours=9)).decided  # and dies
    soon, later = scheduler.looks(MINUTE), scheduler.looks(MINUTE)

    assert (soon.untold, [each.planned for each in later.untold]) == ((), [each.planned for each in missed])
    assert sent(scheduler, later.untold) == [("ops", True)]
    assert scheduler.looks(MINUTE).untold == ()


def test_a_scheduler_that_hangs_is_called_for_once_and_its_end_leaves_no_lease(scheduler, server):
    scheduler, write = scheduler
    write(schedule(on_missed=["ops"]))
    leases = scheduler.env.state.leases
    with scheduler_lease(scheduler.env, scheduler.library):
        ((lease, _),) = leases.all()
        assert (lease.name, lease.machine) == (f"{LEASE}-controller.example", "controller.example")
        assert call_for_leases(scheduler.env, set()).sent == ()
        scheduler.clock.forward(SILENT_AFTER + 1)
        elsewhere = replace(scheduler.env, actor=replace(scheduler.env.actor, host="other.example"))
        assert call_for_leases(elsewhere, set(), pause=lambda _seconds: None).sent == ()
        sent = call_for_leases(scheduler.env, set(), pause=lambda _seconds: None).sent
        assert [(each.contact, each.receipt.status) for each in sent] == [("ops", "accepted")]
    assert leases.all() == []
    assert any(b"the scheduler that was to begin what is planned is dead" in body for body in server.bodies)
