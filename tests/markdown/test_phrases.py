"""A phrase is read where it can be read without guessing; everything else stays what somebody said."""

from __future__ import annotations

import pytest

from runner.markdown import phrases


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("Issue persists >15 minutes", {"unresolved_for": "15m"}),
        ("not resolved after 2 hours", {"unresolved_for": "2h"}),
        ("A step fails", "step_failed"),
        ("error rate >2%", {"declared": "error rate >2%"}),
        ("persists > 0 minutes", {"declared": "persists > 0 minutes"}),
    ],
)
def test_why_somebody_is_called(text, meant):
    assert phrases.reason(text) == meant


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("MON-005 alert (pool >90%)", {"alert": "MON-005", "condition": "pool >90%"}),
        ("MON-005", {"alert": "MON-005"}),
        ("Users report it", {"event": "Users report it"}),
        ("MON-005 alert (a (b))", {"alert": "MON-005", "condition": "(a (b))"}),
    ],
)
def test_what_triggers_it(text, meant):
    assert phrases.trigger(text) == meant


def test_ids_and_what_is_said_besides():
    text = "MON-005 (alert), DEP-001/002, RUN-1"

    assert list(phrases.references(text)) == ["MON-005", "DEP-001", "DEP-002"]
    assert phrases.without_references("MON-005, DEP-001/002") == ""


@pytest.mark.parametrize(
    ("text", "code"), [("The job exits with status 0", 0), ("exit code 3", 3), ("exits with code 300", None)]
)
def test_which_exit_code_is_expected(text, code):
    assert phrases.exit_code(text) == code


@pytest.mark.parametrize(("text", "category"), [("Incident Response", "incident"), ("Sometimes", None), ("", None)])
def test_which_category_it_is(text, category):
    assert phrases.category(text) == category


@pytest.mark.parametrize(("text", "severity"), [("P1 (urgent)", "P1"), ("Critical", "critical"), ("high", None)])
def test_how_severe_it_is(text, severity):
    assert phrases.severity(text) == severity
