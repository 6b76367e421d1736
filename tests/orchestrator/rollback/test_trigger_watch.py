"""Triggers are looked at beside the run: by invocations of their own, whose failures are told and stop nothing."""

from __future__ import annotations

import contextlib

import pytest
from harness.engine import change
from harness.fake_run import request_in
from harness.fakes import RUN_ID
from harness.registry_files import FIRES, write_registry

from runner.core.errors import ExecutionError
from runner.core.events import EventType
from runner.core.redaction import Redaction
from runner.executor.job import Ending
from runner.orchestrator.rollback.trigger_watch import TriggerWatch


class Recorder:
    """Remembers what is noted."""

    def __init__(self):
        self.notes, self.captured, self.redaction, self.learn = [], {}, Redaction(), lambda secrets: None

    def note(self, kind, **data):
        self.notes.append((kind, data["state"], data.get("reason", "")))


@pytest.fixture
def watch(engine, tmp_path):
    write_registry(engine.directory)
    request = request_in(engine.directory, steps=[change("act")], watch=["DEP-006"])
    fired = []
    made = TriggerWatch(request, engine.env, Recorder(), lambda: fired.append(True))
    made.recorder, made.fired_times = made._recorder, fired
    return made


def answer(engine, kind, **result):
    engine.ansible.answers["trigger-dep-006", "verify/1"] = (kind, result)


def test_a_look_is_an_invocation_of_its_own(engine, watch):
    jobs = []
    execute = engine.ansible.execute
    engine.ansible.execute = lambda job, part, *, handle: jobs.append((job, part)) or execute(job, part, handle=handle)

    watch.look()

    ((job, part),) = jobs
    assert (list(part.tags), part.deadline) == (["step-trigger-dep-006"], 60.0)
    assert job.run_id != RUN_ID
    assert job.cancellation is not engine.env.cancellation


def test_all_looks_while_the_run_goes_on_are_one_session(engine, watch):
    noted = []
    execute = engine.ansible.execute
    engine.ansible.execute = lambda job, part, *, handle: noted.append(job.run_id) or execute(job, part, handle=handle)

    @contextlib.contextmanager
    def session(job):
        noted.append(f"session {job.run_id}")
        yield engine.ansible
        noted.append("closed")

    engine.ansible.session = session

    with watch._session():
        watch.look()
        watch.look()

    own = noted[1]
    assert noted == [f"session {own}", own, own, "closed"]


def test_only_what_changes_is_recorded_and_every_firing_is_told(engine, watch):
    for kind, result in (
        ("ok", {}),
        ("ok", {}),
        ("failed", {"assertion": FIRES}),
        ("failed", {"assertion": FIRES}),
        ("ok", {}),
    ):
        answer(engine, kind, **result)
        watch.look()

    assert [(kind, state) for kind, state, _ in watch.recorder.notes] == [
        (EventType.TRIGGER_SEEN, "quiet"),
        (EventType.TRIGGER_SEEN, "fired"),
        (EventType.TRIGGER_SEEN, "quiet"),
    ]
    assert len(watch.fired_times) == 2
    assert watch.totals == {"DEP-006": 5}


def test_it_is_looked_at_as_often_as_it_says(engine, watch):
    for seconds in (0, 29, 1, 30):
        engine.env.clock.forward(seconds)
        watch.look(only_due=True)

    assert watch.totals == {"DEP-006": 3}


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (ExecutionError("Ansible stopped before it began"), "Ansible stopped before it began"),
        (Ending("deadline"), "there was no answer within 60 s"),
        (Ending("orphaned"), "there was no answer within 60 s"),
    ],
)
def test_a_look_that_fails_is_told(engine, watch, failure, reason):
    def execute(job, part, *, handle):
        if isinstance(failure, Exception):
            raise failure
        return failure

    engine.ansible.execute = execute

    watch.look()

    assert watch.recorder.notes == [(EventType.TRIGGER_SEEN, "unknown", reason)]


def test_what_was_answered_fires_no_more(engine, watch):
    answer(engine, "failed", assertion=FIRES)
    watch.look()
    ((trigger, look),) = watch.fired()

    watch.answered(trigger)

    assert (look.state, watch.fired()) == ("fired", [])
