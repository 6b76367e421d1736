"""`runbook matrix` shows the gaps first; its committed copy goes stale when somebody writes, not when somebody drills."""

from __future__ import annotations

import json

import pytest
from harness.collected import SHIPPED, alert, collected, entry
from harness.fakes import runbook_file


@pytest.fixture
def covered(here, library):
    collected(here, a=alert("MON-001", title="Disk", runbook="RUN-001"))


def test_the_matrix_is_a_table(runbook, covered):
    ran = runbook("matrix")

    assert (ran.code, ran.err) == (0, "1 of 1 rows have a gap; they come first.\n")
    assert ran.out.splitlines() == [
        "GAP                       ID       SCENARIO  RUNBOOK               SEVERITY  RESPONSE  OWNER         LAST TESTED  ESCALATION",
        "RUN-001 was never tested  MON-001  Disk      RUN-001 Disk is full  P1        < 5 min   Backend team  never        L1 On-call engineer",
    ]


@pytest.mark.parametrize("form", ["md", "html", "csv"])
def test_it_has_other_forms(runbook, covered, form):
    ran = runbook("matrix", "--format", form)

    assert (ran.code, "RUN-001 was never tested" in ran.out, ran.err) == (0, True, "")


def test_a_test_shows_in_the_matrix_and_leaves_its_copy_fresh(runbook, covered, ansible):
    ansible.environments["db1"] = "staging"
    assert runbook("matrix", "--write", "docs/matrix.md").out == "wrote  docs/matrix.md\n"
    assert runbook("run", "RUN-001", "-i", "inventory.yml").code == 0

    (row,) = json.loads(runbook("matrix", "--format", "json").out)
    checked = runbook("matrix", "--check", "docs/matrix.md")

    assert (row["gap"], row["last tested"] == "never") == ([], False)
    assert (checked.code, checked.out) == (0, "fresh  docs/matrix.md\n")


@pytest.mark.parametrize("ending", ["md", "html", "csv", "json"])
def test_a_copy_is_stale_when_somebody_has_written_since(runbook, covered, here, ending):
    runbook("matrix", "--write", f"copy.{ending}")
    collected(here, b=entry("SCN-001", category="incident", severity="P1", runbook="RUN-001"))

    ran = runbook("matrix", "--check", f"copy.{ending}")

    assert (ran.code, ran.out) == (1, f"stale  copy.{ending}\n")
    assert ran.err == f"hint: runbook matrix --write copy.{ending}, then review the difference\n"
    assert runbook("matrix", "--write", f"copy.{ending}").code == 0
    assert runbook("matrix", "--check", f"copy.{ending}").code == 0


def test_a_copy_that_is_not_there_is_missing(runbook, covered):
    ran = runbook("matrix", "--check", "absent.md")

    assert (ran.code, ran.out) == (1, "missing  absent.md\n")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ["--check", "matrix.txt"],
            "error: matrix.txt: unknown format\nhint: use a name that ends with .md, .html, .csv, .json\n",
        ),
        (["--write", "a.csv", "--json"], "the name of the file gives the format; leave --format out"),
        (["--check", "a.md", "--write", "a.md"], "--write, --check and --must-haves cannot be combined"),
    ],
)
def test_what_makes_no_sense(runbook, covered, words, told):
    ran = runbook("matrix", *words)

    assert (ran.code, told in ran.err) == (2, True)


def test_the_procedures_that_every_team_has(runbook, covered, here):
    collected(here, b=entry("SCN-001", category="incident", severity="P1", runbook="RUN-001", must_have="service-down"))

    ran = runbook("matrix", "--must-haves", "--format", "json")

    rows = json.loads(ran.out)
    assert (ran.code, len(rows), [row["id"] for row in rows if row["id"]]) == (0, 12, ["SCN-001"])
    assert rows[-1]["gap"] == ["no SCN- entry says `must_have: service-restart`"]


def test_a_library_that_does_not_load_has_no_matrix(runbook, covered, here):
    runbook_file(here, severity="P9")

    assert (runbook("matrix").code, runbook("matrix", "--write", "a.md").code, (here / "a.md").exists()) == (
        2,
        2,
        False,
    )


def test_the_copy_that_is_committed_is_fresh(runbook):
    assert runbook("--library", SHIPPED.root, "matrix", "--check", SHIPPED.root / "docs" / "matrix.md").code == 0
