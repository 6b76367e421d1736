"""Who can do what is known of those who agree to it, and what nobody on call can do is said."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace

from runner.model.contacts import Contact
from runner.render.drills.drill_result import TrainedStep, Training
from runner.services.people_readiness import (
    PersonsRunbook,
    keep_training,
    people_readiness,
    person_of,
    untrained_nights,
)
from runner.store.state_directory import StateDirectory
from runner.store.training_records import TrainingRecord

NOW = datetime(2026, 3, 1, 15, 0, tzinfo=UTC)
CONTACTS = {
    "alice": Contact(name="Alice", members=("alice",), drill_record=True),
    "bob": Contact(name="Bob", drill_record=True),
    "carol": Contact(name="Carol"),
    "on-call": Contact(name="On call", members=("alice", "carol")),
    "days": Contact(name="By day", members=("bob",), hours=("08:00-18:00 UTC",)),
}
RUNBOOKS = [
    SimpleNamespace(id="RUN-001", title="Pool", severity="P1", contacts=("on-call", "days")),
    SimpleNamespace(id="RUN-002", title="Release", severity="P3", contacts=("on-call",)),
]


def record(person, runbook, *, counts=True, day=1):
    return TrainingRecord(
        person, runbook, "a", datetime(2026, 2, day, tzinfo=UTC), 60.0, 3, 4, 0, alert_only=False, counts=counts
    )


def test_each_person_with_what_cannot_wait_and_what_they_have_done():
    records = [record("alice", "RUN-001"), record("alice", "RUN-001", day=9), record("bob", "RUN-002")]

    found = {(each.person, each.runbook): each for each in people_readiness(CONTACTS, RUNBOOKS, records)}

    assert {key: each.is_due(NOW) for key, each in found.items()} == {
        ("alice", "RUN-001"): False,
        ("bob", "RUN-001"): True,
        ("bob", "RUN-002"): False,
    }
    assert found["alice", "RUN-001"].last == datetime(2026, 2, 9, tzinfo=UTC)
    assert found["bob", "RUN-001"] == PersonsRunbook("bob", "RUN-001", "Pool", None, None)


def test_a_night_on_which_nobody_can_do_it_is_named():
    said = "nobody on call tonight has ever done RUN-001: alice"

    assert list(untrained_nights(CONTACTS, RUNBOOKS, [record("bob", "RUN-001")], NOW)) == [said]
    assert list(untrained_nights(CONTACTS, RUNBOOKS, [record("alice", "RUN-001", counts=False)], NOW)) == [said]
    assert list(untrained_nights(CONTACTS, RUNBOOKS, [record("alice", "RUN-001")], NOW)) == []


def test_only_a_contact_that_is_one_person_who_agrees_is_recorded(tmp_path):
    assert [person_of(CONTACTS, login) for login in ("alice", "bob", "carol", "dave")] == ["alice", "bob", "", ""]
    state = StateDirectory.open(tmp_path / "state")
    step = TrainedStep("look", "Look", 0, 0, verified=True, seconds=3.0)
    training = Training("alice", "RUN-001", "a", NOW, 60.0, (step,))

    assert keep_training(state, CONTACTS, training, passed=True) == "alice"
    assert keep_training(state, {"alice": Contact(name="Alice")}, training, passed=True) == ""
    (kept,) = state.training_records.all()
    assert (kept.person, kept.own, kept.counts, kept.time) == ("alice", 1, True, NOW)
