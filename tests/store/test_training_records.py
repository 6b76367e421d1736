"""What somebody has done is kept until they want it gone, and then nothing of it is left."""

from __future__ import annotations

from datetime import UTC, datetime

from runner.store.training_records import TrainingRecord, TrainingRecords


def record(person, runbook="RUN-001", **changes):
    time = datetime(2026, 1, 1, tzinfo=UTC)
    about = {"sha256": "a", "time": time, "seconds": 60.0, "own": 3, "steps": 4, "wrong_turns": 1}
    return TrainingRecord(person, runbook, **{**about, "alert_only": False, "counts": True, **changes})


def test_what_is_kept_is_read_again_and_erased_for_one_alone(tmp_path):
    records = TrainingRecords(tmp_path / "trainings")
    kept = [record("alice"), record("alice", "RUN-002"), record("../bob")]
    for each in kept:
        records.add(each)

    again = TrainingRecords(tmp_path / "trainings")
    assert (again.of("alice"), sorted(again.all(), key=kept.index)) == (kept[:2], kept)
    assert (again.erase("alice"), again.erase("alice"), again.all()) == (2, 0, [kept[2]])
    assert "alice" not in "".join(path.read_text() for path in tmp_path.rglob("*.json"))


def test_a_file_that_cannot_be_read_tells_nothing(tmp_path):
    (tmp_path / "x.json").write_text("{")

    assert TrainingRecords(tmp_path).all() == []
