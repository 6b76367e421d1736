"""Everything that is linked to is there, once, and means one thing; what is not so is told with its place."""

from __future__ import annotations

import pytest
from harness.collected import SHIPPED, alert, collected, entry

from runner.library.links.link_checks import findings
from runner.library.links.links import links
from runner.library.snapshot import read


@pytest.fixture
def told(tmp_path, monkeypatch):
    """The findings about a library as people see them."""
    monkeypatch.chdir(tmp_path)

    def tell(*runbooks, **registry):
        return [
            str(each).removeprefix("runbooks/").removeprefix("registry/")
            for collection in [collected(tmp_path, *runbooks, **registry)]
            for each in findings(collection, links(collection))
        ]

    return tell


def test_a_sound_library_has_no_findings(told):
    assert told({}, a=alert("MON-001", runbook="RUN-001")) == []


def test_a_link_that_leads_nowhere(told):
    found = told(
        {"links": ["MNO-001", "API-001"], "scope": {"handles": ["x"], "excludes": [{"what": "y", "see": "RUN-002"}]}},
        a=alert("MON-001"),
    )

    assert found == [
        "RUN-001.yml:14:7: scope.excludes[0].see: there is no RUN-002; write runbooks/RUN-002.yml, or plan it: "
        "an entry RUN-002 in runbooks/registry/ [error: dangling-link]",
        "RUN-001.yml:31:5: links[0]: there is no MNO-001; did you mean MON-001? [error: dangling-link]",
        "RUN-001.yml:32:5: links[1]: there is no API-001; write the entry API-001 to a file in runbooks/registry/ "
        "[error: dangling-link]",
    ]


def test_a_runbook_that_is_planned_is_no_dangling_link_and_told_until_it_is_written(told):
    planned = {"a": alert("MON-001", runbook="RUN-002"), "b": entry("RUN-002", category="incident")}

    assert told({"trigger": {"event": "x"}}, **planned) == [
        "b.yml:1:1: RUN-002: is planned, and not written yet; MON-001 leads to it [info: planned-runbook]"
    ]
    assert told({"id": "RUN-002"}, **planned) == [
        "b.yml:1:1: RUN-002: RUN-002 is written: its file says what it is; take the entry out [warning: duplicate-id]"
    ]


def test_an_entry_that_nobody_comes_across(told):
    found = told({}, a=alert("MON-001") + entry("ARC-001") + entry("API-001", links="[RUN-001]"))

    assert found == [
        "a.yml:2:1: ARC-001: nothing links to ARC-001; link to it from a runbook, or take it out [warning: orphan]"
    ]


def test_an_owner_whom_nobody_knows(told):
    assert told({}, a=alert("MON-001", owner="backend-taem")) == [
        "a.yml:1:29: MON-001.owner: nobody is called 'backend-taem'; did you mean 'backend-team'? "
        "[error: unknown-contact]"
    ]


def test_an_alert_leads_to_one_runbook(told):
    (finding,) = told({}, {"id": "RUN-002"}, a=alert("MON-001"))

    assert finding.startswith("a.yml:1:1: MON-001: MON-001 leads to RUN-001 and to RUN-002: whom it wakes")
    assert finding.endswith("[error: two-runbooks]")


def test_two_alerts_of_one_name(told):
    found = told({}, a=alert("MON-001", alertname="Disk") + alert("MON-002", alertname="Disk", runbook="RUN-001"))

    assert found == [
        "a.yml:2:85: MON-002.alertname: 'Disk' at P1 is MON-001 already: that is one alert [error: duplicate-name]"
    ]


def test_two_alerts_of_one_name_that_differ_in_severity(told):
    both = alert("MON-001", alertname="Disk") + alert("MON-002", "P3", alertname="Disk", runbook="RUN-002")

    assert told({}, {"id": "RUN-002", "trigger": {"event": "x"}}, a=both) == []


def test_a_tool_that_is_deprecated(told):
    technologies = entry("TECH-001", commands="[df]", replaced_by="TECH-002") + entry("TECH-002", commands="[duf]")

    assert told({}, a=alert("MON-001") + technologies) == [
        "RUN-001.yml:13:5: steps[0].command: uses df, which is deprecated (TECH-001); use TECH-002 "
        "[warning: deprecated-tool]"
    ]


def test_an_id_that_is_spoken_of_as_something_else(told):
    runbook = {"follow_up": ["Look at the disk again (MON-001)", "Restart the pool (MON-001)"]}

    (finding,) = told(runbook, a=alert("MON-001", title="The disk is full"))

    assert finding.startswith(
        "RUN-001.yml:29:23: MON-001 is spoken of as 'Restart the pool', and is 'The disk is full' in "
        "runbooks/registry/a.yml:1; one id is one thing"
    )
    assert finding.endswith("[warning: two-meanings]")


def test_what_leads_to_a_runbook_that_is_not_used_any_more(told):
    gone = {"deprecated": {"since": "2026-01-01", "replaced_by": "RUN-002"}, "links": ["RUN-003"]}
    other = {"trigger": {"event": "x"}, "links": ["RUN-001"]}
    older = {"id": "RUN-003", "trigger": {"event": "y"}, "deprecated": {"since": "2025-01-01"}}

    found = told(gone, {"id": "RUN-002", **other}, older, a=alert("MON-001", runbook="RUN-001"))

    assert [each.partition(":")[0] for each in found] == ["RUN-002.yml", "a.yml"]
    assert [each.partition(": ")[2].partition(": ")[2] for each in found] == [
        "leads to RUN-001, which is deprecated since 2026-01-01; use RUN-002 [warning: deprecated-runbook]"
    ] * 2


def test_faults_are_told_alone(told):
    found = told({"links": ["MON-002"]}, a="{")

    assert [each.rpartition("[")[2] for each in found] == ["error: yaml-syntax]"]


def test_the_library_that_is_shipped_has_no_loose_end():
    collection = read(SHIPPED)
    assert {each.rule for each in findings(collection, links(collection))} <= {"planned-runbook"}
