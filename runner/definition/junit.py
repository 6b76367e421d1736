"""The gates as a JUnit report, which every CI service draws: a gate is a test case."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from xml.etree import ElementTree as ET

from runner.definition.gates import Gate

# What XML 1.0 can not hold, not even escaped: https://www.w3.org/TR/xml/#charsets
_NO_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(gates: Sequence[Gate], expected: Collection[str]) -> str:
    """The report. A gate that is `expected` to fail is skipped when it does, and a failure when it passes."""
    suite = ET.Element("testsuite", name="runbook gate", tests=str(len(gates)), errors="0")
    cases = [_case(suite, gate, expected=gate.name in expected) for gate in gates]
    suite.set("failures", str(cases.count("failure")))
    suite.set("skipped", str(cases.count("skipped")))
    root = ET.Element("testsuites")
    root.append(suite)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=False) + "\n"


def _case(suite: ET.Element, gate: Gate, *, expected: bool) -> str:
    case = ET.SubElement(suite, "testcase", classname="runbook.gate", name=_safe(f"{gate.name}: {gate.title}"))
    if gate.passed and expected:
        verdict, message = "failure", "passed, though it was expected to fail"
    elif gate.passed:
        verdict, message = "passed", ""
    else:
        verdict = "skipped" if expected else "failure"
        number = len(gate.offenders)
        message = f"{number} offender{'s' * (number > 1)}" + (", as expected" if expected else "")
    if message:
        told = ET.SubElement(case, verdict, message=message)
        told.text = _safe("\n".join(map(str, gate.offenders))) or None
    ET.SubElement(case, "system-out").text = _safe("\n".join(gate.evidence))
    return verdict


def _safe(text: str) -> str:
    return _NO_XML.sub("\ufffd", text)
