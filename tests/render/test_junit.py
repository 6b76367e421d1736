"""A JUnit report that CI services read: failures are failures, expected ones are skipped, and surprises are failures."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from runner.library.gates.quality_gates import QualityGate, compare
from runner.model.yaml.finding import Finding, Level
from runner.render.junit import gates_as_junit

OFFENDER = Finding("a.yml", 3, 1, "MON-001", Level.ERROR, "no-runbook", "needs <one> & no \x1b\ufffe")
GOOD = QualityGate("risks", "Risks", ("RISK-001: RUN-001",), ())
BAD = QualityGate("alerts", "Alerts", (), (OFFENDER,))


@pytest.mark.parametrize(
    ("gate", "expected", "told"),
    [
        (GOOD, [], {}),
        (BAD, [], {"failure": "1 offender"}),
        (BAD, ["alerts:MON-001"], {"skipped": "1 offender, 1 as expected"}),
        (
            BAD,
            ["alerts:MON-001", "alerts:MON-002"],
            {"failure": "1 offender, 1 as expected; alerts:MON-002 was expected to offend, and does not"},
        ),
        (GOOD, ["risks", "alerts:MON-001"], {"failure": "risks was expected to offend, and does not"}),
    ],
)
def test_a_gate_is_a_test_case(gate, expected, told):
    (suite,) = ET.fromstring(gates_as_junit([compare(gate, expected)]))
    (case,) = suite

    assert {each.tag: each.get("message") for each in case if each.tag != "system-out"} == told
    assert (suite.get("failures"), suite.get("skipped")) == (
        str(int("failure" in told)),
        str(int("skipped" in told)),
    )


def test_what_xml_can_not_hold_is_replaced():
    assert gates_as_junit([compare(gate, []) for gate in (GOOD, BAD)]) == (
        "<testsuites>\n"
        '  <testsuite name="runbook gate" tests="2" errors="0" failures="1" skipped="0">\n'
        '    <testcase classname="runbook.gate" name="risks: Risks">\n'
        "      <system-out>RISK-001: RUN-001</system-out>\n"
        "    </testcase>\n"
        '    <testcase classname="runbook.gate" name="alerts: Alerts">\n'
        '      <failure message="1 offender">a.yml:3:1: MON-001: needs &lt;one&gt; &amp; no \ufffd\ufffd '
        "[error: no-runbook]</failure>\n"
        "      <system-out />\n"
        "    </testcase>\n"
        "  </testsuite>\n"
        "</testsuites>\n"
    )
