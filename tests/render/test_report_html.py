"""In a rendered report nothing that a host said can be more than text."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from harness.run_records import STARTED, ended, records
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from runner.core.events import EventType
from runner.render.history.decisions import Ballot, Decision
from runner.render.history.run_history import PageHistory, history
from runner.render.history.step_history import Action, Check, HostHistory, StepHistory
from runner.render.history.timeline import Moment
from runner.render.markup import one_line
from runner.render.report_html import brief, listed, points, render, trend
from runner.store.log.envelope import Actor

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "a | b",
    "`code`",
    "[click](javascript:alert(1))",
    "![pixel](http://evil/x.png)",
    "line\nbreak\r\n# title",
    "\x1b[31mred\x1b[0m\x07\x00",
    "right\u202eleft\u200bnothing\u2028",
    "half \ud800 pair",
    "&lt;b&gt;",
    "\\",
    "{{ 7 * 7 }}{% raw %}",
]


def report_of(said):
    """A history in which every text is `said`."""
    check = Check(1, said, said, said, said, (said, said), (said, said))
    action = Action(said, said, 1, said, "evidence/00001-act.json")
    hosts = {said: HostHistory(said, action), "b": HostHistory("passed")}
    step = StepHistory(id=said, name=said, effect=said, hosts=hosts, checks=(check,), place=said, seconds=1.0)
    vote = Ballot(said, f"{said} login", said, said)
    run = history(records(ended(said), first={"runbook": said, "title": said, "parent": said}, run=said))
    attempt = replace(run.attempts[0], name=said, outcome=said, actor=Actor(said, said, 1, said), steps=(step,))
    return replace(
        run,
        outcome=said,
        environment=said,
        hosts=(said, said),
        attempts=(replace(attempt, problems=(said,)), attempt),
        facts={"inputs": {said: said}, "limit": said, "inventories": [said], "reason": said},
        provenance={"versions": {said: said}, "commit": said},
        steps=(step,),
        decisions=(
            Decision(said, said, said, (said,), STARTED, {"commands": {said: said}}, said, said, said, (vote,)),
        ),
        timeline=(Moment(STARTED, 1.0, said, said, said),),
        captured={said: {said: said, "list": [said]}},
        pages=(PageHistory(said, said, said, said, said),),
        follow_up=(said,),
        head=said,
        problems=(said,),
        glass=(said,),
        children=(said,),
    )


class Page(HTMLParser):
    """The shape of an HTML page, without its texts."""

    def __init__(self, page):
        super().__init__()
        self.shape, self.texts = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.shape.append((tag, tuple(name for name, _ in attrs)))

    def handle_endtag(self, tag):
        self.shape.append(tag)

    def handle_data(self, data):
        self.texts.append(data)


def tokens_of(page):
    """The structure of a Markdown page, and the texts of its fences."""
    found = MarkdownIt("commonmark", {"html": True}).enable("table").parse(page)
    types = [(each.type, [child.type for child in each.children or ()]) for each in found]
    return types, [each.content for each in found if each.type == "fence"]


@pytest.mark.parametrize("said", HOSTILE)
def test_html_has_the_same_shape_whatever_was_said(said):
    page = render(report_of(said), "html")
    assert Page(page).shape == Page(render(report_of("harmless"), "html")).shape
    assert all(character.isprintable() or character == "\n" for character in page)
    page.encode("utf-8")


@pytest.mark.parametrize("said", HOSTILE)
def test_markdown_has_the_same_structure_whatever_was_said(said):
    page = render(report_of(said), "md")
    types, fences = tokens_of(page)
    assert [name for name, _ in types] == [name for name, _ in tokens_of(render(report_of("harmless"), "md"))[0]]
    assert {child for _, children in types for child in children} <= {
        "text",
        "strong_open",
        "strong_close",
        "link_open",
        "link_close",
        "softbreak",
        "text_special",
    }
    assert all(character.isprintable() or character == "\n" for character in page)
    shown = "".join(each if each.isprintable() or each == "\n" else " " for each in said)
    assert {text for text in fences if not text.startswith("commands ")} == {f"{shown}\n"}
    assert sum(text.startswith("commands ") for text in fences) == 1  # what people saw


@settings(deadline=None, max_examples=40)
@given(st.text().filter(one_line))
def test_no_text_changes_the_shape(said):
    report = report_of(said)
    assert Page(render(report, "html")).shape[:12] == Page(render(report_of("harmless"), "html")).shape[:12]
    assert [name for name, _ in tokens_of(render(report, "md"))[0]] == [
        name for name, _ in tokens_of(render(report_of("harmless"), "md"))[0]
    ]


def test_a_page_loads_nothing_and_runs_nothing():
    page = render(report_of("harmless"), "html")
    assert "content=\"default-src 'none'; style-src 'unsafe-inline'\"" in page
    assert not re.search(r"<script|<link|<img|src=|@import|url\(", page)
    assert set(re.findall(r'href="([^"]*)"', page)) == {"evidence/00001-act.json"}


def test_a_report_of_nothing_has_no_empty_parts():
    nothing = history(records())
    for form in ("md", "html"):
        page = render(nothing, form)
        assert not [
            title for title in ("Captured", "Called", "Follow up", "Attempts", "Decisions", "exactly") if title in page
        ]
    assert "on no host" in render(nothing, "html")


def test_a_long_value_is_cut_and_says_so():
    assert brief("x" * 500) == "x" * 500
    assert brief(["x" * 1234]).endswith(" … (the whole, of 1,238 characters, is in the JSON)")


def test_values_are_listed():
    assert listed(["a", 1, "b\n"]) == "a, 1, b"


@pytest.mark.parametrize(
    ("samples", "words", "line"),
    [
        (["[{'percent': 97}]", "[{'percent': 12}]"], "97 to 12 in 2 samples", "0.0,2.0 120.0,22.0"),
        (["1", "3", "2"], "1 to 2 in 3 samples", "0.0,22.0 60.0,2.0 120.0,12.0"),
        (["200", "200"], "200 to 200 in 2 samples", ""),
        (["starting", "up"], "starting to up in 2 samples", ""),
        (["1", "none"], "1 to none in 2 samples", ""),
        (["-1.5e300", "9" * 400], "-1.5 to 1e+15 in 2 samples", "0.0,22.0 120.0,2.0"),
        (["5"], "5 to 5 in 1 samples", ""),
    ],
)
def test_a_trend_is_told_by_its_ends_and_drawn_where_there_is_something_to_draw(samples, words, line):
    assert (trend(samples), points(samples)) == (words, line)


@given(st.lists(st.text() | st.floats().map(str), min_size=1))
def test_a_line_stays_in_its_picture(samples):
    for point in points(samples).split():
        across, down = map(float, point.split(","))
        assert 0 <= across <= 120
        assert 2 <= down <= 22
    assert "\n" not in trend(samples)


def test_a_problem_of_several_lines_keeps_them():
    run = replace(history(records(ended("failed"))), problems=("db1 is protected\n<db2> is protected",))
    assert '<p class="card problem">db1 is protected\n&lt;db2&gt; is protected</p>' in render(run, "html")


DIAGNOSIS = {
    "runbook": "RUN-001",
    "title": "It is slow",
    "steps": [
        {"id": "cause-a", "name": "Locked?", "effect": "read", "number": "1a", "branch": "Locked", "asks": True},
        {
            "id": "cause",
            "name": "What is it?",
            "effect": "read",
            "number": "1",
            "branches": {"a": "if Locked", "b": "if wide", "c": "else: nothing is done"},
        },
        {"id": "fix", "name": "Fix it", "effect": "change", "number": "1a.1", "branch": "Locked"},
        {"id": "end", "name": "End here", "effect": "read", "number": "1b.1", "branch": "wide", "stops": "Call us"},
        {"id": "after", "name": "Look", "effect": "read", "number": "2"},
    ],
}


def captured(step, host, value):
    return (EventType.VALUES_CAPTURED, step, host, {"values": {step: value}})


def finished(step, host, outcome):
    return (EventType.STEP_FINISHED, step, host, {"outcome": outcome})


def test_a_diagnosis_is_told_as_a_tree_with_the_branch_that_was_taken_on_each_host():
    run = history(
        records(
            *(captured("cause-a", host, value) for host, value in (("db1", True), ("db2", False))),
            *(finished("cause-a", host, "passed") for host in ("db1", "db2")),
            *(captured("cause", host, value) for host, value in (("db1", "a"), ("db2", "b"))),
            *(finished("cause", host, "passed") for host in ("db1", "db2")),
            *(finished("fix", host, outcome) for host, outcome in (("db1", "passed"), ("db2", "not needed"))),
            *(finished("end", host, outcome) for host, outcome in (("db1", "not needed"), ("db2", "failed"))),
            ended("failed"),
            first=DIAGNOSIS,
        )
    )

    markdown, page = render(run, "md"), render(run, "html")

    rows = markdown.partition("## Steps")[2].partition("## ")[0].splitlines()
    assert rows[4:-1] == [
        "| 1 What is it? | read | passed |  |",
        "| - a if Locked: db1 | | | |",
        "| - b if wide: db2 | | | |",
        "| - c else: nothing is done | | | |",
        "| 1a Locked? (if Locked) | read | passed |  |",
        "| - yes: db1 | | | |",
        "| - no: db2 | | | |",
        "| 1a.1 Fix it (if Locked) | change | 1 passed, 1 not needed |  |",
        "| 1b.1 End here (if wide) | read | 1 not needed, 1 failed |  |",
        "| 2 Look | read | never reached |  |",
    ]
    assert re.findall(r'<section class="card step (\w+)(?: inner)?">\n<header><h3>([\w.]+)', page) == [
        *(("good", "1"), ("good", "1a"), ("good", "1a.1"), ("warn", "1b.1"), ("idle", "2")),
    ]
    assert '<span class="word warn">1 not needed, 1 stopped here</span>' in page
    assert "A diagnosis ended the run on db2: Call us. 1 step was never reached." in page
