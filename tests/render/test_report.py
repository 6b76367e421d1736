"""The report of a run says what the records say, in every format."""

from __future__ import annotations

import json
from dataclasses import fields

import pytest
from harness.run_records import RUN, aimed, done, ended, records

from runner.core.events import Event, EventType
from runner.render import report
from runner.render.history.headline import headline
from runner.render.history.run_history import history
from runner.store.log.log_reader import read


def test_a_report_is_written_in_every_format(tmp_path):
    run = history(records(aimed("one"), *done("look"), ended()))

    assert report.write(run, tmp_path) == tmp_path / "report.html"
    for form in report.FORMATS:
        assert (tmp_path / f"report.{form}").read_text(encoding="utf-8") == report.render(run, form)


@pytest.mark.parametrize("form", ["html", "md"])
def test_a_problem_that_the_first_sentence_tells_is_told_once(form):
    run = history(records(ended("failed", problems=["it wants a reason", "the page did not arrive"])))

    shown = report.render(run, form)

    assert headline(run).startswith("it wants a reason. ")
    assert (shown.count("it wants a reason"), shown.count("the page did not arrive")) == (1, 1)


def test_json_says_all_of_it():
    run = history(records(aimed("one"), *done("look"), ended()))
    told = json.loads(report.render(run, "json"))

    assert (told["headline"], told["outcome"], told["ended"]) == (headline(run), "passed", "2026-01-01T00:00:05.000Z")
    assert told.keys() == {"headline", *(field.name for field in fields(run))}


def test_a_record_that_was_too_long_for_the_log_is_told_by_its_cut(new_log):
    # Given a log in which values were too long
    huge = {"values": {f"name_{number}": "x" * 2000 for number in range(200)}}
    with new_log() as log:
        log.append(Event(EventType.RUN_STARTED, RUN), Event(EventType.VALUES_CAPTURED, RUN, "look", "one", huge))
        path = log.path
    # When it is told
    run = history(read(path, run=RUN))
    # Then what is there is a note of it
    (name,), (value,) = run.captured["one"].keys(), run.captured["one"].values()
    assert (name, value.startswith("[cut: ")) == ("", True)
    assert "cut: " in report.render(run, "md")
