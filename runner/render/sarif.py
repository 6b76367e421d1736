"""Findings as SARIF 2.1.0, which code hosts draw beside the lines of a change."""

import os
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from runner import version
from runner.lint.engine import Excepted, rules
from runner.model.yaml.finding import Finding, Level

_LEVELS = {Level.ERROR: "error", Level.WARNING: "warning", Level.INFO: "note"}


def sarif(findings: Sequence[Finding], excepted: Sequence[Excepted]) -> dict[str, Any]:
    """The log; what a file excepts is in it as suppressed, with its reason.

    https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/sarif-v2.1.0-os.html
    """
    found = {each.rule for each in findings} | {each.finding.rule for each in excepted}
    named = sorted({*rules(), *found})
    results = [_result(each, named) for each in findings]
    results += [
        _result(each.finding, named) | {"suppressions": [{"kind": "inSource", "justification": each.reason}]}
        for each in excepted
    ]
    semantic = version() if version().count(".") == 2 else "0.0.0"  # noqa: PLR2004 - major.minor.patch
    driver = {"name": "runbook lint", "semanticVersion": semantic, "rules": [_rule(name) for name in named]}
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}],
    }


def _rule(name: str) -> dict[str, Any]:
    rule = rules().get(name)
    if rule is None:  # the reader's own
        return {"id": name, "defaultConfiguration": {"level": "error"}}
    return {
        "id": name,
        "shortDescription": {"text": rule.problem},
        "help": {"text": f"Wrong:\n\n{rule.wrong}\nRight:\n\n{rule.right}"},
        "defaultConfiguration": {"level": _LEVELS[rule.level]},
        "properties": {"tags": [str(rule.criterion)]},
    }


def _result(finding: Finding, named: Sequence[str]) -> dict[str, Any]:
    message = f"{finding.message}; {finding.hint}" if finding.hint else finding.message
    region = {"startLine": finding.line, "startColumn": finding.column}
    location: dict[str, Any] = {
        "physicalLocation": {"artifactLocation": {"uri": _uri(finding.file)}, "region": region},
    }
    if finding.path:
        location["logicalLocations"] = [{"fullyQualifiedName": finding.path}]
    return {
        "ruleId": finding.rule,
        "ruleIndex": named.index(finding.rule),
        "level": _LEVELS[finding.level],
        "message": {"text": message},
        "locations": [location],
    }


def _uri(file: str) -> str:
    path = quote(file.replace(os.sep, "/"))
    return f"file://{path}" if path.startswith("/") else path
