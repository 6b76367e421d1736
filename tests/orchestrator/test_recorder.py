"""Evidence, ledger, audit log, listeners: in that order, and the last of them fail open."""

from __future__ import annotations

import threading

import pytest
from harness.fake_run import ACTOR
from harness.fakes import RUN_ID, Clock

from runner.core.errors import AuditError
from runner.core.events import Event, EventType, Outcome
from runner.orchestrator.recorder import Journal
from runner.store import evidence
from runner.store.log.audit_log import AuditLog, read, verify
from runner.store.run_state import RunState
from runner.store.state_directory import StateDirectory

ACTION = Event(
    EventType.ACTION_FINISHED, RUN_ID, "look", "db1", {"part": "action", "outcome": "passed", "result": {"rc": 0}}
)
LOOKED = Event(EventType.STEP_FINISHED, RUN_ID, "look", "db1", {"outcome": Outcome.PASSED})


@pytest.fixture
def journal(tmp_path):
    state = StateDirectory.open(tmp_path / "state")
    directory = state.begin(RunState(run=RUN_ID, runbook="RUN-001", title="T", started="", user="alice"))
    with AuditLog.open(state.audit, clock=Clock(), actor=ACTOR) as log:
        made = Journal(RUN_ID, log, directory, Clock())
        made.ledger.expect("look", ["db1"], {"action"})
        yield made
    directory.release()


def recorded(journal):
    return [record.type for record in read(journal.log.path)]


def spied(monkeypatch, owner, name, order, word):
    real = getattr(owner, name)

    def spy(*arguments, **options):
        order.append(word)
        return real(*arguments, **options)

    monkeypatch.setattr(owner, name, spy)


def test_evidence_then_ledger_then_log_then_listeners(journal, monkeypatch):
    order = []
    spied(monkeypatch, evidence, "keep", order, "evidence")
    spied(monkeypatch, journal.ledger, "apply", order, "ledger")
    spied(monkeypatch, journal.log, "append", order, "log")
    journal.listeners = [lambda event: order.append(str(event.type))]

    journal.record(ACTION)

    assert order == ["evidence", "ledger", "log", "action.finished", "step.finished"]


def test_what_follows_from_an_event_is_recorded_with_it(journal):
    heard = []
    journal.listeners = [heard.append]

    journal.record(ACTION)

    kept = heard[0]
    assert heard == [kept, LOOKED]
    assert [event for _, event in journal.history] == heard
    assert recorded(journal) == ["action.finished", "step.finished"]
    assert (journal.directory.path / kept.data["evidence"]["file"]).is_file()


def test_a_listener_hears_only_what_is_durable_already(journal):
    durable = []
    journal.listeners = [lambda _: durable.append(recorded(journal))]

    journal.record(ACTION)

    assert durable == [["action.finished", "step.finished"]] * 2


@pytest.mark.parametrize(
    "error", [RuntimeError("no colours"), OSError("the screen is gone"), AuditError("not its business")]
)
def test_a_listener_that_fails_changes_nothing_and_others_still_hear(journal, error):
    heard = []

    def broken(_):
        raise error

    journal.listeners = [broken, heard.append]

    journal.record(ACTION)

    assert [event.type for event in heard] == recorded(journal) == ["action.finished", "step.finished"]


@pytest.mark.parametrize("broken", ["the log", "the evidence"])
def test_what_can_not_be_recorded_is_raised_and_never_shown(journal, monkeypatch, broken):
    heard = []
    journal.listeners = [heard.append]

    def full(*_):
        raise AuditError("the disk is full")

    monkeypatch.setattr(*{"the log": (journal.log, "append"), "the evidence": (evidence, "keep")}[broken], full)

    with pytest.raises(AuditError, match="full"):
        journal.record(ACTION)

    assert (heard, journal.history, recorded(journal)) == ([], [], [])


def test_a_note_is_an_event_of_this_run(journal):
    journal.note(EventType.GATE_ASKED, "look", kind="approve")
    journal.note(EventType.RUN_FINISHED, outcome="passed")

    assert [event for _, event in journal.history] == [
        Event(EventType.GATE_ASKED, RUN_ID, "look", None, {"kind": "approve"}),
        Event(EventType.RUN_FINISHED, RUN_ID, None, None, {"outcome": "passed"}),
    ]


def test_nothing_is_no_record(journal):
    journal.record()

    assert recorded(journal) == []


def test_what_is_captured_is_known_by_host_and_the_last_word_counts(journal):
    for host, values in (("db1", {"pids": [1], "size": 9}), ("db2", {"pids": []}), ("db1", {"pids": [2]})):
        journal.record(Event(EventType.VALUES_CAPTURED, RUN_ID, "look", host, {"values": values}))

    assert journal.captured == {"db1": {"pids": [2], "size": 9}, "db2": {"pids": []}}


def test_closed_every_step_has_an_outcome_and_closing_again_says_nothing_more(journal):
    journal.ledger.expect("act", ["db1"], {"action"})
    journal.record(Event(EventType.STEP_INTENDED, RUN_ID, "act", "db1"))

    journal.close()
    journal.close()

    finished = {
        event.step: event.data["outcome"] for _, event in journal.history if event.type is EventType.STEP_FINISHED
    }
    assert finished == {"look": Outcome.NEVER_REACHED, "act": Outcome.UNKNOWN}
    assert len(recorded(journal)) == 3


def test_several_threads_record_one_after_the_other(journal):
    heard, start = [], threading.Barrier(4)
    journal.listeners = [heard.append]

    def record(name):
        start.wait()
        for number in range(15):
            journal.note(EventType.GATE_ASKED, name, number=number)

    threads = [threading.Thread(target=record, args=(f"thread-{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    told = [(record.step, record.data["number"]) for record in read(journal.log.path)]
    assert verify(journal.log.path).records == 60
    assert told == [(event.step, event.data["number"]) for event in heard]
    assert told == [(event.step, event.data["number"]) for _, event in journal.history]
