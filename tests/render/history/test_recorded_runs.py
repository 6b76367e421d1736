"""The runs of a log are told the same whether a summary of them is kept or not."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import ClassVar

import pytest
from harness.run_records import FIRST, STARTED, again, aimed, done, ended, record, records

from runner.core.events import Event, EventType
from runner.library.last_tested import Proof
from runner.render.history.recorded_runs import RecordedRuns, proofs, summary_of
from runner.render.history.run_history import histories, history
from runner.store.log.log_index import LogIndex
from runner.store.log.log_reader import read


def story(run, *, outcome="passed", runbook="RUN-001", mode="run", **last):
    """The events of a run; without an outcome it is going on."""
    first = {**FIRST, "runbook": runbook, "mode": mode, "parent": "the-one-before"}
    page = {"contact": "lead", "channel": "webhook", "action": "trigger", "status": "refused"}
    target = {"environment": "staging", "hosts": ["a"]}
    begun = [(EventType.RUN_STARTED, first), (EventType.TARGET_RESOLVED, target), (EventType.PAGE_FINISHED, page)]
    end = [(EventType.RUN_FINISHED, {"outcome": outcome, **last})] if outcome else []
    return [Event(kind, run, data=data) for kind, data in [*begun, *end]]


@pytest.fixture
def log(log):
    """A log of four runs, and the beginning of something that is none."""
    log.append(*story("r1"), *story("r2", outcome="failed"), *story("r3", mode="dry-run"), *story("r4", outcome=""))
    log.append(Event(EventType.VOTE_GIVEN, "r5", data={}))
    return log


class Index(LogIndex):
    """An index that is kept on disk, and tells of which runs the records were read."""

    read: ClassVar[list[str]] = []

    def records(self, run, *, but=()):
        self.read.append(run)
        return super().records(run, but=but)


def opened(log):
    Index.read.clear()
    return RecordedRuns.opened(log.path, index=partial(Index.opened, indexed=1))


def summaries(log):
    with opened(log) as runs:
        return runs.summaries()


def test_the_summaries_that_are_kept_are_those_of_the_records(log):
    folded = [summary_of(run) for run in histories(read(log.path))]

    assert [run.run for run in folded] == ["r1", "r2", "r3", "r4"]
    assert summaries(log) == summaries(log) == folded


def test_whatever_is_recorded_of_a_run_its_summary_is_that_of_all_its_records(log):
    # Given a run for each type of record, which has one of it, and a question that nobody answered
    asked = {"kind": "manual", "text": "Restart it"}
    answered = {"outcome": "passed", "by": "nobody", "as_run": "another", "verdict": "passed"}
    for kind in [each for each in EventType if each != EventType.RUN_STARTED]:
        first, *others = story(f"run-{kind}")
        own = [Event(kind, first.run, step="act", host="a", data=data) for data in (asked, answered)]
        log.append(first, *own, Event(EventType.STEP_FINISHED, first.run, step="act", host="a", data=answered), *others)
    # Then it does not matter that most records are left out
    assert summaries(log) == [summary_of(run) for run in histories(read(log.path))]


def test_only_what_may_have_changed_is_folded_again(log):
    summaries(log)
    log.append(*story("r6"), Event(EventType.RUN_RESUMED, "r2", data={"mode": "run"}))

    again = {run.run: run for run in summaries(log)}

    assert Index.read == ["r2", "r4", "r5", "r6"]
    assert (again["r1"].outcome, again["r2"].status, again["r2"].outcome) == ("passed", "running", "")


def test_runs_that_may_go_on_are_named_before_any_is_folded(log):
    with opened(log) as runs:
        assert list(runs.names) == ["r1", "r2", "r3", "r4", "r5"]
        assert runs.in_progress == ["r4", "r5"]
        assert Index.read == []
        assert [run.run for run in runs.summaries({"r2", "r4", "r9"})] == ["r2", "r4"]


def test_the_latest_runs_of_a_runbook_are_whole_histories_oldest_first(log):
    log.append(*story("r6", runbook="RUN-002"), *story("r7"), *story("r8"))

    for _ in range(2):
        with opened(log) as runs:
            assert [run.run for run in runs.latest("RUN-001", 3, but="r7")] == ["r2", "r4", "r8"]
            assert [run.run for run in runs.latest("RUN-001", 20, but="")] == ["r1", "r2", "r4", "r7", "r8"]
            runs.summaries()


def test_proofs_are_those_of_the_records(log):
    expected = list(proofs(histories(read(log.path))))
    assert [proof.run for proof in expected] == ["r1"]

    for _ in range(2):
        with opened(log) as runs:
            assert runs.proofs() == expected


def test_a_proof_that_opens_a_guard_is_read_from_the_records(log):
    log.append(*story("r6"), *story("r7", outcome="failed"))
    summaries(log)

    with opened(log) as runs:
        assert runs.newest_proof("bb", "staging").run == "r6"
        assert runs.newest_proof("bb", "production") is None
        assert runs.newest_proof("cc", "staging") is None
    assert Index.read == ["r4", "r5", "r6"]


def test_a_run_whose_start_is_not_recorded_has_no_history(log):
    with opened(log) as runs:
        assert runs.history("r5") is None


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


@pytest.mark.parametrize("marked", [True, False], ids=["this version", "an earlier one"])
def test_a_run_that_passed_in_a_drill_that_failed_proves_nothing(marked):
    def drilled(verdict):
        end = (EventType.DRILL_FINISHED, None, None, {"verdict": verdict})
        return history(records(aimed("db1"), ended(), end, first={**FIRST, **({"drill": True} if marked else {})}))

    assert [each.drilled for each in proofs(map(drilled, ["failed", "passed"]))] == [True]


def test_a_run_that_passed_in_a_drill_whose_command_died_proves_nothing():
    assert list(proofs([history(records(aimed("db1"), ended(), first={**FIRST, "drill": True}))])) == []


def test_what_did_not_pass_never_ended_or_was_taken_back_proves_nothing():
    taken_back = history(records(*done(), ended(), again(take_back=True), *done("undo-act"), ended("undone")))
    abandoned = history([*records(), record(1, EventType.RUN_ABANDONED, outcome="unknown")])

    assert list(proofs([history(records()), taken_back, abandoned])) == []
