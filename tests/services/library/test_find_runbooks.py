"""Whoever asks is told which runbook is meant and what to type next, without a terminal."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness.collected import alert, collected

from runner.core.errors import InvalidInputError
from runner.library.library import Library
from runner.services.library.find_runbooks import Unanswered, find_runbooks


@pytest.fixture
def library(tmp_path):
    inputs = {"size": {"type": "int", "help": "How much"}, "path": {"type": "string", "help": "Where", "default": "/"}}
    collected(
        tmp_path,
        {"trigger": {"alert": "MON-001"}, "inputs": inputs},
        {"id": "RUN-002", "title": "Certificate", "deprecated": {"since": "2026-01-01", "replaced_by": "RUN-001"}},
        a=alert("MON-002", owner="backend-team") + alert("MON-003", "info", page="docs/x.md"),
    )
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "x.md").touch()
    return Library(tmp_path)


def test_the_next_command_has_what_is_still_to_be_filled_in(library):
    found = find_runbooks("MON-001", library)

    assert found.one() == "RUN-001"
    (hit, *_) = found.hits
    assert found.next_command(hit, inventories=[], limit=None) == "runbook plan RUN-001 -i INVENTORY -e size=..."
    given = found.next_command(hit, inventories=[Path("a b")], limit="db", given=["size=1"])
    assert given == "runbook plan RUN-001 -i 'a b' -l db -e size=1"


def test_what_replaces_a_deprecated_runbook_comes_next(library):
    (hit,) = find_runbooks("certificate", library).hits

    assert find_runbooks("x", library).next_command(hit, inventories=[], limit=None).startswith("runbook plan RUN-001")


@pytest.mark.parametrize(
    ("question", "message"),
    [("MON-003", "MON-003 asks for no action"), ("disk is full", "")],
)
def test_one_is_meant_or_it_is_said_why_none_is(library, question, message):
    found = find_runbooks(question, library)

    if message:
        with pytest.raises(InvalidInputError, match=message):
            found.one()
    else:
        assert found.one() == "RUN-001"


def test_an_entry_that_leads_nowhere_has_an_owner_to_call(library):
    assert find_runbooks("MON-002", library).unanswered == [Unanswered("MON-002", "Something", "Backend team")]
    assert [each.id for each in find_runbooks("MON-003", library).pages] == ["MON-003"]


def test_what_could_not_be_searched_is_counted(library):
    (library.root / "runbooks" / "RUN-003.yml").write_text("{")

    assert find_runbooks("disk", library).faults == 1
