"""What another package registers and fails only when it is asked names its package, and stops nobody else."""

from __future__ import annotations

from datetime import date

import pytest
from harness.fakes import runbook_file
from harness.plugin_package import importable, register

from runner.library.library import Library
from runner.library.snapshot import read
from runner.lint.engine import lint

STEP = """
from runner.kinds.invocation import Invocation
from runner.kinds.steps.base import StepKind

class Mine(StepKind):
    key = 'mine'
    mine: str

    def invocation(self, timeout, read_file):
        return Invocation('ping', {{}})

    {method}
"""


def installed(folder, name, text, **groups):
    register(folder, name, **groups)
    (folder / f"{name.replace('-', '_')}.py").write_text(text)


RULE = """
from runner.lint.rules.base import Criterion, Level, Rule

def _find(context):
    {body}

RULE = Rule("my-rule", Level.ERROR, Criterion.SCOPED, problem="x", wrong="", right="", find=_find)
"""


@pytest.mark.parametrize(
    ("body", "why"),
    [("raise KeyError('x')", "KeyError: 'x'"), ("yield 1", "TypeError: it yields int and must yield Hit")],
)
def test_a_rule_that_fails_is_a_warning_that_names_its_package(tmp_path, body, why):
    installed(tmp_path, "my-rules", RULE.format(body=body), rules={"my-rule": "my_rules:RULE"})
    runbook_file(tmp_path)
    with importable(tmp_path):
        library = Library(tmp_path)
        source = library.source("RUN-001")
        findings = lint(source, library.contacts(source), today=date(2026, 1, 1), variables=())

    registered = "the package my-rules 1.0 registers runbookctl.rules my-rule = my_rules:RULE"
    assert [(each.rule, str(each.level), each.message, each.hint) for each in findings] == [
        (
            "my-rule",
            "warning",
            f"{registered}, whose find has failed: {why}",
            "pip uninstall my-rules removes it",
        )
    ]


@pytest.mark.parametrize(
    ("method", "why"),
    [
        ("def destroys(self, read_file): raise KeyError('x')", "destroys has failed: KeyError: 'x'"),
        ("def destroys(self, read_file): return None", "destroys has failed: TypeError: it returns NoneType"),
        ("def invocation(self, timeout, read_file): return []", "invocation has failed: TypeError: it returns list"),
        (
            "def invocation(self, timeout, read_file): return Invocation('a', {}, names={'b': '{{'})",
            "invocation has failed: TemplateSyntaxError",
        ),
    ],
)
def test_a_kind_that_fails_is_an_error_where_it_is_used_and_the_library_is_read(tmp_path, method, why):
    # Given a step of another package whose kind fails, and a runbook that does not use it
    installed(tmp_path, "my-kinds", STEP.format(method=method), steps={"mine": "my_kinds:Mine"})
    runbook_file(tmp_path)
    runbook_file(
        tmp_path, id="RUN-002", steps=[{"id": "a", "name": "A", "mine": "x", "verify": [{"command": "test -e /x"}]}]
    )
    with importable(tmp_path):
        library = Library(tmp_path)
        used, unused = (
            [
                each
                for each in lint(source, library.contacts(source), today=date(2026, 1, 1), variables=())
                if each.level == "error"
            ]
            for source in map(library.source, ("RUN-002", "RUN-001"))
        )
        # Then lint of the one names the package, and the other one and the library are as ever
        assert {each.message.partition(", whose ")[0] for each in used} == {
            "the package my-kinds 1.0 registers runbookctl.steps mine = my_kinds:Mine"
        }
        assert all(f"whose {why}" in each.message for each in used)
        assert unused == []
        assert [*read(library).runbooks] == ["RUN-001", "RUN-002"]
