"""An incident that somebody was called for is remembered until it is resolved."""

from __future__ import annotations

import json
import stat

import pytest

from runner.core.errors import AuditError, ExitCode
from runner.escalation.incidents import Incident, Incidents

ONE = Incident("runbookctl/RUN-001/lab/1", "20260101T000000Z-0123abcd", ("on-call", "lead"))
TWO = Incident("runbookctl/RUN-001/lab/2", "20260101T000001Z-0123abcd", ())


def test_an_incident_is_found_by_its_key_until_it_is_closed(tmp_path):
    incidents = Incidents(tmp_path / "incidents")
    assert incidents.find(ONE.dedup_key) is None
    incidents.open(ONE)
    incidents.open(TWO)
    assert (incidents.find(ONE.dedup_key), incidents.find(TWO.dedup_key)) == (ONE, TWO)
    incidents.close(ONE.dedup_key)
    incidents.close(ONE.dedup_key)
    assert (incidents.find(ONE.dedup_key), incidents.find(TWO.dedup_key)) == (None, TWO)
    assert stat.S_IMODE((tmp_path / "incidents").stat().st_mode) == 0o700


def test_the_incidents_within_some_hosts_are_of_one_runbook_and_environment_and_about_no_other_host(tmp_path):
    incidents = Incidents(tmp_path / "incidents")
    about = {
        "runbookctl/RUN-001/lab/1": ("db1",),
        "runbookctl/RUN-001/lab/1/L2": ("db1",),
        "runbookctl/RUN-001/lab/2": ("db1", "db3"),
        "runbookctl/RUN-001/lab/3": (),  # its hosts are not known
        "runbookctl/RUN-001/production/1": ("db1",),
        "runbookctl/RUN-002/lab/1": ("db1",),
    }
    for key, hosts in about.items():
        incidents.open(Incident(key, ONE.run, ("on-call",), hosts=hosts))

    found = incidents.within("runbookctl/RUN-001/lab/4", ("db1", "db2"))

    assert sorted(found) == ["runbookctl/RUN-001/lab/1", "runbookctl/RUN-001/lab/1/L2"]


def test_the_incidents_beyond_some_hosts_are_about_others_as_well_and_stay_open(tmp_path):
    incidents = Incidents(tmp_path / "incidents")
    about = {
        "runbookctl/RUN-001/lab/1": ("db1",),
        "runbookctl/RUN-001/lab/2": ("db1", "db3"),
        "runbookctl/RUN-001/lab/2/L2": ("db1", "db3"),
        "runbookctl/RUN-001/lab/3": ("db3",),
        "runbookctl/RUN-002/lab/2": ("db1", "db3"),
    }
    for key, hosts in about.items():
        incidents.open(Incident(key, ONE.run, ("on-call",), hosts=hosts))

    (found,) = incidents.beyond("runbookctl/RUN-001/lab/1", ("db1",))

    assert found.dedup_key == "runbookctl/RUN-001/lab/2"
    assert found.stays_open == (
        f"the incident about db1, db3 (run {ONE.run}) stays open until a run passes on all of these hosts"
    )


def test_a_file_from_before_hosts_were_kept_is_found_by_its_key(tmp_path):
    incidents = Incidents(tmp_path / "incidents")
    incidents.open(ONE)
    (file,) = (tmp_path / "incidents").iterdir()
    file.write_text(json.dumps({"dedup_key": ONE.dedup_key, "run": ONE.run, "contacts": ONE.contacts}))
    assert (incidents.find(ONE.dedup_key), incidents.within(ONE.dedup_key, ("db1",))) == (ONE, [])


def test_the_last_run_that_called_is_the_one_that_is_remembered(tmp_path):
    incidents = Incidents(tmp_path / "incidents")
    incidents.open(ONE)
    again = Incident(ONE.dedup_key, "20260102T000000Z-0123abcd", ("lead",), earlier=(ONE.run,))
    incidents.open(again)
    assert incidents.find(ONE.dedup_key) == again
    assert [incidents.opened_by(run) for run in (ONE.run, again.run, "another")] == [[ONE.dedup_key]] * 2 + [[]]


def test_what_can_not_be_remembered_is_told(tmp_path):
    (tmp_path / "incidents").write_text("in the way")
    with pytest.raises(AuditError) as caught:
        Incidents(tmp_path / "incidents").open(ONE)
    assert (caught.value.exit_code, caught.value.hint) == (ExitCode.AUDIT, "make room, or use --state-dir")
