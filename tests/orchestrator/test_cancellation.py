"""A run that somebody stops: what the runbook wants to be done then is done once, wherever the request comes."""

from __future__ import annotations

import pytest
from harness.engine import change

from runner.core.errors import ExecutionError
from runner.executor.job import Ending
from runner.orchestrator.run_environment import GateAnswer


@pytest.mark.parametrize("stops", ["at a question", "while it is rendered", "while something is done"])
def test_what_is_to_be_done_on_a_cancellation_is_done_once(engine, stops):
    # Given a run that has begun on its host
    hand = {"id": "hand", "name": "By hand", "manual": "Look", "verify": [{"confirm": "It is so"}]}
    steps = [change("one"), hand, change("two", approve="Go?")]
    cancellation = engine.env.cancellation
    # When
    if stops == "at a question":
        cancel = lambda *_: (cancellation.request("SIGTERM"), GateAnswer(yes=False, by="alice"))[1]  # noqa: E731
        engine.operator.answer = cancel
    elif stops == "while it is rendered":

        def resolve(*_):
            cancellation.request("SIGTERM")
            raise ExecutionError("stopped before Ansible had named the hosts")

        engine.ansible.resolve = resolve
    else:
        real = engine.ansible.execute

        def execute(job, part, **around):
            ending = real(job, part, **around)
            if "step-one" in part.tags:
                cancellation.request("SIGTERM")
                ending = Ending("cancelled")
            return ending

        engine.ansible.execute = execute
    result = engine.run(*steps, on_cancel=[change("tidy")])
    # Then
    assert (result.outcome, engine.done("db1")) == ("aborted", ["one", "tidy"])
    assert [record.type for record in engine.records].count("run.cancelled") == 1


def test_nothing_is_done_on_a_cancellation_where_nothing_was_begun(engine):
    engine.env.cancellation.request("SIGTERM")

    engine.run(change("one"), on_cancel=[change("tidy")])

    assert engine.ansible.calls == []
    assert [record.type for record in engine.records].count("run.cancelled") == 1
