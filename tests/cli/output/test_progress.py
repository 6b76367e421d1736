"""What a run looks like: lines in a pipe, JSON on request, a table on a terminal; and no host speaks to any of them."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
from harness.fakes import RUN_ID, runbook_file
from rich.console import Console

from runner.cli.output import live_progress, progress
from runner.core.events import Event, EventType
from runner.core.step_tags import undo_id
from runner.library.library import Library

STEPS = [
    {
        "id": "look",
        "name": "Look at the disk",
        "effect": "read",
        "command": "df /",
        "verify": [{"says": "There is too little", "exit": 0}],
    },
    {
        "id": "clean",
        "name": "Remove old files",
        "approve": "Remove them?",
        "command": "rm -r /old",
        "verify": [{"says": "There is enough", "command": "df /", "that": "stdout == ''"}],
        "undo": {"command": "restore", "verify": [{"says": "They are back", "exit": 0}]},
    },
    {"id": "cause", "name": "Find the cause", "manual": "Look around", "verify": [{"confirm": "It is known"}]},
]


@pytest.fixture
def runbook(tmp_path):
    return Library(tmp_path).source(str(runbook_file(tmp_path, steps=STEPS))).runbook


@pytest.fixture
def clock(monkeypatch):
    """The monotonic clock of the screen, which stands still until it is set."""
    made = SimpleNamespace(now=100.0)
    for module in (progress, live_progress):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: made.now))
    return made


def event(kind, step=None, host=None, /, **data):
    return Event(EventType(kind), RUN_ID, step, host, data)


STARTED = [
    event(
        "run.started",
        runbook="RUN-001",
        title="Disk is full",
        steps=[{"id": "clean", "name": "Remove old files", "verify": ["There is enough"], "place": "RUN-001.yml:12"}],
    ),
    event("span.started", tags=["step-look"]),
    event("target.resolved", environment="staging", hosts=["db1", "db2"]),
]
LOOKED = [
    event("step.intended", "look", "db1"),
    event("action.finished", "look", "db1", part="action", outcome="passed"),
    event("verification.finished", "look", "db1", part="verify/1", outcome="passed"),
    event("step.finished", "look", "db1", outcome="passed"),
]
LOST = [
    event("step.intended", "look", "db2"),
    event("action.finished", "look", "db2", part="action", outcome="unreachable", reason="no route to host"),
    event("step.finished", "look", "db2", outcome="unreachable", reason="no route to host"),
]
ASKED = [event("gate.asked", "clean", kind="approve", text="Remove them?", hosts=["db1"])]
APPROVED = [event("gate.answered", "clean", kind="approve", part="approve", outcome="passed", by="alice", note="")]
CLEANED = [
    event("step.intended", "clean", "db1"),
    event("action.finished", "clean", "db1", part="action", outcome="passed"),
    event("verification.finished", "clean", "db1", part="verify/1", outcome="failed", reason="still not so"),
    event("step.finished", "clean", "db1", outcome="failed", reason="still not so"),
]
UNDONE = [
    event("step.intended", undo_id("clean"), "db1"),
    event("verification.finished", undo_id("clean"), "db1", part="verify/1", outcome="passed"),
    event("step.finished", undo_id("clean"), "db1", outcome="passed"),
]
OVER = event("incident.resolved", dedup_key="x", by="Bob", note="in pagerduty")
PAGED = [
    event(
        "page.finished", action="trigger", contact="on-call", channel="pagerduty", status="deferred", reason="HTTP 503"
    )
]
TRIGGERS = [
    event(
        "trigger.seen", trigger="DEP-006", says="errors", state="fired", reason="rate > 2 (rate = 3)", runbook="RUN-005"
    ),
    event("trigger.seen", trigger="DEP-007", says="latency", state="unknown", reason="no answer", runbook="RUN-005"),
    event("trigger.answered", trigger="DEP-006", answer="started", by="alice", runbook="RUN-005", note=""),
    event("run.handed_over", to="RUN-005", as_run="20260101T000001Z-00000000", hosts=["a"], trigger="DEP-006"),
]
PASSED_OVER = event("contact.passed_over", contact="day", hours="mon-fri 08:00-18:00 UTC", instead="lead")
REFUSED = [
    event("guard.checked", guard="reason", required="a reason", given="It is time", verdict="met", sentence="Met"),
    event(
        "guard.checked",
        guard="max_hosts",
        required="at most 1 host",
        given="2 hosts",
        verdict="overridden",
        sentence="Too many",
    ),
    event("glass.broken", reason="The shop is down", by="alice", overrides=["max_hosts"]),
    event("preflight.finished", None, "db1", outcome="passed", passed=["reachable"], reason=""),
    event("preflight.finished", None, "db2", outcome="unreachable", passed=[], reason="db2 (10.0.0.2:22): no answer"),
    event("preflight.finished", None, "db3", outcome="not checked", passed=[], reason="it logs in with a password"),
]
DENIED = [
    event("gate.asked", "cause", kind="manual", text="Look around", hosts=["db1"]),
    event("gate.answered", "cause", kind="manual", part="action", outcome="aborted", by="alice", note="no time"),
    event("escalation.declared", "cause", declared="Data is at risk", by="alice"),
    event("step.finished", "cause", "db1", outcome="aborted"),
]
AGAIN = [
    event("run.resumed", runbook="RUN-001", title="Disk is full", take_back=True),
    event("run.resumed", runbook="RUN-001", title="Disk is full"),
    event("lock.awaited", held=["host:db1 is held by alice"]),
    event("debt.found", "clean", "db1", runbook="RUN-001"),
    event("step.settled", "clean", "db1", part="action", outcome="passed", reason="its verifications hold"),
    event("step.settled", "clean", "db2", part="action", outcome="planned", reason="not done in a dry run"),
    event("step.finished", "clean", "db2", outcome="planned"),
    event("attempt.finished", "clean", "db1", part="attempt/1", outcome="failed", reason="non-zero return code"),
    event("commands.rendered", "clean", commands={"db1": "rm -r /old\nsync", "db2": "rm -r /old\nsync", "db3": ""}),
    event("gate.answered", "clean", kind="step", part="step", outcome="skipped", by="al", note="", instead="skip"),
    event("run.handed_over", "clean", to="RUN-002", as_run="20260101T000001Z-00000000"),
    event(
        "undo.planned", takes_back=[], stays=[{"step": "clean", "name": "Remove", "hosts": ["db1"], "why": "it is so"}]
    ),
    event("run.refused", outcome="failed", reason="it is locked"),
    event("changes.accepted", by="alice", before={}, after={}, diff=""),
]
VOID = event("gate.voided", "clean", changes=["the input count was `1` and is now `2`"], reason="", subject="ab")
EXPANDED = event("step.expanded", "clean", "db1", part="items", count=2, items=["/old", "/older"])
UNDECIDED = event("step.decided", "clean", "db1", part="only_if", outcome="failed", reason="'used' is undefined")
WHOLE = [*STARTED, *LOOKED, *LOST, *ASKED, *APPROVED, *CLEANED, *UNDONE, *DENIED, *PAGED]

LINES = f"""\
   0.0s  run {RUN_ID} of RUN-001 Disk is full
   0.0s  staging: db1, db2
   0.0s  begins   Look at the disk on db1
   0.0s  ok       There is too little on db1
   0.0s  passed   Look at the disk on db1
   0.0s  begins   Look at the disk on db2
   0.0s  FAIL     Look at the disk on db2: no route to host
   0.0s  unreachable Look at the disk on db2
   0.0s  yes      Remove old files: alice
   0.0s  begins   Remove old files on db1
   0.0s  FAIL     There is enough on db1: still not so
   0.0s  failed   Remove old files on db1 (RUN-001.yml:12)
   0.0s  begins   Undo: Remove old files on db1
   0.0s  ok       They are back on db1
   0.0s  passed   Undo: Remove old files on db1
   0.0s  no       Find the cause: alice: no time
   0.0s  declared Data is at risk
   0.0s  aborted  Find the cause on db1
   0.0s  page     trigger on-call by pagerduty: deferred: HTTP 503
"""


def test_the_lines_of_a_run(runbook, clock, capsys):
    with progress.LineProgress(runbook) as drawing:
        for one in WHOLE:
            drawing(one)

    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", LINES)


def test_a_probe_that_is_made_elsewhere_leaves_its_step_where_it_is(runbook, clock, capsys):
    begun, _, judged, ended = LOOKED
    elsewhere = replace(judged, data={**judged.data, "on": "localhost"})
    with progress.LineProgress(runbook) as drawing:
        for one in [begun, elsewhere, ended]:
            drawing(one)

    assert capsys.readouterr().err.splitlines() == [
        "   0.0s  begins   Look at the disk on db1",
        "   0.0s  ok       There is too little on localhost for db1",
        "   0.0s  passed   Look at the disk on db1",
    ]


def test_news_of_an_incident_that_have_the_same_end_are_one_line(runbook, clock, capsys):
    news = event("page.finished", contact="on-call", channel="pagerduty", action="progress", status="accepted")
    with progress.LineProgress(runbook) as drawing:
        for one in [news, news, *LOOKED[:1], news]:
            drawing(one)

    line = "   0.0s  page     progress on-call by pagerduty: accepted"
    assert capsys.readouterr().err.splitlines() == [line, "   0.0s  begins   Look at the disk on db1", line]


def test_the_lines_of_what_may_happen_besides(runbook):
    words = progress.Words(runbook)

    assert [line for one in AGAIN for line in progress.lines(one, words)] == [
        f"undoes run {RUN_ID} of RUN-001 Disk is full",
        f"resumes run {RUN_ID} of RUN-001 Disk is full",
        "waits    host:db1 is held by alice",
        "owed     Remove old files on db1 of RUN-001 is not undone",
        "settled  Remove old files on db1: its verifications hold",
        "planned  Remove old files on db2: not done in a dry run",
        "FAIL     Remove old files on db1: non-zero return code",
        "would do rm -r /old ⏎ sync on db1, db2",
        "skip     Remove old files: al",
        "over to  RUN-002, as the run 20260101T000001Z-00000000",
        "stays    Remove on db1: it is so",
        "refused  the run stays failed",
        "accepted the changes of the runbook, by alice",
    ]


def test_the_lines_say_how_long_it_has_been(runbook, clock, capsys):
    drawing = progress.LineProgress(runbook)
    clock.now += 83.21

    drawing(LOOKED[0])

    assert capsys.readouterr().err == "  83.2s  begins   Look at the disk on db1\n"


def test_the_lines_of_a_run_that_is_part_of_something_count_from_when_that_began(runbook, clock, capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: False)
    drawing = progress.choose(runbook, as_json=False, began=clock.now - 10.5)
    clock.now += 2

    drawing(LOOKED[0])

    assert capsys.readouterr().err == "  12.5s  begins   Look at the disk on db1\n"


def test_what_a_person_did_is_said_once(runbook, clock, capsys):
    drawing = progress.LineProgress(runbook)

    drawing(
        event("gate.answered", "cause", kind="confirm", part="verify/1", outcome="passed", by="alice", note="a leak")
    )
    drawing(event("step.finished", "cause", "db1", outcome="passed"))

    assert capsys.readouterr().err == "   0.0s  yes      Find the cause: alice: a leak\n"


def test_a_guard_that_was_gone_past_is_told_loudly_and_one_that_is_met_not_at_all(runbook):
    words = progress.Words(runbook)

    assert [line for one in REFUSED for line in progress.lines(one, words)] == [
        "overridden Too many",
        "BREAK GLASS by alice, past 1 guard: The shop is down",
        "FAIL     db2 (10.0.0.2:22): no answer",
        "left     db3 is not checked: it logs in with a password",
    ]


def test_that_somebody_else_has_resolved_the_incident_is_told(runbook):
    assert progress.lines(OVER, progress.Words(runbook)) == ["incident was resolved before, by Bob in pagerduty"]


def test_that_somebody_is_not_called_at_that_hour_is_told_with_who_is(runbook):
    assert progress.lines(PASSED_OVER, progress.Words(runbook)) == [
        "not called day is called mon-fri 08:00-18:00 UTC only; lead instead"
    ]


def test_that_an_approval_is_void_is_told_with_what_has_changed(runbook):
    assert progress.lines(VOID, progress.Words(runbook)) == [
        "void     the approval of clean: the input count was `1` and is now `2`"
    ]


def test_a_step_that_is_not_needed_is_told_with_the_values_that_its_condition_saw(runbook):
    needed = event("step.decided", "clean", "db1", part="only_if", outcome="passed", reason="used = 95")
    reason = "used > 90 is not true: used = 42"
    decided = event("step.decided", "clean", "db2", part="only_if", outcome="not needed", reason=reason)
    ended = event("step.finished", "clean", "db2", outcome="not needed", reason=reason)
    words = progress.Words(runbook)

    assert [line for one in (needed, decided, ended, UNDECIDED) for line in progress.lines(one, words)] == [
        "not needed Remove old files on db2: used > 90 is not true: used = 42",
        "FAIL     Remove old files on db1: 'used' is undefined",
    ]


def test_a_person_is_not_told_what_only_the_record_needs(runbook):
    words = progress.Words(runbook)

    told = {
        one.type
        for one in [*WHOLE, *AGAIN, *REFUSED, VOID, OVER, EXPANDED, UNDECIDED, PASSED_OVER, *TRIGGERS]
        if progress.lines(one, words)
    }

    assert {str(kind) for kind in set(EventType) - told} == {
        *("run.finished", "run.filed", "run.abandoned", "span.started", "span.finished"),
        *("run.passed", "drill.armed", "drill.undone", "drill.finished", "schedule.told"),  # what follows tells of it
        *("gate.asked", "values.captured", "log.recovered", "step.reopened", "run.cancelled", "vote.given"),
        *("debt.made", "debt.paid", "incident.forgotten", "incident.acknowledged", "reason.given", "inputs.given"),
        "incident.over",
        *(
            f"schedule.{what}"
            for what in ("seen", "claimed", "decided", "left_out", "paused", "asked", "approved", "clock")
        ),
        *("notify.requested", "notify.dropped", "run.called", "task.intended", "task.finished", "trigger.watched"),
    }


def test_a_rollback_trigger_and_what_follows(runbook):
    words = progress.Words(runbook)

    assert [line for one in TRIGGERS for line in progress.lines(one, words)] == [
        "trigger  DEP-006 errors: FIRED: rate > 2 (rate = 3)",
        "trigger  DEP-007 latency: cannot be looked at: no answer",
        "rollback DEP-006: RUN-005 started, by alice",
        "over to  RUN-005, as the run 20260101T000001Z-00000000",
    ]


def test_each_event_is_one_json_object_and_says_nothing_else(capsys):
    with progress.NdjsonProgress() as drawing:
        for one in [STARTED[0], LOOKED[2]]:
            drawing(one)
        with drawing.pause():
            drawing(event("step.finished", "look", "d\x1b[2J", outcome="passed", text="a\nb\u2028"))

    printed = capsys.readouterr()
    assert [json.loads(line) for line in printed.out.splitlines()] == [
        {"type": "run.started", "run": RUN_ID, "data": STARTED[0].data},
        {
            "type": "verification.finished",
            "run": RUN_ID,
            "step": "look",
            "host": "db1",
            "data": {"part": "verify/1", "outcome": "passed"},
        },
        {
            "type": "step.finished",
            "run": RUN_ID,
            "step": "look",
            "host": "d\x1b[2J",
            "data": {"outcome": "passed", "text": "a\nb\u2028"},
        },
    ]
    assert (printed.err, "\x1b" in printed.out) == ("", False)


def drawn(runbook, *events, width=100, **options):
    """The table after `events`, as text."""
    drawing = live_progress.LiveProgress(runbook)
    for one in events:
        drawing(one)
    console = Console(file=io.StringIO(), width=width, color_system=None, **options)
    console.print(drawing)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_the_table_before_anything_has_happened(runbook, clock):
    assert drawn(runbook) == [
        "RUN-001 Disk is full",
        "·  Look at the disk",
        "·  Remove old files",
        "·  Find the cause",
    ]


def test_the_table_while_a_step_runs(runbook, clock):
    clock.now = 0.0

    assert drawn(runbook, *STARTED, *LOOKED[:1])[:2] == [
        "RUN-001 Disk is full on db1, db2 (staging)",
        "|  Look at the disk  0.0s",
    ]


def test_the_table_while_a_step_looks_that_does_nothing_else(runbook, clock, capsys):
    drawing = live_progress.LiveProgress(runbook)
    with drawing:
        for one in [*STARTED, *LOOKED]:
            drawing(one)
        clock.now += 6.5
        console = Console(file=io.StringIO(), width=100, color_system=None)
        console.print(drawing)

    assert [line.rstrip() for line in console.file.getvalue().splitlines()][1:] == [
        "✓  Look at the disk  0.0s  There is too little",
        "|  Remove old files  6.5s",
        "·  Find the cause",
    ]
    assert drawn_last(capsys.readouterr().err) == "·  Find the cause"


def test_the_table_while_a_person_is_asked(runbook, clock):
    assert drawn(runbook, *STARTED, *LOOKED, *ASKED)[1:] == [
        "✓  Look at the disk  0.0s  There is too little",
        "?  Remove old files  0.0s",
        "·  Find the cause",
    ]


def test_the_table_of_a_run_that_went_wrong(runbook, clock):
    assert drawn(runbook, *WHOLE) == [
        "RUN-001 Disk is full on db1, db2 (staging)",
        "✗  Look at the disk        0.0s  db2 unreachable; no route to host",
        "✗  Remove old files        0.0s  There is enough: still not so (RUN-001.yml:12)",
        "✗  Find the cause          0.0s  alice: no time",
        "✓  Undo: Remove old files  0.0s  They are back",
        "☎  trigger on-call by pagerduty: deferred: HTTP 503",
    ]


def test_the_table_on_a_narrow_terminal_loses_nothing(runbook, clock):
    text = "".join(drawn(runbook, *WHOLE, width=40)).replace(" ", "")

    assert "noroutetohost" in text.replace("\n", "")


HOSTILE = "db\x1b[2J\x07[bold]x[/bold]\u202e\nfake"
SAID = "[red]\x1b]0;title\x07\n✓ forged"
EVIL = [
    event("run.started", runbook="RUN-001", title=SAID),
    event("target.resolved", environment="lab", hosts=[HOSTILE]),
    event("step.intended", "look", HOSTILE),
    event("action.finished", "look", HOSTILE, part="action", outcome="failed", reason=SAID),
    event("step.finished", "look", HOSTILE, outcome="failed"),
    event("step.finished", "look", "other", outcome="passed"),
    event("gate.answered", "clean", kind="approve", part="approve", outcome="aborted", by=SAID, note=SAID),
    event("escalation.declared", "clean", declared=SAID, by=SAID),
    event("page.finished", action="trigger", contact=SAID, channel="webhook", status="refused", reason=SAID),
]


def test_hostile_names_and_texts_do_nothing_to_a_table(runbook, clock):
    table = drawn(runbook, *EVIL, width=200)

    assert all(line.isprintable() for line in table)
    assert "[bold]x[/bold]" in "".join(table)
    assert not any(line.startswith("✓ forged") for line in table)


def test_hostile_names_and_texts_do_nothing_to_lines(runbook, clock, capsys):
    drawing = progress.LineProgress(runbook)
    for one in EVIL:
        drawing(one)

    printed = capsys.readouterr().err.splitlines()
    assert all(line.isprintable() for line in printed)
    assert len(printed) == sum(len(progress.lines(one, progress.Words(runbook))) for one in EVIL)


@pytest.mark.parametrize(
    ("terminal", "term", "as_json", "kind"),
    [
        (True, "xterm", False, live_progress.LiveProgress),
        (True, "dumb", False, progress.LineProgress),
        (False, "xterm", False, progress.LineProgress),
        (True, "xterm", True, progress.NdjsonProgress),
    ],
)
def test_how_it_is_drawn_depends_on_where_it_goes(runbook, monkeypatch, terminal, term, as_json, kind):
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal)
    monkeypatch.setenv("TERM", term)

    assert type(progress.choose(runbook, as_json=as_json)) is kind


@pytest.mark.parametrize(("no_color", "coloured"), [(None, True), ("1", False)])
def test_a_terminal_has_colours_unless_nobody_wants_them(runbook, clock, monkeypatch, no_color, coloured):
    for name in ("NO_COLOR", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    if no_color:
        monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setenv("TERM", "xterm-256color")
    drawing = live_progress.LiveProgress(runbook)
    for one in WHOLE:
        drawing(one)
    console = Console(file=io.StringIO(), width=100, force_terminal=True)

    console.print(drawing)

    assert ("\x1b[31m" in console.file.getvalue()) is coloured


def test_a_table_steps_aside_for_a_prompt_and_comes_back_below(runbook, capsys):
    drawing = live_progress.LiveProgress(runbook)
    with drawing:
        with drawing.pause():
            during = drawing._live
        after = drawing._live

    assert (during, after is not None, drawing._live) == (None, True, None)
    assert capsys.readouterr().err.count("Look at the disk") >= 2


def test_a_notice_is_part_of_the_table_and_still_there_when_the_run_has_ended(runbook, clock, capsys):
    drawing = live_progress.LiveProgress(runbook)
    with drawing:
        drawing.notify("stopping")
        capsys.readouterr()
        drawing(STARTED[0])

    assert drawn_last(capsys.readouterr().err) == "stopping"


def drawn_last(text):
    return [line.strip() for line in text.replace("\r", "\n").splitlines() if line.strip()][-1]


@pytest.mark.parametrize(
    "kind", [progress.NdjsonProgress, lambda: progress.LineProgress(SimpleNamespace(procedure=(), steps=()))]
)
def test_a_notice_in_a_pipe_is_a_line_on_standard_error(kind, capfd):
    kind().notify("stopping")

    assert capfd.readouterr() == ("", "stopping\n")


def test_the_steps_of_a_runbook_that_takes_over_are_told_by_their_names(runbook, capsys):
    drawn = progress.LineProgress(runbook)
    other = [{"id": "mend", "name": "Mend it", "verify": ["It is mended"]}]

    drawn(Event(EventType.RUN_STARTED, "run-2", data={"runbook": "RUN-010", "title": "Other", "steps": other}))
    drawn(Event(EventType.VERIFICATION_FINISHED, "run-2", "mend", "db1", {"part": "verify/1", "outcome": "passed"}))

    assert "It is mended" in capsys.readouterr().err


def test_an_item_is_told_by_its_number_and_by_what_it_is(runbook):
    words = progress.Words(runbook)
    begins = event("step.intended", "clean[2]", "db1")
    assert progress.lines(EXPANDED, words) == ["items    Remove old files on db1: /old, /older"]
    assert progress.lines(begins, words) == ["begins   Remove old files [2] on db1"]
    words.learn(EXPANDED)
    assert progress.lines(begins, words) == ["begins   Remove old files [2]: /older on db1"]


def test_the_branch_that_is_taken_is_told_also_in_the_run_of_another_runbook(tmp_path):
    branches = [{"if": "used > 1", "stop": "It is full"}, {"else": "nothing"}]
    decides = [{"id": "is-it", "name": "Is it full?", "decide": branches}, STEPS[0]]
    words = progress.Words(Library(tmp_path).source(str(runbook_file(tmp_path, steps=decides))).runbook)
    inner = {"id": "far", "name": "How far?", "verify": [], "branches": {"a": "if it is far"}}
    words.learn(Event(EventType.RUN_STARTED, "inner", data={"parent": RUN_ID, "steps": [inner]}))

    told = [
        event("values.captured", "is-it", "db1", values={"is_it": "a"}),
        event("values.captured", "is-it", "db2", values={"is_it": "b"}),
        Event(EventType.VALUES_CAPTURED, "inner", "far", "db1", {"values": {"far": "a"}}),
        event("values.captured", "look", "db1", values={"free": "a"}),
        event("values.captured", "is-it", "db3", values="too long for the log"),
    ]

    assert [progress.lines(each, words) for each in told] == [
        ["takes    Is it full?: a if used > 1 on db1"],
        ["takes    Is it full?: b else: nothing is done on db2"],
        ["takes    How far?: a if it is far on db1"],
        [],
        [],
    ]


def test_an_item_is_called_as_it_is_on_that_host_also_in_a_run_that_does_a_step(runbook):
    words = progress.Words(runbook)
    steps = [{"id": "clean", "name": "Clean more", "verify": []}]
    undo = [{"id": "undo-clean", "name": "Undo: Clean more", "verify": []}]
    inner = [
        replace(each, run="20260101T000001Z-00000000")
        for each in (
            event("run.started", runbook="RUN-002", title="Help", parent=RUN_ID, steps=steps, undo=undo),
            event("step.expanded", "clean", "db1", part="items", count=1, items=["/inner"]),
            event("step.intended", "clean[1]", "db1"),
            event("step.intended", "undo-clean[1]", "db1"),
        )
    ]
    outer = [EXPANDED, event("step.expanded", "clean", "db2", part="items", count=1, items=["/other"])]
    began = [event("step.intended", "clean[1]", host) for host in ("db1", "db2")]
    for one in (*outer, *inner[:2]):
        words.learn(one)

    assert [line for one in (*began, *inner[2:]) for line in progress.lines(one, words)] == [
        "begins   Remove old files [1]: /old on db1",
        "begins   Remove old files [1]: /other on db2",
        "begins   Clean more [1]: /inner on db1",
        "begins   Undo: Clean more [1]: /inner on db1",
    ]


def test_what_one_machine_does_for_others_is_told_with_both(runbook):
    words = progress.Words(runbook)
    told = [
        event("step.intended", "clean", "db1", on="lb1"),
        event("verification.finished", "clean", "db1", part="verify/1", outcome="passed", on="lb1"),
        event("step.finished", "clean", "db1", outcome="passed"),
        event("verification.finished", "look", "db2", part="verify/1", outcome="passed", on="lb1"),
        event("verification.finished", "look", "db1", part="verify/1", outcome="passed"),
    ]

    assert [line for one in told for line in progress.lines(one, words)] == [
        "begins   Remove old files on lb1 for db1",
        "ok       There is enough on lb1 for db1",
        "passed   Remove old files on lb1 for db1",
        "ok       There is too little on lb1 for db2",
        "ok       There is too little on db1",
    ]


def test_that_an_action_has_passed_and_done_nothing_is_told(runbook):
    words, nothing = progress.Words(runbook), "nothing was done: each of its tasks was skipped"
    passed = event("action.finished", "clean", "db1", part="action", outcome="passed", reason=nothing)

    assert progress.lines(passed, words) == [f"ok       Remove old files on db1: {nothing}"]
