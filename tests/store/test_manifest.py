"""A run that has ended leaves a manifest by which every change of its files is found."""

from __future__ import annotations

import hashlib
import json
import os

import pytest
from harness.fakes import RUN_ID

from runner.core.errors import AuditError
from runner.store import manifest
from runner.store.log.log_reader import read
from runner.store.run_state import RunState
from runner.store.state_directory import StateDirectory


@pytest.fixture
def run(tmp_path):
    state = RunState(run=RUN_ID, runbook="RUN-001", title="T", started="2026-01-01T00:00:00+00:00", user="alice")
    directory = StateDirectory.open(tmp_path / "state").begin(state)
    (directory.path / "report.md").write_text("passed\n")
    (directory.path / "evidence").mkdir()
    (directory.path / "evidence" / "1.json").write_text("{}")
    yield directory
    directory.release()


def filed(run, log):
    manifest.file_run(run, log, status="finished", outcome="passed")
    (record,) = read(log.path)
    return record.data["manifest_sha256"]


def test_the_state_is_saved_after_the_record_of_all_files(run, log):
    sha256 = filed(run, log)

    assert (run.state.status, run.state.outcome) == ("finished", "passed")
    assert list(manifest.differences(run.path, sha256)) == []
    assert json.loads((run.path / "manifest.json").read_text()) == {
        name: hashlib.sha256((run.path / name).read_bytes()).hexdigest()
        for name in ("evidence/1.json", "report.md", "run.json")
    }


def test_what_a_killed_writer_has_left_unfinished_is_no_file_of_the_run(run, log):
    (run.path / "run.json.new").write_text("{")

    sha256 = filed(run, log)

    assert not (run.path / "run.json.new").exists()
    assert list(manifest.differences(run.path, sha256)) == []


@pytest.mark.parametrize("name", ["evidence/1.json", "report.md", "run.json"])
def test_every_file_that_is_edited_or_removed_is_named(run, log, name):
    sha256, path = filed(run, log), run.path / name

    path.write_text(path.read_text() + " ")
    edited = list(manifest.differences(run.path, sha256))
    path.unlink()
    removed = list(manifest.differences(run.path, sha256))
    path.symlink_to("/etc/hostname")

    assert edited == [f"{path} was edited since the run ended"]
    assert removed == list(manifest.differences(run.path, sha256)) == [f"{path} was removed since the run ended"]


def test_what_was_added_is_named_and_what_other_commands_write_is_not(run, log):
    sha256 = filed(run, log)
    (run.path / "cancel").write_text("cancelled by bob\n")
    (run.path / "new.txt").write_text("")

    assert list(manifest.differences(run.path, sha256)) == [f"{run.path / 'new.txt'} was added since the run ended"]


def test_what_has_no_end_is_not_read(run, log):
    sha256, path = filed(run, log), run.path / "report.md"
    path.unlink()
    os.mkfifo(path)
    os.mkfifo(run.path / "more")

    assert list(manifest.differences(run.path, sha256)) == [
        f"{path} was removed since the run ended",
        f"{run.path / 'more'} was added since the run ended",
    ]


def test_a_manifest_that_was_made_to_fit_does_not_fit_the_log(run, log):
    sha256 = filed(run, log)
    (run.path / "report.md").write_text("forged\n")
    path = run.path / "manifest.json"
    forged = json.loads(path.read_text()) | {"report.md": hashlib.sha256(b"forged\n").hexdigest()}
    path.write_text(json.dumps(forged, indent=1, sort_keys=True))

    (told,) = manifest.differences(run.path, sha256)

    assert told == f"{path} was edited since the run ended, so that nothing is known of the other files there"


def test_without_the_record_the_run_has_not_ended(run, log):
    log.close()

    with pytest.raises(AuditError):
        manifest.file_run(run, log, status="finished", outcome="passed")

    assert run.state.status == "running"
