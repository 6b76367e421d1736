"""The ledger alone decides: passed is what is proven, part by part, on every host that was intended."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.core.events import Event, EventType, Outcome
from runner.executor.host_ledger import Ledger
from runner.executor.ledger_entry import LedgerEntry, parts, undo_parts
from runner.kinds.steps.command_step import CommandStep
from runner.kinds.steps.manual_step import ManualStep
from runner.kinds.verifications.confirm import Confirm
from runner.kinds.verifications.exit_code import Exit
from runner.model.step import Step, Undo
from runner.model.verification import Verification

RUN = "20260101T000000Z-0123abcd"
HOSTS = ("one", "two")
PARTS = ("action", "verify/1", "verify/2")
ZERO = Verification(says="Zero", kinds=(Exit(exit=0),))
FINE = Verification(says="Fine", kinds=(Confirm(confirm="Fine"),))


def event(kind, step="a", host="one", **data):
    return Event(kind, RUN, step, host, data)


def proof(part, outcome=Outcome.PASSED, step="a", host="one", **data):
    kinds = {
        "action": EventType.ACTION_FINISHED,
        "capture": EventType.ACTION_FINISHED,
        "approve": EventType.GATE_ANSWERED,
    }
    return event(kinds.get(part, EventType.VERIFICATION_FINISHED), step, host, part=part, outcome=outcome, **data)


def intended(step="a", host="one"):
    return event(EventType.STEP_INTENDED, step, host)


def ledger(**steps):
    made = Ledger(RUN)
    for step, hosts in (steps or {"a": HOSTS}).items():
        made.expect(step, hosts, PARTS)
    return made


def told(made, *events):
    return [(each.step, each.host, each.data["outcome"]) for happened in events for each in made.apply(happened)]


def test_zero_entries_are_not_passed():
    assert Ledger(RUN).outcome is Outcome.NEVER_REACHED


def test_a_step_has_passed_on_a_host_when_its_last_part_is_proven():
    made = ledger()
    assert told(made, intended(), proof("action"), proof("verify/2")) == []
    assert told(made, proof("verify/1")) == [("a", "one", Outcome.PASSED)]
    assert made.table() == {"a": {"one": Outcome.PASSED, "two": Outcome.NEVER_REACHED}}
    assert made.outcome is Outcome.NEVER_REACHED


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.SKIPPED, Outcome.UNREACHABLE, Outcome.ABORTED])
@pytest.mark.parametrize("part", [*PARTS, "capture", "approve"])
def test_one_part_that_has_not_passed_ends_the_step(part, outcome):
    made = ledger(a=("one",))
    assert told(made, intended(), proof(part, outcome)) == [("a", "one", outcome)]
    assert told(made, *map(proof, PARTS)) == []
    assert made.outcome is outcome


def test_the_reason_is_told_with_the_outcome():
    (finished,) = ledger().apply(proof("action", Outcome.FAILED, reason="no room"))
    assert finished == Event(EventType.STEP_FINISHED, RUN, "a", "one", {"outcome": Outcome.FAILED, "reason": "no room"})


@pytest.mark.parametrize(
    ("events", "outcome"),
    [
        ([], Outcome.NEVER_REACHED),
        ([intended()], Outcome.UNKNOWN),
        ([intended(), proof("action")], Outcome.UNKNOWN),
        ([proof("verify/1"), proof("verify/2")], Outcome.NEVER_REACHED),
    ],
)
def test_what_was_begun_and_not_seen_to_end_is_unknown(events, outcome):
    made = ledger(a=("one",))
    assert told(made, *events) == []
    assert [each.data["outcome"] for each in made.close()] == [outcome]
    assert (made.outcome, made.close()) == (outcome, [])


def test_an_answer_holds_for_all_hosts_of_the_step():
    made = ledger()
    assert told(made, proof("approve", Outcome.ABORTED, host=None)) == [("a", host, Outcome.ABORTED) for host in HOSTS]


def test_what_was_not_expected_proves_nothing():
    made = ledger(a=("one",))
    events = [
        proof("action", step="b"),
        proof("action", host="other"),
        proof("verify/9"),
        Event(EventType.SPAN_STARTED, RUN),
    ]
    assert told(made, *events) == []
    assert made.table() == {"a": {"one": Outcome.NEVER_REACHED}}


@pytest.mark.parametrize(
    ("outcomes", "whole"),
    [
        ((Outcome.PASSED, Outcome.PASSED), Outcome.PASSED),
        ((Outcome.PASSED, Outcome.SKIPPED), Outcome.SKIPPED),
        ((Outcome.UNREACHABLE, Outcome.FAILED), Outcome.FAILED),
        ((Outcome.UNREACHABLE, Outcome.SKIPPED), Outcome.UNREACHABLE),
        ((Outcome.FAILED, Outcome.UNKNOWN), Outcome.UNKNOWN),
        ((Outcome.UNKNOWN, Outcome.ABORTED), Outcome.ABORTED),
        ((Outcome.PASSED, Outcome.NEVER_REACHED), Outcome.NEVER_REACHED),
        ((Outcome.PASSED, None), Outcome.NEVER_REACHED),
    ],
)
def test_a_run_is_as_good_as_its_worst_entry(outcomes, whole):
    made = Ledger(RUN)
    made.entries = {("a", str(number)): LedgerEntry(set(), outcome=outcome) for number, outcome in enumerate(outcomes)}
    assert made.outcome is whole


PROOFS = st.builds(
    proof, st.sampled_from([*PARTS, "verify/9", "approve"]), st.sampled_from(list(Outcome)), st.sampled_from("abz"),
    st.sampled_from([*HOSTS, "other"]),
)  # fmt: skip
GOOD = [proof(part, step=step, host=host) for part in PARTS for step in "ab" for host in HOSTS]


@given(st.lists(PROOFS | st.builds(intended, st.sampled_from("ab"), st.sampled_from(HOSTS)), max_size=40))
def test_passed_only_if_every_part_is_proven_on_every_host(events):
    # Given any events in any order
    made = ledger(a=HOSTS, b=HOSTS)
    finished = told(made, *events)
    finished += [(each.step, each.host, each.data["outcome"]) for each in made.close()]
    # Then every entry has ended, once
    assert sorted((step, host) for step, host, _ in finished) == sorted((step, host) for step in "ab" for host in HOSTS)
    for step, host, outcome in finished:
        mine = [
            each
            for each in events
            if (each.step, each.host) == (step, host) and each.type is not EventType.STEP_INTENDED
        ]
        bad = next(
            (number for number, each in enumerate(mine) if each.data["outcome"] is not Outcome.PASSED), len(mine)
        )
        proven = {each.data["part"] for each in mine[:bad]}
        # and has passed exactly if every part was proven before anything was bad
        assert (outcome is Outcome.PASSED) is (proven >= set(PARTS))
        # and what was bad keeps its own word, unless it is one that only a decision has
        if not proven >= set(PARTS) and bad < len(mine):
            word = mine[bad].data["outcome"]
            assert outcome is (Outcome.UNKNOWN if word is Outcome.NOT_NEEDED else word)
    assert (made.outcome is Outcome.PASSED) is all(outcome is Outcome.PASSED for *_, outcome in finished)


@given(st.permutations(GOOD))
def test_the_order_of_the_proofs_does_not_matter(events):
    made = ledger(a=HOSTS, b=HOSTS)
    assert {outcome for *_, outcome in told(made, *events)} == {Outcome.PASSED}
    assert made.outcome is Outcome.PASSED


@given(st.permutations(GOOD), st.integers(0, len(GOOD) - 1))
def test_one_proof_less_is_not_passed(events, missing):
    made = ledger(a=HOSTS, b=HOSTS)
    told(made, *events[:missing], *events[missing + 1 :])
    made.close()
    assert made.outcome is Outcome.NEVER_REACHED


def step(*verify, action="machine"):
    actions = {"machine": CommandStep(command="ls"), "person": ManualStep(manual="Do it"), "nobody": None}
    return Step(id="a", name="A", action=actions[action], verify=verify)


@pytest.mark.parametrize(
    ("given_", "needed"),
    [
        (step(ZERO, FINE), {"action", "verify/1", "verify/2"}),
        (step(FINE, action="person"), {"action", "verify/1"}),
        (step(FINE, action="nobody"), {"verify/1"}),
    ],
)
def test_what_must_be_proven_of_a_step(given_, needed):
    assert parts(given_) == needed


def test_what_must_be_proven_of_an_undo():
    assert undo_parts(Undo(action=CommandStep(command="ls"), verify=(ZERO, ZERO))) == {"action", "verify/1", "verify/2"}


def test_a_step_that_waits_for_a_persons_word_is_not_broken():
    waiting, made = step(ZERO, FINE), Ledger(RUN)
    made.expect("a", HOSTS, parts(waiting))
    assert made.broken([waiting]) == [(waiting, host) for host in HOSTS]
    assert made.broken([waiting], HOSTS[:1]) == [(waiting, HOSTS[0])]
    told(made, *(proof(part, host=host) for part in ("action", "verify/1") for host in HOSTS))
    assert (made.broken([waiting]), made.entries[waiting.id, HOSTS[0]].outcome) == ([], None)
    told(made, proof("verify/2", Outcome.ABORTED, host=None))
    assert made.broken([waiting]) == [(waiting, host) for host in HOSTS]


def test_a_step_that_is_not_needed_on_a_host_counts_as_done_there_and_was_never_begun():
    made = ledger()
    reason = "used > 90 is not true: used = 42"

    told_of = made.apply(event(EventType.STEP_DECIDED, part="only_if", outcome=Outcome.NOT_NEEDED, reason=reason))
    told(made, intended(host="two"), *(proof(part, host="two") for part in PARTS))

    one = Step(id="a", name="A", action=CommandStep(command="true"), verify=(ZERO, ZERO))
    assert [each.data for each in told_of] == [{"outcome": Outcome.NOT_NEEDED, "reason": reason}]
    assert (made.broken([one]), made.lost([one]), made.failed_on("a"), made.begun_on("a")) == ([], [], [], ["two"])
    assert (made.waits_for("a", PARTS), made.outcome) == ([], Outcome.PASSED)


@pytest.mark.parametrize("part", PARTS)
def test_nothing_but_a_decision_says_that_a_step_is_not_needed(part):
    made = ledger()
    assert told(made, proof(part, Outcome.NOT_NEEDED)) == [("a", "one", Outcome.UNKNOWN)]


def test_where_a_step_was_begun_and_whether_it_failed():
    made = ledger()
    told(made, intended())
    assert made.begun_on("a") == ["one"]
    made.close()
    assert made.failed_on("a") == ["one"]


@pytest.mark.parametrize("outcome", [Outcome.PASSED, Outcome.ABORTED, Outcome.NEVER_REACHED])
def test_what_a_person_stopped_or_nobody_came_to_has_not_failed(outcome):
    made = Ledger(RUN)
    made.entries = {("a", "one"): LedgerEntry(set(), outcome=outcome)}
    assert made.failed_on("a") == []
