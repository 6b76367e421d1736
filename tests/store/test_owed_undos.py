"""A debt is remembered until it is paid, whoever asks."""

from __future__ import annotations

from dataclasses import replace

from runner.store.owed_undos import ArmedHost, OwedUndo, OwedUndos

ONE = OwedUndo("db1", "RUN-001", "deploy", "20260101T000000Z-00000001", "2026-01-01T00:00:00")
TWO = OwedUndo("../app", "RUN-001", "deploy", "20260101T000000Z-00000002", "2026-01-02T00:00:00")


def test_what_is_owed_is_known_to_every_later_command_until_it_is_paid(tmp_path):
    OwedUndos(tmp_path / "debts").add(TWO)
    OwedUndos(tmp_path / "debts").add(ONE)
    OwedUndos(tmp_path / "debts").add(ONE)

    again = OwedUndos(tmp_path / "debts")
    assert (again.all(), again.of(["db1", "other"])) == ([ONE, TWO], [ONE])

    again.remove("db1", "RUN-001", "deploy")
    again.remove("db1", "RUN-001", "deploy")
    assert OwedUndos(tmp_path / "debts").all() == [TWO]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["debts"]


def test_nothing_is_owed_where_nothing_was_ever_owed(tmp_path):
    assert OwedUndos(tmp_path / "debts").all() == []


def test_what_a_drill_has_broken_is_taken_back_by_another_command_than_the_step_of_a_run():
    armed = ArmedHost("db1", "alice", ("/a",), "2026-01-01T00:10:00", pid=1, process_started=1, boot_id="one")

    assert (ONE.paid_by, replace(ONE, armed=armed).paid_by) == (
        "runbook undo 20260101T000000Z-00000001",
        "runbook drill stop --all",
    )
