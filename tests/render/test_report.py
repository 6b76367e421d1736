"""The report of a run says what the records say, in every format."""

from __future__ import annotations

import json
from dataclasses import fields

import pytest
from harness.run_records import FIRST, RUN, again, aimed, done, ended, records

from runner.core.events import Event, EventType
from runner.render import report
from runner.render.history.headline import headline
from runner.render.history.run_history import history
from runner.store.log.log_reader import read


def test_a_report_is_written_in_every_format(tmp_path):
    run = history(records(aimed("one"), *done("look"), ended()))

    assert report.write(run, tmp_path) == tmp_path / "report.html"
    for form in ("md", "html", "json"):
        assert (tmp_path / f"report.{form}").read_text(encoding="utf-8") == report.render(run, form)
    assert not (tmp_path / "handoff.md").exists()


CALLED = (EventType.PAGE_FINISHED, None, None, {"action": "trigger", "contact": "on-call", "status": "accepted"})
LACKING = {
    **FIRST,
    "provide": ["timeline", "application logs"],
    "provenance": {"library": "/ops"},
    "directory": "/ops/.runbook/runs/r",
}


def test_where_somebody_was_called_the_hand_off_is_in_a_file_that_can_be_read_on_any_terminal(tmp_path):
    way = {"words": ["resume", RUN], "does": "continues where it stopped"}
    end = ended("failed", standing={"changed and not verified": ["one"]}, ways_on=[way], happened="x")
    run = history(records(aimed("one"), *done("look"), CALLED, end, first=LACKING))

    report.write(run, tmp_path)

    text = (tmp_path / "handoff.md").read_text(encoding="utf-8")
    assert text == report.render(run, "handoff")
    assert text.startswith("HAND-OFF RUN-001 Disk is full\n\nalice started RUN-001")
    command = f"    cd /ops && runbook resume {RUN}  # continues where it stopped\n"
    assert f"CONTINUE on controller, as alice:\n\n{command}" in text
    assert "HOSTS\n  changed and not verified: one\n" in text
    assert "TIMELINE\n  00:00:00 run started\n" in text
    assert "STEPS\n  Look: one passed\n" in text
    assert all(each.isprintable() or each == "\n" for each in text)


def test_whether_somebody_has_the_latest_attempt_can_be_read():
    page = {"action": "trigger", "contact": "on-call", "dedup_key": "k"}
    taken = (EventType.INCIDENT_ACKNOWLEDGED, None, None, {"by": "bob", "note": "I look"})
    first = [CALLED, taken, ended("failed")]
    news = [again(), (EventType.NOTIFY_REQUESTED, None, None, {**page, "action": "progress"}), ended("failed")]

    for form in ("md", "html"):
        once, twice = (report.render(history(records(aimed("one"), *each)), form) for each in (first, [*first, *news]))
        assert ("Acknowledged by bob" in once, "Not acknowledged" in once) == (True, False)
        assert ("Acknowledged by bob" in twice, f"runbook ack {RUN}" in twice) == (False, True)


@pytest.mark.parametrize(
    ("failed", "line"),
    [
        ({"outcome": "failed"}, "  Look on one: It is there: failed\n"),
        (
            {"outcome": "failed", "reason": "no", "seen": {"exit_code": 3, "output": ["a", "b"]}},
            "  Look on one: It is there: failed: no\n    exit code 3\n",
        ),
    ],
)
def test_the_hand_off_says_of_a_failure_what_there_is_to_say(failed, line):
    check = (EventType.VERIFICATION_FINISHED, "look", "one", {"part": "verify/1", **failed})
    run = history(records(aimed("one"), (EventType.STEP_INTENDED, "look", "one", {}), check, ended("failed")))

    assert line in report.render(run, "handoff")


def test_what_a_host_printed_is_no_tag_in_the_hand_off_and_a_command_is_typed_as_it_stands_there():
    printed = {"part": "action", "outcome": "failed", "reason": "<script>alert(1)</script> 1 < 2 <!-- "}
    way = {"words": ["run", "RUN-001", "-e", "where=<b>"], "does": "starts again"}
    end = ended("failed", ways_on=[way], happened="x")
    run = history(records(aimed("one"), (EventType.ACTION_FINISHED, "look", "one", printed), CALLED, end, first=FIRST))

    text = report.render(run, "handoff")

    assert "\\<script>alert(1)\\</script> 1 < 2 \\<!--" in text
    assert "    runbook run RUN-001 -e 'where=<b>'  # starts again\n" in text
    assert "<script" not in text.replace("\\<", "")


@pytest.mark.parametrize("form", ["html", "md"])
@pytest.mark.parametrize("called", [True, False])
def test_a_hand_off_that_lacks_something_is_called_incomplete_where_somebody_was_called(form, called):
    run = history(records(aimed("one"), *([CALLED] if called else []), ended("failed"), first=LACKING))

    assert ("hand-off is incomplete" in report.render(run, form)) == called
    assert json.loads(report.render(run, "json"))["missing"] == ["application logs"] * called


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
    assert told.keys() == {"headline", "missing", *(field.name for field in fields(run))}


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
