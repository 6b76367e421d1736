"""Each deployment that has ended has its line in the deployment log, whatever becomes of the disk and of others."""

from __future__ import annotations

import csv
import os
import threading
from dataclasses import replace

import pytest
from harness.engine import FAILED, change, undoing
from harness.fakes import RUN_ID

from runner.core.errors import InvalidInputError
from runner.orchestrator import run_loop
from runner.services.deployment_log import compare, logged

ANOTHER = RUN_ID.replace("20260101T0", "20260101T1")


@pytest.fixture
def deploys(engine):
    """Does a deployment of a library that has a log of that name; what it comes to."""

    def do(*steps, log="deployments.md", version="1.5.0", goes_on=None, run=RUN_ID, **keys):
        (engine.directory / "runbook.toml").write_text(f'[deployments]\nlog = "{log}"\n')
        if goes_on is None:
            takes = {"version": {"help": "The version"}}
            asked = {"takes": takes, "inputs": {"version": version}, "category": "deployment", **keys}
            engine.asked_for = replace(engine.request(*steps, **asked), run_id=run)
        return logged(goes_on or run_loop.run, *engine._again())

    return do


def rows(engine, log="deployments.md"):
    """The cells of each line behind the heading."""
    text = (engine.directory / log).read_text()
    if log.endswith(".csv"):
        return [*csv.reader(text.splitlines())][1:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in text.splitlines()[4:]]


def test_each_attempt_has_a_line_with_what_was_deployed_where_by_whom_and_how_it_ended(engine, deploys):
    # Given a deployment that fails, is gone on with, and is taken back
    engine.ansible.answers["two", "action"] = FAILED
    deploys(undoing("one"), undoing("two"))
    engine.ansible.answers.clear()
    deploys(goes_on=run_loop.resume)
    deploys(goes_on=run_loop.undo_all)
    # Then the log has a line for each of these, below a heading
    text = (engine.directory / "deployments.md").read_text()
    report = f"[report](state/runs/{RUN_ID}/report.html)"
    same = ["1.5.0", "RUN-001 Disk is full", "local", "db1", "alice"]
    assert text.startswith("# Deployments\n\n| Ended (UTC) | Version | Runbook |")
    assert [row[1:] for row in rows(engine)] == [
        [*same, "failed", f"{RUN_ID} start", report],
        [*same, "passed", f"{RUN_ID} resume 1", report],
        [*same, "undone", f"{RUN_ID} undo", report],
    ]


def test_what_is_no_deployment_or_only_looks_has_none(engine, deploys):
    deploys(change("one"), category="maintenance")
    deploys(change("one"), mode="dry-run", run=ANOTHER)
    assert not (engine.directory / "deployments.md").exists()


@pytest.mark.parametrize("log", ["deployments.md", "deployments.csv"])
def test_a_value_is_never_more_than_text(engine, deploys, log):
    hostile = '=HYPERLINK("http://a") | [x](y) <b>\n| | | |'
    deploys(change("one"), version=hostile, log=log)
    (row,) = rows(engine, log)
    assert len(row) == 9
    assert row[1].lstrip("'\\").startswith("=HYPERLINK")
    assert "<b>" not in (engine.directory / "deployments.md").read_text() if log.endswith(".md") else row[1][0] == "'"


def test_lines_of_others_stay_and_two_deployments_at_once_both_have_one(engine, deploys):
    # Given a log in which somebody has written by hand, without an end of the line
    deploys(change("one"))
    path = engine.directory / "deployments.md"
    before = path.read_text()
    # When eight commands append the same missing line at once
    deploys(change("one"), run=ANOTHER)
    path.write_text(before + "| by hand")
    threads = [
        threading.Thread(
            target=compare, args=(engine.directory, engine.env.state, engine.env.clock()), kwargs={"mend": True}
        )
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # Then it is there once, behind what was there
    assert path.read_text().startswith(before + "| by hand\n")
    assert len(rows(engine)) == 3


def test_a_full_disk_is_said_and_the_line_comes_later(engine, deploys, small_disk):
    # Given a library on a disk without room
    place = small_disk / "deployments.md"
    place.write_bytes(b"# Deployments\n")
    (engine.directory / "log").symlink_to(small_disk)
    (small_disk / "filler").write_bytes(b"x" * room(small_disk))
    # When something is deployed
    result = deploys(change("one"), log="log/deployments.md", version="v" * 5000)
    # Then it has passed, it is said that its line is missing, and the log is as it was
    assert result.outcome == "passed"
    assert "the deployment is not in the deployment log: " in result.problems[-1]
    assert place.read_bytes() == b"# Deployments\n"
    # And when there is room, it is added from the record
    (small_disk / "filler").unlink()
    found = compare(engine.directory, engine.env.state, engine.env.clock(), mend=True)
    assert found.missing == (f"{RUN_ID} start",)
    assert compare(engine.directory, engine.env.state, engine.env.clock(), mend=False).missing == ()


def room(directory):
    """The bytes that still go onto the disk of `directory`."""
    left = os.statvfs(directory)
    return left.f_bavail * left.f_frsize


def test_a_line_that_was_edited_is_found_and_left_as_it_is(engine, deploys):
    deploys(change("one"))
    path = engine.directory / "deployments.md"
    edited = path.read_text().replace("passed", "failed")
    path.write_text(edited)
    found = compare(engine.directory, engine.env.state, engine.env.clock(), mend=True)
    assert (found.missing, found.changed) == ((), (f"{RUN_ID} start",))
    assert path.read_text() == edited


def test_a_library_without_a_log_is_told_how_it_gets_one(engine):
    with pytest.raises(InvalidInputError, match="this library has no deployment log"):
        compare(engine.directory, engine.env.state, engine.env.clock(), mend=True)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[deployments]\nlog = '../a.md'\n", "deployments.log: must be a file in the library"),
        ("[deployments]\nlog = 'a.txt'\n", "deployments.log: must be a file in the library"),
        ("[deployment]\nlog = 'a.md'\n", "deployment: "),
        ("[deployments\n", "runbook.toml:1:13: Expected ']'"),
    ],
)
def test_settings_that_cannot_be_used_are_said_and_the_deployment_is_done(engine, deploys, text, complaint):
    # Given a run, and settings that somebody has broken meanwhile
    deploys(change("one"), log="other.md")
    (engine.directory / "runbook.toml").write_text(text)
    # When it is taken back, and when the log is asked for
    result = logged(run_loop.resume, *engine._again())
    with pytest.raises(InvalidInputError) as caught:
        compare(engine.directory, engine.env.state, engine.env.clock(), mend=False)
    # Then both say what is wrong, and what was to be done is done
    assert complaint in caught.value.message
    assert result.problems[-1] == f"the deployment is not in the deployment log: {caught.value.message}"
    assert result.outcome == "passed"
