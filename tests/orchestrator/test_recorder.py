"""Evidence, ledger, audit log, listeners: in that order, and the last of them fail open."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from harness.fake_run import ACTOR, request_in
from harness.fakes import RUN_ID, Clock

from runner.core.errors import AuditError
from runner.core.events import Event, EventType, Outcome
from runner.orchestrator.recorder import Recorder
from runner.render.history.run_history import history
from runner.store.log.audit_log import AuditLog
from runner.store.log.log_reader import read, verify
from runner.store.run_state import RunState
from runner.store.state_directory import StateDirectory

ACTION = Event(
    EventType.ACTION_FINISHED, RUN_ID, "look", "db1", {"part": "action", "outcome": "passed", "result": {"rc": 0}}
)
LOOKED = Event(EventType.STEP_FINISHED, RUN_ID, "look", "db1", {"outcome": Outcome.PASSED})


@pytest.fixture
def recorder(tmp_path):
    state = StateDirectory.open(tmp_path / "state")
    directory = state.begin(RunState(run=RUN_ID, runbook="RUN-001", title="T", started="", user="alice"))
    with AuditLog.open(state.audit, clock=Clock(), actor=ACTOR) as log:
        made = Recorder(RUN_ID, log, directory, Clock())
        made.ledger.expect("look", ["db1"], {"action"})
        yield made
    directory.release()


def recorded(recorder):
    return [record.type for record in read(recorder.log.path)]


def events_of(recorder):
    """What the recorder remembers, which is what the log holds of the run."""
    assert recorder.records == list(read(recorder.log.path))
    return [Event(EventType(each.type), each.run, each.step, each.host, each.data) for each in recorder.records]


def spied(monkeypatch, owner, name, order, word):
    real = getattr(owner, name)

    def spy(*arguments, **options):
        order.append(word)
        return real(*arguments, **options)

    monkeypatch.setattr(owner, name, spy)


def test_evidence_then_ledger_then_log_then_listeners(recorder, monkeypatch):
    order = []
    spied(monkeypatch, recorder.evidence, "keep", order, "evidence")
    spied(monkeypatch, recorder.ledger, "apply", order, "ledger")
    spied(monkeypatch, recorder.log, "append", order, "log")
    recorder.listeners = [lambda event: order.append(str(event.type))]

    recorder.record(ACTION)

    assert order == ["evidence", "ledger", "log", "action.finished", "step.finished"]


def test_what_follows_from_an_event_is_recorded_with_it(recorder):
    heard = []
    recorder.listeners = [heard.append]

    recorder.record(ACTION)

    kept = heard[0]
    assert heard == [kept, LOOKED]
    assert events_of(recorder) == heard
    assert recorded(recorder) == ["action.finished", "step.finished"]
    assert (recorder.directory.path / kept.data["evidence"]["file"]).is_file()


def test_a_listener_hears_only_what_is_durable_already(recorder):
    durable = []
    recorder.listeners = [lambda _: durable.append(recorded(recorder))]

    recorder.record(ACTION)

    assert durable == [["action.finished", "step.finished"]] * 2


@pytest.mark.parametrize(
    "error", [RuntimeError("no colours"), OSError("the screen is gone"), AuditError("not its business")]
)
def test_a_listener_that_fails_changes_nothing_and_others_still_hear(recorder, error):
    heard = []

    def broken(_):
        raise error

    recorder.listeners = [broken, heard.append]

    recorder.record(ACTION)

    assert [event.type for event in heard] == recorded(recorder) == ["action.finished", "step.finished"]


def test_what_is_recorded_together_is_one_write_and_shown_after_it(recorder, monkeypatch):
    written, heard = [], []
    real = recorder.log.append
    monkeypatch.setattr(recorder.log, "append", lambda *events: written.append(len(events)) or real(*events))
    recorder.listeners = [lambda event: heard.append((str(event.type), len(recorded(recorder))))]

    with recorder.together():
        recorder.note(EventType.SPAN_STARTED)
        recorder.record(ACTION)
        before = (list(written), list(heard), recorded(recorder))

    assert before == ([], [], [])
    assert written == [3]
    assert heard == [(kind, 3) for kind in ("span.started", "action.finished", "step.finished")]
    assert recorded(recorder) == ["span.started", "action.finished", "step.finished"]


def test_what_came_before_a_failure_is_recorded_where_it_was_recorded_together(recorder):
    def refused():
        with recorder.together():
            recorder.record(ACTION)
            raise RuntimeError("refused")

    with pytest.raises(RuntimeError, match="refused"):
        refused()
    recorder.note(EventType.SPAN_FINISHED)

    assert recorded(recorder) == ["action.finished", "step.finished", "span.finished"]


@pytest.mark.parametrize("broken", ["the log", "the evidence"])
def test_what_can_not_be_recorded_is_raised_and_never_shown(recorder, monkeypatch, broken):
    heard = []
    recorder.listeners = [heard.append]

    def full(*_):
        raise AuditError("the disk is full")

    monkeypatch.setattr(
        *{"the log": (recorder.log, "append"), "the evidence": (recorder.evidence, "keep")}[broken], full
    )

    with pytest.raises(AuditError, match="full"):
        recorder.record(ACTION)

    assert (heard, recorder.records, recorded(recorder)) == ([], [], [])


def test_a_note_is_an_event_of_this_run(recorder):
    recorder.note(EventType.GATE_ASKED, "look", kind="approve")
    recorder.note(EventType.RUN_FINISHED, outcome="passed")

    assert events_of(recorder) == [
        Event(EventType.GATE_ASKED, RUN_ID, "look", None, {"kind": "approve"}),
        Event(EventType.RUN_FINISHED, RUN_ID, None, None, {"outcome": "passed"}),
    ]


def test_nothing_is_no_record(recorder):
    recorder.record()

    assert recorded(recorder) == []


def test_what_is_captured_is_known_by_host_and_the_last_word_counts(recorder):
    for host, values in (("db1", {"pids": [1], "size": 9}), ("db2", {"pids": []}), ("db1", {"pids": [2]})):
        recorder.record(Event(EventType.VALUES_CAPTURED, RUN_ID, "look", host, {"values": values}))

    assert recorder.captured == {"db1": {"pids": [2], "size": 9}, "db2": {"pids": []}}


def test_closed_every_step_has_an_outcome_and_closing_again_says_nothing_more(recorder):
    recorder.ledger.expect("act", ["db1"], {"action"})
    recorder.record(Event(EventType.STEP_INTENDED, RUN_ID, "act", "db1"))

    recorder.close()
    recorder.close()

    finished = {
        event.step: event.data["outcome"] for event in events_of(recorder) if event.type is EventType.STEP_FINISHED
    }
    assert finished == {"look": Outcome.NEVER_REACHED, "act": Outcome.UNKNOWN}
    assert len(recorded(recorder)) == 3


def test_several_threads_record_one_after_the_other(recorder):
    heard, start = [], threading.Barrier(4)
    recorder.listeners = [heard.append]

    def record(name):
        start.wait()
        for number in range(15):
            recorder.note(EventType.GATE_ASKED, name, number=number)

    threads = [threading.Thread(target=record, args=(f"thread-{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    told = [(record.step, record.data["number"]) for record in read(recorder.log.path)]
    assert verify(recorder.log.path).records == 60
    assert told == [(event.step, event.data["number"]) for event in heard]
    assert told == [(event.step, event.data["number"]) for event in events_of(recorder)]


def test_the_history_is_that_of_the_log_and_of_an_end_that_is_about_to_come(recorder):
    assert recorder.history() is None
    steps = [{"id": "look", "name": "Look", "effect": "read", "verify": []}]
    recorder.note(EventType.RUN_STARTED, runbook="RUN-001", steps=steps)
    recorder.record(ACTION)
    end = Event(EventType.RUN_FINISHED, RUN_ID, data={"outcome": "passed", "happened": "it holds"})

    so_far, about_to_end = recorder.history(), recorder.history(end)

    assert (so_far.outcome, about_to_end.outcome, about_to_end.happened) == ("running", "passed", "it holds")
    assert so_far.steps == about_to_end.steps == history(read(recorder.log.path)).steps
    assert so_far.head == about_to_end.head == f"{recorder.log.head.seq}:{recorder.log.head.hash}"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"token": "env:SHOP_TOKEN", "count": 3}, ()),
        ({"token": "env:OTHER", "count": 4}, ("-e", "token=env:OTHER", "-e", "count=VALUE")),
    ],
)
def test_the_command_again_gives_where_a_secret_is_and_leaves_out_what_is_the_default(tmp_path, recorder, given, words):
    token = {"type": "secret", "default": "env:SHOP_TOKEN", "help": "A key"}
    takes = {"token": token, "count": {"type": "int", "default": 3, "help": "How many"}}
    request = request_in(tmp_path, inputs=takes)

    again = recorder.command_again(replace(request, inputs=given, inventories=()))

    name = next(iter(given.values())).removeprefix("env:")
    assert (again.words, again.does) == (
        ("run", "RUN-001", *words),
        f"starts again: nothing was done; needs {name} in the environment",
    )
