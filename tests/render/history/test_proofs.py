"""A proof is a run that passed, and nothing that anybody typed."""

from __future__ import annotations

from datetime import timedelta

from harness.run_records import FIRST, STARTED, again, aimed, done, ended, record, records

from runner.core.events import EventType
from runner.library.last_tested import Proof
from runner.render.history.proofs import proofs
from runner.render.history.run_history import histories, history


def test_each_run_that_passed_is_a_proof_of_what_it_ran_and_where():
    runs = [
        *records(aimed("db1"), ended(), run="run-1"),
        *records(ended("failed"), run="run-2"),
        *records(ended(), run="run-3", first={**FIRST, "runbook": "RUN-002"}),
    ]

    assert list(proofs(histories(runs))) == [
        Proof("RUN-001", "aa", "bb", "staging", "run-1", STARTED + timedelta(seconds=2)),
        Proof("RUN-002", "aa", "bb", "", "run-3", STARTED + timedelta(seconds=1)),
    ]


def test_what_did_not_pass_never_ended_or_was_taken_back_proves_nothing():
    taken_back = history(records(*done(), ended(), again(take_back=True), *done("undo-act"), ended("undone")))
    abandoned = history([*records(), record(1, EventType.RUN_ABANDONED, outcome="unknown")])

    assert list(proofs([history(records()), taken_back, abandoned])) == []
