"""Findings as people and as machines read them: text, JSON, SARIF, JUnit, GitHub's workflow commands."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path

import click

from runner.cli.output.terminal import safe
from runner.core.errors import InvalidInputError
from runner.core.limited_file import read_limited
from runner.lint.engine import Excepted, rules
from runner.model.yaml.finding import Finding, Level

Form = Callable[[Sequence[Finding], Sequence[Excepted], Sequence[str]], str]

_COLOURS = {Level.ERROR: "red", Level.WARNING: "yellow", Level.INFO: "blue"}
_LONGEST = 120
_LARGEST = 4 * 1024**2


def _text(findings: Sequence[Finding], excepted: Sequence[Excepted], names: Sequence[str]) -> str:
    del excepted, names
    return "".join(
        click.style(safe(file), bold=True) + "\n" + "".join(_shown(each, _lines(file)) for each in group) + "\n"
        for file, group in groupby(findings, key=lambda finding: finding.file)
    )


def _shown(finding: Finding, lines: Sequence[str]) -> str:
    level = click.style(f"{finding.level:<7}", fg=_COLOURS[finding.level])
    place = f"{finding.file}:{finding.line}:{finding.column}"
    about = f"{finding.path}: " if finding.path else ""
    told = f"  {safe(place)}: {level} {safe(about + finding.message)} [{finding.rule}]\n"
    rule = rules().get(finding.rule)
    if 0 < finding.line <= len(lines) and (rule is None or rule.quotable):
        told += _quoted(finding, lines[finding.line - 1])
    return told + (f"      {safe(finding.hint)}\n" if finding.hint else "")


def _quoted(finding: Finding, line: str) -> str:
    """The line with a mark below the column; a long one from a little before it."""
    start = max(0, finding.column - _LONGEST // 2) if len(line) > _LONGEST else 0
    shown = safe(line[start : start + _LONGEST])
    before = len(safe(line[start : finding.column - 1]))
    gutter = f"{finding.line:>5} | "
    return f"{gutter}{shown}\n{' ' * (len(gutter) - 2)}| {' ' * before}^\n"


def _lines(file: str) -> list[str]:
    try:
        text = read_limited(Path(file), _LARGEST).decode(errors="replace")
    except InvalidInputError:
        return []
    return text.removeprefix("\ufeff").split("\n")


def _json(findings: Sequence[Finding], excepted: Sequence[Excepted], names: Sequence[str]) -> str:
    del names
    data = [{**asdict(each), "excepted": ""} for each in findings]
    data += [{**asdict(each.finding), "excepted": each.reason} for each in excepted]
    return json.dumps(data, indent=2) + "\n"


def _sarif(findings: Sequence[Finding], excepted: Sequence[Excepted], names: Sequence[str]) -> str:
    from runner.render.sarif import sarif  # noqa: PLC0415 - only this form needs it

    del names
    return json.dumps(sarif(findings, excepted), indent=2) + "\n"


def _junit(findings: Sequence[Finding], excepted: Sequence[Excepted], names: Sequence[str]) -> str:
    from runner.render.junit import findings_as_junit  # noqa: PLC0415 - only this form needs it

    del excepted
    return findings_as_junit(findings, names)


def _github(findings: Sequence[Finding], excepted: Sequence[Excepted], names: Sequence[str]) -> str:
    del excepted, names
    return "".join(_command(each) + "\n" for each in findings)


# https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions
def _command(finding: Finding) -> str:
    level = {Level.ERROR: "error", Level.WARNING: "warning", Level.INFO: "notice"}[finding.level]
    values = {"file": finding.file, "line": finding.line, "col": finding.column, "title": finding.rule}
    given = ",".join(f"{key}={_escaped(str(value), also=':,')}" for key, value in values.items())
    message = f"{finding.message}; {finding.hint}" if finding.hint else finding.message
    return f"::{level} {given}::{_escaped(message)}"


def _escaped(text: str, *, also: str = "") -> str:
    return "".join(f"%{ord(each):02X}" if each in f"%\r\n{also}" else each for each in text)


FORMS: Mapping[str, Form] = {"text": _text, "json": _json, "sarif": _sarif, "junit": _junit, "github": _github}
