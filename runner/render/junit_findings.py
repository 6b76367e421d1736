"""Findings as a JUnit report, which every CI service draws: a runbook is a test case."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePath
from xml.etree import ElementTree as ET

from runner.model.yaml.finding import Finding, Level

# What XML 1.0 cannot hold, not even escaped: https://www.w3.org/TR/xml/#charsets
_NO_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(findings: Sequence[Finding], names: Sequence[str]) -> str:
    """The report: a runbook with an error or a warning has failed; what is good to know is written beside it."""
    suite = ET.Element("testsuite", name="runbook lint", errors="0", skipped="0")
    cases = dict.fromkeys(PurePath(name).stem for name in names)
    cases |= dict.fromkeys(_name(finding) for finding in findings)
    failures = 0
    for name in cases:
        own = [finding for finding in findings if _name(finding) == name]
        failures += _case(suite, name, own)
    suite.set("tests", str(len(cases)))
    suite.set("failures", str(failures))
    root = ET.Element("testsuites")
    root.append(suite)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode") + "\n"


def _case(suite: ET.Element, name: str, findings: Sequence[Finding]) -> bool:
    case = ET.SubElement(suite, "testcase", classname="runbook.lint", name=_safe(name))
    bad = [each for each in findings if each.level is not Level.INFO]
    if bad:
        message = f"{len(bad)} finding{'s' * (len(bad) > 1)}"
        told = ET.SubElement(case, "failure", message=message, type=str(min(each.level for each in bad)))
        told.text = _safe("\n".join(map(str, bad)))
    if rest := [str(each) for each in findings if each.level is Level.INFO]:
        ET.SubElement(case, "system-out").text = _safe("\n".join(rest))
    return bool(bad)


def _name(finding: Finding) -> str:
    return PurePath(finding.file).stem


def _safe(text: str) -> str:
    return _NO_XML.sub("\ufffd", text)
