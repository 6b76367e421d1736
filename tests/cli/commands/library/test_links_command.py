"""`runbook links` and `runbook impact` answer what points where, with the line of each link."""

from __future__ import annotations

import json

import pytest
from harness.collected import SHIPPED, alert, collected


@pytest.fixture
def linked(here):
    collected(here, {"links": ["MON-001"]}, a=alert("MON-001", title="Disk", runbook="RUN-001"))


def test_both_directions_of_a_runbook(runbook, linked):
    ran = runbook("links", "RUN-001")

    assert (ran.code, ran.err) == (0, "")
    assert [line.rstrip() for line in ran.out.splitlines()] == [
        "RUN-001 points to",
        "NAME          KIND     TITLE             WRITTEN IN",
        "backend-team  contact  Backend team      runbooks/RUN-001.yml:6",
        "MON-001       entry    Disk              runbooks/RUN-001.yml:8, 28",
        "all           hosts                      runbooks/RUN-001.yml:12",
        "on-call       contact  On-call engineer  runbooks/RUN-001.yml:24",
        "df            program                    runbooks/RUN-001.yml:17",
        "RUN-001 is pointed to by",
        "NAME     KIND   TITLE  WRITTEN IN",
        "MON-001  entry  Disk   runbooks/registry/a.yml:1",
    ]


def test_links_as_json(runbook, linked):
    (told,) = json.loads(runbook("links", "df", "--format", "json").out)

    assert told == {
        "name": "df",
        "points to": [],
        "is pointed to by": [
            {"name": "RUN-001", "kind": "runbook", "title": "Disk is full", "written in": ["runbooks/RUN-001.yml:17"]}
        ],
    }


def test_the_impact_of_a_program_is_a_table(runbook, linked):
    ran = runbook("impact", "df")

    assert (ran.code, ran.out.splitlines()) == (
        0,
        [
            "REACHES  TITLE         THROUGH  AT                WRITTEN IN",
            "RUN-001  Disk is full  df       steps[0].command  runbooks/RUN-001.yml:17",
            "MON-001  Disk          RUN-001  runbook           runbooks/registry/a.yml:1",
        ],
    )


def test_the_impact_as_json(runbook, linked):
    (told,) = json.loads(runbook("impact", "all", "--format", "json").out)[:1]

    assert told == {
        "reaches": "RUN-001",
        "title": "Disk is full",
        "through": "all",
        "at": "hosts",
        "written in": "runbooks/RUN-001.yml:12",
    }


@pytest.mark.parametrize("command", ["links", "impact"])
def test_what_is_not_there_and_what_does_not_load(runbook, linked, here, command):
    ran = runbook(command, "redis")
    assert (ran.code, ran.err.splitlines()[0]) == (2, "error: nothing here is called 'redis', and nothing links to it")

    collected(here, b="{")
    ran = runbook(command, "df")
    assert (ran.code, ran.out, "runbooks/registry/b.yml:" in ran.err) == (2, "", True)


@pytest.mark.parametrize("word", ["MON-005", "db_primary", "@db-team", "psql"])
def test_the_shipped_library_answers_for_an_alert_a_group_a_handle_and_a_program(runbook, word):
    ran = runbook("--library", SHIPPED.root, "impact", word)

    assert (ran.code, ran.out.splitlines()[1].split()[0]) == (0, "RUN-001")
