"""The audit log and the directories of runs are compared: what was cut, lost or edited on either side is named."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest
from harness.fakes import RUN_ID

from runner.core.events import Event, EventType, Outcome
from runner.store import manifest
from runner.store.evidence import Evidence
from runner.store.log.log_reader import read
from runner.store.run_state import RunState
from runner.store.state_check import LoggedRuns
from runner.store.state_directory import StateDirectory

OTHER = "20260101T000001Z-00000001"
STATE = RunState(run=RUN_ID, runbook="RUN-001", title="T", started="2026-01-01T00:00:00+00:00", user="alice")


@pytest.fixture
def state(tmp_path):
    return StateDirectory.open(tmp_path)


@pytest.fixture
def log(open_log, state):
    with open_log(state.audit) as opened:
        yield opened


def begun(state, log, run=RUN_ID):
    directory = state.begin(replace(STATE, run=run))
    log.append(Event(EventType.RUN_STARTED, run))
    data = {"part": "action", "outcome": Outcome.PASSED, "result": {"rc": 0, "stdout": "as it was"}}
    log.append(Evidence(directory.path).keep(Event(EventType.ACTION_FINISHED, run, "look", "db1", data)))
    return directory


def ended(state, log, run=RUN_ID):
    directory = begun(state, log, run)
    log.append(Event(EventType.RUN_FINISHED, run, data={"outcome": Outcome.PASSED}))
    manifest.file_run(directory, log, status="finished", outcome=Outcome.PASSED)
    directory.release()
    return directory.path


def told(state, log):
    logged = LoggedRuns()
    for record in read(log.path):
        logged.add(record)
    return logged.disagreements(state)


def cut(log, records):
    lines = log.path.read_bytes().splitlines(keepends=True)
    log.path.write_bytes(b"".join(lines[:-records]))


def test_runs_that_are_going_on_resumed_or_ended_are_as_the_log_says(state, log):
    ended(state, log)
    begun(state, log, OTHER)

    assert told(state, log) == []

    log.append(Event(EventType.RUN_RESUMED, RUN_ID))
    state.run(RUN_ID).update(status="running")
    assert told(state, log) == []


@pytest.mark.parametrize("texts", [(), (b"id: RUN-001\n", b"- hosts: all\n")], ids=["at once", "with its texts"])
def test_a_run_whose_command_died_before_its_first_record_is_no_run_whose_records_were_removed(state, log, texts):
    directory = state.begin(STATE)
    if texts:
        directory.keep(*texts)
    directory.release()
    before = told(state, log)
    log.append(Event(EventType.RUN_ABANDONED, RUN_ID, data={"outcome": Outcome.UNKNOWN}))
    manifest.file_run(directory.hold(), log, status="abandoned", outcome=Outcome.UNKNOWN)
    directory.release()

    assert (before, told(state, log)) == ([], [])

    (directory.path / "evidence").mkdir()
    (directory.path / "evidence" / "00001-look-db1-action.json").write_text("{}")

    name = f"the log does not hold the run {RUN_ID}, of which {directory.path} tells: records were removed"
    assert told(state, log) == [name]


def test_evidence_that_was_edited_while_the_run_goes_on_is_named(state, log):
    (path,) = (begun(state, log).path / "evidence").iterdir()
    path.write_text(path.read_text().replace("as it was", "as it is"))

    assert told(state, log) == [f"the evidence {path} is not what the log says: it was edited or removed"]


@pytest.mark.parametrize("name", ["run.json", "evidence/00001-look-db1-action.json"])
def test_files_of_a_run_that_has_ended_are_named(state, log, name):
    path = ended(state, log) / name
    path.write_text(path.read_text() + "\n")

    assert told(state, log) == [f"{path} was edited since the run ended"]


def test_a_log_that_was_cut_off_at_the_edge_of_a_record_lacks_what_the_state_tells(state, log):
    path = ended(state, log)

    cut(log, 1)
    without_files = told(state, log)
    cut(log, 1)
    without_end = told(state, log)
    cut(log, 2)

    assert without_files == [
        f"the log does not hold what the run {RUN_ID} has left in {path}: its last record was removed"
    ]
    assert without_end == [f"the log does not hold the end of the run {RUN_ID}, which finished: records were removed"]
    assert told(state, log) == [f"the log does not hold the run {RUN_ID}, of which {path} tells: records were removed"]


def test_a_directory_that_is_gone_is_named(state, log):
    path = ended(state, log)
    shutil.rmtree(path)

    assert told(state, log) == [f"{path} is gone, though the log tells of that run"]


def test_a_state_that_is_gone_or_cannot_be_read_is_named(state, log):
    path = ended(state, log)
    (path / "run.json").write_text("[1]")
    broken = told(state, log)
    (path / "run.json").unlink()

    assert len(broken) == 1
    assert broken[0].startswith(f"{path / 'run.json'} is not the state of a run: ")
    assert told(state, log) == [f"{path / 'run.json'} is gone, though the log tells of that run"]


def test_a_run_that_has_ended_does_not_go_on_because_its_state_was_edited(state, log):
    path = ended(state, log)
    (path / "run.json").write_text((path / "run.json").read_text().replace('"finished"', '"running"', 1))

    assert "running" in (path / "run.json").read_text()
    assert told(state, log) == [f"{path / 'run.json'} was edited since the run ended"]
