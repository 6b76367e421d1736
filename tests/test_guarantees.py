"""Each promise of docs/guarantees.md names tests that are there, and the page says what is not promised."""

from __future__ import annotations

import re

from harness import ROOT

PAGE = (ROOT / "docs" / "guarantees.md").read_text(encoding="utf-8")
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("| Promise")]


def test_each_promise_names_tests_that_are_there():
    named = {row: re.findall(r"`(tests/[\w/]+\.py)`", row) for row in ROWS}

    assert [row for row, tests in named.items() if not tests] == []
    assert [name for tests in named.values() for name in tests if "def test_" not in (ROOT / name).read_text()] == []


def test_what_is_not_promised_is_said():
    assert "## What is not promised" in PAGE
    assert len(ROWS) > 15
