"""`runbook find` names the runbook, why, and what to type next; with --plan it goes there at once."""

from __future__ import annotations

import io
import json

import pytest
from harness.fakes import runbook_file

WANTED = {"version": {"help": "Which one"}, "speed": {"help": "How fast", "default": "slow"}}


def test_a_hit_says_why_and_what_to_type_next(runbook, library):
    ran = runbook("find", "disk", "full")

    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        "RUN-001  Disk is full",
        "         title: Disk is full",
        "         next: runbook plan RUN-001 -i INVENTORY",
    ]


def test_the_next_command_has_what_is_known_and_shows_what_is_missing(runbook, here):
    runbook_file(here, inputs=WANTED)

    ran = runbook("find", "MON-001", "-i", "my hosts.yml", "-l", "db*", "-e", "speed=very fast")

    assert ran.out.splitlines()[1:] == [
        "         the alert that triggers it: MON-001",
        "         next: runbook plan RUN-001 -i 'my hosts.yml' -l 'db*' -e 'speed=very fast' -e version=...",
    ]


def test_an_error_message_is_read_from_a_pipe(runbook, library, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"2026-01-01 sshd[1]: the \xff disk\n is full\n")))

    ran = runbook("find", "-")

    assert (ran.code, ran.out.splitlines()[0]) == (0, "RUN-001  Disk is full")


def test_as_json_it_is_a_list(runbook, library):
    assert json.loads(runbook("find", "mon1", "--json").out) == [
        {
            "runbook": "RUN-001",
            "title": "Disk is full",
            "written": True,
            "exact": True,
            "score": 0.0,
            "words": [],
            "reasons": [{"where": "the alert that triggers it", "text": "MON-001", "words": []}],
            "deprecated": "",
            "instead": None,
            "next": "runbook plan RUN-001 -i INVENTORY",
        }
    ]


def test_no_more_are_shown_than_one_asks_for(runbook, here):
    for number in (1, 2, 3):
        runbook_file(here, id=f"RUN-00{number}")

    ran = runbook("find", "disk", "-n", "1")

    assert ran.out.splitlines()[0] == "RUN-001  Disk is full"
    assert (ran.out.count("next:"), ran.err) == (1, "2 more, less relevant; -n 3 shows them\n")


def test_an_alert_leads_to_the_plan_in_one_command(runbook, library, ansible):
    found = runbook("find", "MON-001", "--plan", "-i", "inventory.yml", "--json")
    planned = runbook("plan", "RUN-001", "-i", "inventory.yml", "--json")

    assert (found.code, found.err) == (0, "")
    assert json.loads(found.out) == json.loads(planned.out)
    assert json.loads(found.out)["runbook"] == "RUN-001"


def test_a_plan_without_hosts_is_refused(runbook, library):
    ran = runbook("find", "MON-001", "--plan")

    assert (ran.code, ran.out) == (2, "")
    assert "-i INVENTORY is missing: on which hosts?" in ran.err


def test_where_it_is_in_doubt_nothing_is_planned_and_the_candidates_are_named(runbook, here):
    runbook_file(here)
    runbook_file(here, id="RUN-002", title="Disk is dead")

    ran = runbook("find", "disk", "--plan", "-i", "inventory.yml")

    assert (ran.code, ran.out) == (2, "")
    assert ran.err.splitlines() == [
        "error: 2 runbooks may be meant:",
        "  RUN-001  Disk is full",
        "  RUN-002  Disk is dead",
        "hint: name one: runbook plan RUN-001 -i ...",
    ]


def test_what_nobody_has_written_is_said_and_not_planned(runbook, here):
    runbook_file(here, scope={"handles": ["Space"], "excludes": [{"what": "A dead controller", "see": "RUN-009"}]})

    found = runbook("find", "controller")
    planned = runbook("find", "controller", "--plan", "-i", "inventory.yml")

    assert found.out.splitlines() == [
        "RUN-009  A dead controller",
        "         RUN-001 leaves this to it: A dead controller",
        "         nobody has written it yet: call who is on duty for it; runbook list shows the runbooks there are",
    ]
    assert (planned.code, planned.out) == (2, "")
    assert "error: RUN-009 (A dead controller) is planned, but nobody has written it yet" in planned.err


def test_what_is_deprecated_leads_to_what_is_used_instead(runbook, here):
    runbook_file(here, deprecated={"since": "2026-01-01", "replaced_by": "RUN-002"})
    runbook_file(here, id="RUN-002", title="Space", trigger={"event": "x"}, scope={"handles": ["Space"]})

    assert runbook("find", "full").out.splitlines() == [
        "RUN-001  Disk is full",
        "         title: Disk is full",
        "         deprecated since 2026-01-01; use RUN-002",
        "         next: runbook plan RUN-002 -i INVENTORY",
    ]


@pytest.mark.parametrize("words", [["banana"], ["the"], ["--", "-1"]])
def test_nothing_found_is_said(runbook, library, words):
    ran = runbook("find", *words)

    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(f"error: no runbook is about '{words[-1]}'\nhint: ")


def test_a_runbook_that_does_not_load_is_told_and_hides_nothing(runbook, library, here):
    (here / "runbooks" / "RUN-002.yml").write_text("{")

    ran = runbook("find", "disk")

    assert (ran.code, ran.out.splitlines()[0]) == (0, "RUN-001  Disk is full")
    assert ran.err == "warning: 1 fault: see runbook registry\n"


def test_only_what_fits_is_shown_of_a_long_passage(runbook, here):
    runbook_file(here, scope={"handles": ["begin " * 40 + "needle\x1b[2J ".replace("\x1b", "") + "end " * 40]})

    line = runbook("find", "needle").out.splitlines()[1]

    assert line.startswith("         scope handles: …")
    assert line.endswith("…")
    assert "needle" in line
    assert len(line) < 110


def test_an_alert_that_leads_nowhere_is_said_with_its_owner(runbook, library, here):
    (here / "runbooks" / "registry").mkdir()
    alert = "{title: Too slow, owner: on-call, severity: P1, condition: above 1 s}"
    (here / "runbooks" / "registry" / "a.yml").write_text(f"MON-009: {alert}\n")

    ran = runbook("find", "MON-009")

    assert (ran.code, ran.out) == (2, "")
    assert ran.err.splitlines()[:2] == [
        "no runbook is for MON-009 (Too slow); its owner is On-call engineer",
        "error: no runbook is about 'MON-009'",
    ]


ONLY_INFORMS = (
    "MON-009: {title: Half full, owner: backend-team, severity: info, condition: it is so, alertname: DiskHalf, "
    "page: README.md}\n"
)


@pytest.fixture
def informing(here, library):
    (here / "README.md").write_text("# Disks\n")
    (here / "runbooks" / "registry").mkdir()
    (here / "runbooks" / "registry" / "alerts.yml").write_text(ONLY_INFORMS)


@pytest.mark.parametrize("word", ["MON-009", "mon9", "DiskHalf"])
def test_an_alert_that_only_informs_leads_to_its_page(runbook, informing, word):
    ran = runbook("find", word)
    as_json = runbook("find", word, "--json")

    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines()[:2] == ["MON-009  Half full", "         it asks for no action; read README.md"]
    assert json.loads(as_json.out)[0] == {"alert": "MON-009", "title": "Half full", "page": "README.md"}


def test_an_alert_that_only_informs_has_no_plan(runbook, informing):
    ran = runbook("find", "MON-009", "--plan", "-i", "inventory.yml")

    assert (ran.code, ran.out) == (2, "")
    assert "error: MON-009 asks for no action, so there is no plan\nhint: read README.md\n" in ran.err


def test_a_page_that_is_not_there_is_no_answer(runbook, informing, here):
    (here / "README.md").unlink()

    ran = runbook("find", "MON-009")

    assert (ran.code, ran.out) == (2, "")
    assert "no runbook is for MON-009 (Half full)" in ran.err


def test_what_does_not_load_is_not_called_unwritten(runbook, here):
    runbook_file(here, scope={"handles": ["Space"], "excludes": [{"what": "A dead controller", "see": "RUN-002"}]})
    (here / "runbooks" / "RUN-002.yml").mkdir()

    found = runbook("find", "controller")
    planned = runbook("find", "controller", "--plan", "-i", "inventory.yml")

    why = "does not load, as runbook lint RUN-002 shows"
    called = "call who is on duty for it; runbook list shows the runbooks there are"
    assert found.out.splitlines()[-1] == f"         {why}: {called}"
    assert f"error: RUN-002 (A dead controller) {why}" in planned.err
