"""A library is listed, judged by its gates and shown as a matrix, from what is written and what passed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from harness.collected import alert, collected

from runner.core.errors import InvalidInputError
from runner.library.last_tested import Proof
from runner.library.library import Library
from runner.services.library.library_overview import (
    check_gates,
    copy_state,
    list_categories,
    list_runbooks,
    matrix_copy,
    response_matrix,
)


@pytest.fixture
def library(tmp_path):
    collected(tmp_path, {}, a=alert("MON-001", runbook="RUN-001"))
    return Library(tmp_path)


def test_every_runbook_is_listed_also_one_that_does_not_load(library):
    (library.root / "runbooks" / "RUN-002.yml").write_text("id: RUN-002\ntitle: ''\n")

    first, second = list_runbooks(library)
    assert (first.id, first.summary.title, first.faults) == ("RUN-001", "Disk is full", 0)
    assert (second.id, second.summary) == ("RUN-002", None)
    assert second.faults > 1


def test_categories_have_the_runbooks_that_are_in_use(library):
    assert {str(each.category): each.runbooks for each in list_categories(library)}["incident"] == ("RUN-001",)


def test_the_gates_are_compared_with_what_is_expected(library):
    sha256 = library.source("RUN-001").sha256
    proof = Proof("RUN-001", sha256, "", "staging", "run", datetime(2026, 1, 1, tzinfo=UTC))

    by_name = {each.gate.name: each for each in check_gates(library, [proof], ["rollbacks"])}
    assert by_name["owners-and-tests"].gate.passed
    assert not by_name["rollbacks"].surprises
    assert not {each.gate.name: each for each in check_gates(library, [])}["owners-and-tests"].gate.passed


def test_the_matrix_and_its_copy_which_does_not_depend_on_the_record(library, tmp_path):
    (row, *_) = response_matrix(library, [])
    assert (row.id, row.last_tested) == ("MON-001", "never")
    assert len(response_matrix(library, [], only_must_haves=True)) == 12

    path = tmp_path / "matrix.md"
    text = matrix_copy(library, path)
    assert copy_state(path, text) == "missing"
    path.write_text(text)
    assert copy_state(path, text) == "fresh"
    assert copy_state(path, text + "x") == "stale"
    with pytest.raises(InvalidInputError, match="unknown format"):
        matrix_copy(library, Path("matrix.doc"))
