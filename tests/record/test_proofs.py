"""A proof is a run that passed, and nothing that anybody typed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from runner.events import Event, EventType, Outcome
from runner.record.audit_log import read
from runner.record.proofs import Proof, newest, proofs

FIRST = {"runbook": "RUN-001", "runbook_sha256": "aa", "playbook_sha256": "bb"}


def story(run, outcome, *, environment="staging", **changes):
    yield Event(EventType.RUN_STARTED, run, data={**FIRST, **changes})
    if environment:
        yield Event(EventType.TARGET_RESOLVED, run, data={"environment": environment, "hosts": ["db1"]})
    yield Event(EventType.RUN_FINISHED, run, data={"outcome": outcome})


def found(log):
    return list(proofs(read(log.path)))


def test_each_run_that_passed_is_a_proof_of_what_it_ran_and_where(log):
    log.append(*story("run-1", Outcome.PASSED), *story("run-2", Outcome.PASSED, environment="", runbook="RUN-002"))

    assert [(each.runbook, each.environment, each.run) for each in found(log)] == [
        ("RUN-001", "staging", "run-1"),
        ("RUN-002", "", "run-2"),
    ]
    assert (found(log)[0].runbook_sha256, found(log)[0].playbook_sha256) == ("aa", "bb")


def test_a_run_that_did_not_pass_or_never_ended_proves_nothing(log):
    log.append(*story("run-1", Outcome.FAILED), *list(story("run-2", Outcome.PASSED))[:2])
    log.append(Event(EventType.RUN_ABANDONED, "run-2", data={"outcome": Outcome.UNKNOWN}))

    assert found(log) == []


def test_a_run_that_was_gone_on_with_proves_only_one_and_the_same_text(log):
    first, aimed, last = story("run-1", Outcome.PASSED)
    again = Event(EventType.RUN_RESUMED, "run-1", data=FIRST)
    log.append(first, aimed, again, last)
    other = list(story("run-2", Outcome.PASSED))
    log.append(*other[:2], Event(EventType.RUN_RESUMED, "run-2", data={**FIRST, "playbook_sha256": "cc"}), other[2])

    assert [each.run for each in found(log)] == ["run-1"]


def test_an_end_without_a_start_proves_nothing(log):
    log.append(*list(story("run-1", Outcome.PASSED))[1:])

    assert found(log) == []


def test_the_newest_proof_of_each_runbook_counts():
    day = datetime(2026, 1, 1, tzinfo=UTC)
    told = [Proof("RUN-001", "a", "b", "lab", f"run-{n}", day + timedelta(days=n)) for n in (1, 3, 2)]

    assert newest([*told, Proof("RUN-002", "c", "d", "lab", "run-9", day)]) == {
        "RUN-001": told[1],
        "RUN-002": Proof("RUN-002", "c", "d", "lab", "run-9", day),
    }
