"""`runbook gate` fails when a gate does, unless exactly that one was expected to, and says why."""

from __future__ import annotations

import json
import re

import pytest
from harness.collected import SHIPPED, alert, collected, entry
from harness.fakes import RUN_ID, runbook_file

from runner.library.gates.quality_gates import GATES

SOUND = {
    "a": alert("MON-001", runbook="RUN-001"),
    "b": entry("SCN-001", category="incident", severity="P1", runbook="RUN-001"),
    "c": entry("DEP-001", rollback="{trigger: it fails, runbook: RUN-001}"),
    "d": entry("RISK-001", level="high", runbook="RUN-001"),
}


@pytest.fixture
def sound(here, library):
    """A library that passes every gate but the one that needs a drill."""
    collected(here, **SOUND)
    return library


def test_every_gate_is_told_with_what_speaks_for_and_against_it(runbook, sound):
    ran = runbook("gate")

    assert (ran.code, ran.err) == (1, "5 of 6 gates pass\n")
    assert ran.out.splitlines() == [
        "pass  critical-scenarios: All critical scenarios have runbooks (RUN-)",
        "      + SCN-001 Something: RUN-001",
        "pass  alerts: Each MON- alert maps to a RUN- procedure",
        "      + MON-001 Something: RUN-001",
        "pass  rollbacks: DEP- rollback triggers link to RUN- procedures",
        "      + DEP-001 Something: RUN-001",
        "pass  risks: RISK- high/medium entries have response runbooks",
        "      + RISK-001 Something: RUN-001",
        "FAIL  owners-and-tests: All runbooks have owners and last-tested dates",
        "      - runbooks/RUN-001.yml:1:1: id: RUN-001 was never tested; rehearse it: runbook drill RUN-001, or let a run "
        "of it pass in staging [error: not-tested]",
        "pass  escalation: Escalation paths defined for all runbooks",
        "      + RUN-001 Disk is full: on-call",
    ]


def test_a_run_that_passed_is_a_test_until_the_runbook_changes(runbook, sound, ansible, machine):
    machine.run_ids(RUN_ID)
    ansible.environments["db1"] = "staging"
    assert runbook("run", "RUN-001", "-i", "inventory.yml").code == 0
    assert runbook("gate").code == 0

    sound(title="The disk is full")

    ran = runbook("gate")
    assert (ran.code, "has changed since its test on" in ran.out) == (1, True)


@pytest.mark.parametrize(
    ("expected", "code", "told"),
    [
        (["owners-and-tests:RUN-001"], 0, "last-tested dates (as expected)\n"),
        ([], 1, "FAIL"),
        (["owners-and-tests"], 1, "? owners-and-tests does not offend: remove --expect owners-and-tests"),
        (["owners-and-tests:RUN-002"], 1, "? owners-and-tests:RUN-002 does not offend"),
        (["owners-and-tests:RUN-001", "alerts:MON-001"], 1, "? alerts:MON-001 does not offend"),
    ],
)
def test_exactly_what_is_expected_fails(runbook, sound, expected, code, told):
    words = [word for name in expected for word in ("--expect", name)]

    ran = runbook("gate", *words)

    assert (ran.code, told in ran.out) == (code, True)


def test_no_other_offender_hides_behind_one_that_is_expected(runbook, sound, here):
    runbook_file(here, id="RUN-002", trigger={"event": "x"})

    ran = runbook("gate", "--expect", "owners-and-tests:RUN-001")

    told = [line for line in ran.out.splitlines() if line.startswith(("FAIL", "      -"))]
    assert ran.code == 1
    assert told[0] == "FAIL  owners-and-tests: All runbooks have owners and last-tested dates"
    assert [line.endswith("(as expected)") for line in told[1:]] == [True, False]


def test_where_there_is_nothing_to_judge_the_gate_alone_is_expected(runbook, sound, here):
    (here / "runbooks" / "registry" / "d.yml").unlink()

    ran = runbook("gate", "--expect", "owners-and-tests:RUN-001", "--expect", "risks")

    assert ran.code == 0


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("everything", "'everything' is no gate; they are critical-scenarios, alerts,"),
        ("alerts:", "'' is no id, like MON-001"),
        ("alerts:mon1", "'mon1' is no id, like MON-001"),
    ],
)
def test_what_can_not_be_expected(runbook, sound, name, why):
    ran = runbook("gate", "--expect", name)

    assert (ran.code, ran.out, why in ran.err) == (2, "", True)


def test_as_json_it_is_a_list_of_gates(runbook, sound):
    words = ["--expect", "owners-and-tests:RUN-001", "--expect", "alerts:MON-001"]
    ran = runbook("gate", "--format", "json", *words)

    gates = json.loads(ran.out)
    assert (ran.code, tuple(gate["name"] for gate in gates)) == (1, GATES)
    assert [(gate["passed"], gate["expected_in_vain"]) for gate in (gates[1], gates[4])] == [
        (True, ["alerts:MON-001"]),
        (False, []),
    ]
    offender = gates[4]["offenders"][0]
    assert [offender[key] for key in ("line", "name", "expected")] == [1, "owners-and-tests:RUN-001", True]


def test_as_junit_it_is_xml(runbook, sound):
    ran = runbook("gate", "--format", "junit")

    assert (ran.code, ran.out.splitlines()[1].strip()) == (
        1,
        '<testsuite name="runbook gate" tests="6" errors="0" failures="1" skipped="0">',
    )


def test_a_library_that_does_not_load_is_invalid_and_not_judged(runbook, sound, here):
    runbook_file(here, severity="P9")

    ran = runbook("gate")

    assert (ran.code, ran.out, ran.err.count("wrong-value")) == (2, "", 1)


def test_a_record_that_is_broken_proves_nothing(runbook, sound, ansible, here):
    assert runbook("run", "RUN-001", "-i", "inventory.yml").code == 0
    log = here / ".runbook" / "audit" / "audit.jsonl"
    log.write_text(log.read_text().replace('"local"', '"production"').replace("db1", "db2"))

    assert runbook("gate").code == 7


def test_a_state_in_which_nothing_was_done_proves_nothing(runbook, sound, here):
    (here / ".runbook").mkdir(mode=0o700)

    assert runbook("gate").err == "5 of 6 gates pass\n"


def test_ci_expects_of_the_shipped_library_what_it_does(runbook):
    script = (SHIPPED.root / ".ci" / "run").read_text()
    words = [word for name in re.findall(r"--expect (\S+)", script) for word in ("--expect", name)]

    assert runbook("--library", SHIPPED.root, "gate", *words).code == 0
