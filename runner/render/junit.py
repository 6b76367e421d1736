"""The gates as a JUnit report, which every CI service draws: a gate is a test case."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree as ET

from runner.library.gates.gate_baseline import Comparison

# What XML 1.0 cannot hold, not even escaped: https://www.w3.org/TR/xml/#charsets
_NO_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(gates: Sequence[Comparison]) -> str:
    """The report. A gate that fails as expected is skipped; one that is not as it was expected to be is a failure."""
    suite = ET.Element("testsuite", name="runbook gate", tests=str(len(gates)), errors="0")
    cases = [_case(suite, compared) for compared in gates]
    suite.set("failures", str(cases.count("failure")))
    suite.set("skipped", str(cases.count("skipped")))
    root = ET.Element("testsuites")
    root.append(suite)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=False) + "\n"


def _case(suite: ET.Element, compared: Comparison) -> str:
    gate = compared.gate
    case = ET.SubElement(suite, "testcase", classname="runbook.gate", name=_safe(f"{gate.name}: {gate.title}"))
    verdict = "failure" if compared.surprises else "passed" if gate.passed else "skipped"
    if verdict != "passed":
        told = ET.SubElement(case, verdict, message=_message(compared))
        told.text = _safe("\n".join(map(str, gate.offenders))) or None
    ET.SubElement(case, "system-out").text = _safe("\n".join(gate.evidence))
    return verdict


def _message(compared: Comparison) -> str:
    number, known = len(compared.gate.offenders), len(compared.expected)
    said = [f"{number} offender{'s' * (number > 1)}" + (f", {known} as expected" if known else "")] if number else []
    return "; ".join([*said, *(f"{gone} was expected to offend, and does not" for gone in compared.vain)])


def _safe(text: str) -> str:
    return _NO_XML.sub("\ufffd", text)
