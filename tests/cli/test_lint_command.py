"""`runbook lint` tells every fault once, with its place, and fails when one is an error."""

from __future__ import annotations

import json

import pytest
from fakes import runbook_file


def test_a_sound_library_has_no_findings(runbook, here):
    runbook_file(here)

    ran = runbook("lint")

    assert (ran.code, ran.err) == (0, "1 runbook, 0 findings\n")


def test_every_fault_is_told_with_its_place_and_its_rule(runbook, here):
    path = runbook_file(here)
    path.write_text(path.read_text().replace("title:", "titel:").replace("exit: 0", "exit: zero"))

    ran = runbook("lint")

    places = [line.partition(": ")[0] for line in ran.out.splitlines()]
    assert ran.code == 2
    assert places == ["runbooks/RUN-001.yml:1:1", "runbooks/RUN-001.yml:2:1", "runbooks/RUN-001.yml:14:15"]
    assert "did you mean 'title'?" in ran.out
    assert ran.err == "1 runbook, 3 findings\n"


def test_a_broken_file_does_not_hide_the_others(runbook, here):
    for number in (1, 2, 3):
        path = runbook_file(here, id=f"RUN-00{number}")
        path.write_text(path.read_text().replace("severity: P2", "severity: P9") if number != 2 else "{")

    ran = runbook("lint")

    assert ran.code == 2
    assert {line.partition(":")[0] for line in ran.out.splitlines()} == {f"runbooks/RUN-00{n}.yml" for n in (1, 2, 3)}


def test_what_is_wrong_in_the_contacts_is_told_once(runbook, here):
    for number in (1, 2, 3):
        runbook_file(here, id=f"RUN-00{number}")
    (here / "runbooks" / "contacts.yml").write_text("on-call: {nam: x}\n")

    ran = runbook("lint")

    assert len(ran.out.splitlines()) == len(set(ran.out.splitlines()))
    assert (ran.code, ran.out.count("'nam'")) == (2, 1)


def test_as_json_it_is_a_list_of_findings(runbook, here):
    runbook_file(here, severity="P9")

    ran = runbook("lint", "--json")

    (finding,) = json.loads(ran.out)
    assert (ran.code, finding["file"], finding["path"], finding["level"]) == (
        2,
        "runbooks/RUN-001.yml",
        "severity",
        "error",
    )


def test_only_what_is_named_is_looked_at(runbook, here):
    runbook_file(here)
    runbook_file(here, id="RUN-002", severity="P9")

    assert (runbook("lint", "RUN-001").code, runbook("lint", "RUN-002").code) == (0, 2)


def test_what_a_file_quotes_does_nothing_to_the_terminal(runbook, here):
    runbook_file(here, severity="\x1b[2J")

    ran = runbook("lint")

    assert ("\x1b" in ran.out, ran.code) == (False, 2)


@pytest.mark.parametrize("name", ["RUN-009", "absent.yml"])
def test_what_is_not_there_is_an_error(runbook, here, name):
    runbook_file(here)

    ran = runbook("lint", name)

    assert (ran.code, ran.err.startswith("error: ")) == (2, True)
