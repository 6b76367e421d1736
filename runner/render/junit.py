"""JUnit reports, which every CI service draws: a gate of the library, or a runbook that was linted, is a test case."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Literal
from xml.etree import ElementTree as ET

from runner.core.deferred import dataclass, regex
from runner.core.wording import counted
from runner.model.yaml.finding import Finding, Level

if TYPE_CHECKING:
    from runner.library.gates.quality_gates import Comparison

# What XML 1.0 cannot hold, not even escaped: https://www.w3.org/TR/xml/#charsets
_NO_XML = regex("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class JUnitCase:
    """A test case: `message` and `text` say why it did not pass, `output` is what is written beside it."""

    name: str
    verdict: Literal["passed", "failure", "skipped"]
    message: str
    text: str
    output: str | None
    level: str | None = None
    seconds: float | None = None


def gates_as_junit(gates: Sequence[Comparison]) -> str:
    """The report. A gate that fails as expected is skipped; one that is not as it was expected to be is a failure."""
    return report("gate", [_case_of_gate(compared) for compared in gates])


def findings_as_junit(findings: Sequence[Finding], names: Sequence[str]) -> str:
    """The report: a runbook with an error or a warning has failed; what is good to know is written beside it."""
    return report("lint", list(_cases_of_runbooks(findings, names)))


def _case_of_gate(compared: Comparison) -> JUnitCase:
    gate, number, expected = compared.gate, len(compared.gate.offenders), len(compared.expected)
    words = [counted(number, "offender") + (f", {expected} as expected" if expected else "")] if number else []
    return JUnitCase(
        name=f"{gate.name}: {gate.title}",
        verdict="failure" if compared.surprises else "passed" if gate.passed else "skipped",
        message="; ".join([*words, *(f"{gone} was expected to offend, and does not" for gone in compared.vain)]),
        text="\n".join(map(str, gate.offenders)),
        output="\n".join(gate.evidence),
    )


def _cases_of_runbooks(findings: Sequence[Finding], names: Sequence[str]) -> Iterator[JUnitCase]:
    own: dict[str, list[Finding]] = {PurePath(name).stem: [] for name in names}
    for finding in findings:
        own.setdefault(PurePath(finding.file).stem, []).append(finding)
    for name, found in own.items():
        bad = [each for each in found if each.level is not Level.INFO]
        yield JUnitCase(
            name=name,
            verdict="failure" if bad else "passed",
            message=counted(len(bad), "finding"),
            text="\n".join(map(str, bad)),
            output="\n".join(str(each) for each in found if each.level is Level.INFO) or None,
            level=str(min(each.level for each in bad)) if bad else None,
        )


def report(subject: str, cases: Sequence[JUnitCase]) -> str:
    """The report of `cases`, which are about `subject`."""
    root = ET.Element("testsuites")
    suite = ET.SubElement(root, "testsuite", name=f"runbook {subject}", tests=str(len(cases)), errors="0")
    for attribute, verdict in (("failures", "failure"), ("skipped", "skipped")):
        suite.set(attribute, str(sum(case.verdict == verdict for case in cases)))
    for case in cases:
        element = ET.SubElement(suite, "testcase", classname=f"runbook.{subject}", name=_safe(case.name))
        if case.seconds is not None:
            element.set("time", f"{case.seconds:.1f}")
        if case.verdict != "passed":
            level = {"type": case.level} if case.level else {}
            why = ET.SubElement(element, case.verdict, {"message": _safe(case.message), **level})
            why.text = _safe(case.text) or None
        if case.output is not None:
            ET.SubElement(element, "system-out").text = _safe(case.output) or None
    ET.indent(root)
    return ET.tostring(root, encoding="unicode") + "\n"


def _safe(text: str) -> str:
    return _NO_XML.sub("\ufffd", text)
