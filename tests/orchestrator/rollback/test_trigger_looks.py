"""What a look has come to: only the condition itself fires, and whatever else went wrong is not known."""

from __future__ import annotations

import pytest
from harness.fakes import runbook_file
from harness.registry_files import FIRES, write_registry

from runner.core.redaction import Redaction
from runner.library.library import Library
from runner.orchestrator.rollback.trigger_looks import NOT_REACHED, LookCollector, TriggerLook

TASK = "RUN-001/trigger-dep-006/verify/1 | stdout | float > 2"
VALUE = [[{"name": "stdout | float", "value": 3.5}]]


@pytest.fixture
def trigger(tmp_path):
    write_registry(tmp_path)
    return Library(tmp_path).source(str(runbook_file(tmp_path, watch=["DEP-006"]))).runbook.watch[0]


def looked(trigger, *messages, redaction=None):
    collector = LookCollector("run", "RUN-001", [trigger], redaction or Redaction())
    for message in messages:
        collector.handle({"host": "lb1", "task": TASK, **message})
    return collector.looks.get(trigger.id, NOT_REACHED)


def test_it_fires_with_the_value_that_was_seen(trigger):
    message = {"kind": "failed", "result": {"assertion": FIRES, "msg": "no"}, "observed": VALUE}

    assert looked(trigger, message) == TriggerLook("fired", "stdout | float > 2 (stdout | float = 3.5)", "lb1")


def test_it_does_not_fire(trigger):
    assert looked(trigger, {"kind": "ok", "result": {"msg": "All assertions passed"}}) == TriggerLook(
        "quiet", "", "lb1"
    )


@pytest.mark.parametrize(
    "message",
    [
        {"kind": "failed", "result": {"assertion": "probe.rc | default(-1) == 0", "msg": "no"}},  # no answer
        {"kind": "failed", "result": {"msg": "'stdout' is undefined"}},  # cannot be judged
        {"kind": "unreachable", "result": {"msg": "no route to host"}},
        {"kind": "skipped", "result": {}},
    ],
)
def test_what_cannot_be_seen_is_neither(trigger, message):
    look = looked(trigger, message)

    assert (look.state, bool(look.reason)) == ("unknown", True)


def test_nothing_was_reported(trigger):
    assert looked(trigger) == TriggerLook("unknown", "it was not come to")
    assert looked(trigger, {"kind": "end", "task": ""}, {"kind": "ok", "task": "Something else"}).state == "unknown"


def test_a_secret_is_in_no_reason(trigger):
    message = {
        "kind": "failed",
        "result": {"assertion": FIRES},
        "observed": [[{"name": "stdout", "value": "hunter2!"}]],
    }

    assert "hunter2" not in looked(trigger, message, redaction=Redaction(["hunter2!"])).reason
