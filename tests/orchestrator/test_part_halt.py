"""A part is halted where nothing is being changed, and never with an action begun."""

from __future__ import annotations

import pytest

from runner.core.events import Event, EventType, Outcome
from runner.executor.host_ledger import Ledger
from runner.executor.job import Cancellation
from runner.orchestrator.invoker import PartHalt


@pytest.fixture
def ledger():
    made = Ledger("run")
    made.expect("act", ["a", "b"], ["action", "verify/1"])
    return made


@pytest.fixture
def halt(ledger):
    made = PartHalt(Cancellation(), ledger)
    made.begin(may=True)
    return made


def passes(halt):
    with halt.passing() as may:
        return may


def tell(ledger, kind, host, **data):
    ledger.apply(Event(kind, "run", "act", host, data))


def begin(ledger, host):
    tell(ledger, EventType.STEP_INTENDED, host)


def end(ledger, host, part="action"):
    kind = EventType.ACTION_FINISHED if part == "action" else EventType.VERIFICATION_FINISHED
    tell(ledger, kind, host, part=part, outcome=Outcome.PASSED)


def test_what_only_looks_is_halted_at_once(halt):
    halt.want(between_steps=False)

    assert (halt.halted, halt.asked(), passes(halt)) == (True, 1, False)


def test_an_action_that_is_begun_comes_to_its_end_on_every_host(halt, ledger):
    begin(ledger, "a")
    halt.want(between_steps=False)
    assert passes(halt)  # so that b begins, too
    begin(ledger, "b")
    end(ledger, "a")
    assert passes(halt)

    end(ledger, "b")

    assert not halt.halted  # nobody has asked since
    assert not passes(halt)
    assert halt.asked() == 1


def test_a_step_is_verified_before_a_person_is_asked(halt, ledger):
    begin(ledger, "a")
    end(ledger, "a")
    halt.want(between_steps=True)
    assert passes(halt)

    end(ledger, "a", "verify/1")

    assert not passes(halt)


def test_a_part_that_must_not_be_halted_goes_on(halt):
    halt.begin(may=False)
    halt.want(between_steps=False)

    assert passes(halt)
    assert halt.asked() == 0


def test_what_is_not_wanted_any_more_goes_on(halt):
    halt.want(between_steps=False)
    halt.forget()
    halt.begin(may=True)

    assert passes(halt)


def test_a_request_to_stop_the_whole_run_counts_as_before(ledger):
    whole = Cancellation()
    halt = PartHalt(whole, ledger)
    whole.request("SIGINT")
    whole.answered = 1
    halt.begin(may=True)

    assert (halt.asked(), halt.answered, halt.halted) == (1, 1, False)
