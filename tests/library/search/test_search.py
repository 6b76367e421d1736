"""A runbook is found by what it is called, what people see, what it handles and what it does; and one is told why."""

from __future__ import annotations

import pytest
from harness.fakes import runbook_file

from runner.library.library import Library
from runner.library.search.search import Reason, clear, search, unanswered
from runner.library.snapshot import read

REGISTRY = """\
MON-001:
  title: Too little space
  owner: on-call
  severity: P2
  condition: below 5 %
  alertname: NodeDiskFull
  symptoms: [No space left on device]
  runbook: RUN-001
SCN-001:
  title: The certificate runs out
  owner: on-call
  category: maintenance
  severity: P3
  runbook: RUN-003
RUN-003: {title: Renew a certificate, owner: on-call, category: maintenance}
"""


@pytest.fixture
def library(tmp_path):
    runbook_file(
        tmp_path, scope={"handles": ["Too little space"], "excludes": [{"what": "A dead disk", "see": "RUN-004"}]}
    )
    runbook_file(
        tmp_path,
        id="RUN-002",
        title="Connection pool exhaustion",
        trigger={"alert": "MON-005", "condition": "pool above 90 %"},
        scope={"handles": ["Sessions that hold the connection pool"]},
        links=["MON-001"],
        steps=[
            {
                "id": "end",
                "name": "Terminate the stuck sessions",
                "sql": "SELECT pg_terminate_backend(pid) FROM pg_stat_activity",
                "verify": [{"says": "Fewer are connected", "that": "rows | length > 0"}],
            }
        ],
    )
    registry = tmp_path / "runbooks" / "registry"
    registry.mkdir()
    (registry / "all.yml").write_text(REGISTRY)
    return tmp_path


def found(library, question):
    return [hit.runbook for hit in search(question, read(Library(library)))]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("connection pool", ["RUN-002"]),
        ("conection poool exhaused", ["RUN-002"]),
        ("pg_terminate_backend", ["RUN-002"]),
        ("stuck session", ["RUN-002"]),
        ("cp: error writing 'x': No space left on device", ["RUN-001"]),
        ("MON-005", ["RUN-002"]),
        ("[FIRING:1] mon-5 pool", ["RUN-002"]),
        ("RUN-002", ["RUN-002"]),
        ("NodeDiskFull", ["RUN-001"]),
        ("alertname=NodeDiskFull instance=db1", ["RUN-001"]),
        ("certificate", ["RUN-003"]),
        ("dead disk", ["RUN-004", "RUN-001"]),
        ("banana", []),
        ("the", []),
        ("", []),
    ],
)
def test_the_runbooks_that_are_meant_best_first(library, question, expected):
    assert found(library, question) == expected


def test_what_names_a_runbook_comes_before_what_is_like_the_question(library):
    hits = search("MON-001 connection pool sessions terminate stuck", read(Library(library)))

    assert [(hit.runbook, hit.exact) for hit in hits] == [("RUN-001", True), ("RUN-002", False)]
    assert hits[0].score < hits[1].score
    assert hits[0].reasons[0] == Reason("the alert that triggers it", "MON-001")


def test_each_hit_says_why_and_no_word_twice(library):
    (hit,) = search("conection pool stuck", read(Library(library)))

    assert (hit.title, hit.written, hit.exact) == ("Connection pool exhaustion", True, False)
    assert hit.words == ("conection", "pool", "stuck")
    assert hit.reasons == (
        Reason("title", "Connection pool exhaustion", ("connection", "pool")),
        Reason("step 'Terminate the stuck sessions'", "Terminate the stuck sessions", ("stuck",)),
    )


def test_a_runbook_that_others_leave_things_to_is_found_though_nobody_has_written_it(library):
    hit = search("dead disk", read(Library(library)))[0]

    assert (hit.runbook, hit.title, hit.written) == ("RUN-004", "A dead disk", False)
    assert hit.reasons == (Reason("RUN-001 leaves this to it", "A dead disk", ("dead", "disk")),)


def test_a_planned_runbook_has_the_title_of_its_entry(library):
    hit = search("certificate", read(Library(library)))[0]

    assert (hit.runbook, hit.title, hit.written) == ("RUN-003", "Renew a certificate", False)


def test_what_is_deprecated_comes_last_is_never_meant_and_says_what_is_instead(library):
    runbook_file(library, deprecated={"since": "2026-01-01", "replaced_by": "RUN-005"})
    runbook_file(library, id="RUN-005", title="A full disk, and what to do", trigger={"alert": "MON-001"})

    hits = search("disk is full", read(Library(library)))

    assert [(hit.runbook, hit.deprecated, hit.instead) for hit in hits] == [
        ("RUN-005", "", None),
        ("RUN-001", "deprecated since 2026-01-01", "RUN-005"),
    ]
    assert clear(hits) is hits[0]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("MON-005", "RUN-002"),
        ("stuck", "RUN-002"),
        ("RUN-001 RUN-002", None),
        ("space sessions", None),
        ("banana", None),
    ],
)
def test_one_is_meant_only_where_there_is_no_doubt(library, question, expected):
    meant = clear(search(question, read(Library(library))))

    assert (meant.runbook if meant else None) == expected


def test_the_order_does_not_depend_on_how_often_a_long_runbook_repeats_a_word(library):
    steps = [
        {"id": f"look-{n}", "name": f"Look at disk {n}", "command": "df /", "verify": [{"exit": 0}]} for n in range(20)
    ]
    runbook_file(
        library,
        id="RUN-005",
        title="Something else",
        trigger={"event": "Friday"},
        scope={"handles": ["Load"]},
        steps=steps,
    )

    assert found(library, "disk is full")[0] == "RUN-001"


def test_an_entry_that_leads_to_no_runbook_is_told_as_that(library):
    (library / "runbooks" / "registry" / "more.yml").write_text("DEP-001: {title: A criterion, owner: on-call}\n")
    collection = read(Library(library))

    assert [each.id for each in unanswered("dep-1, MON-001 and MON-404", collection)] == ["DEP-001"]
    assert unanswered("disk", collection) == []
