"""Runbooks are created, compiled, exported and deprecated, each with what was written as the answer."""

from __future__ import annotations

from datetime import date

import pytest
from harness.collected import alert, collected

from runner.core.errors import InvalidInputError
from runner.library.library import Library
from runner.model.category import Category
from runner.services.authoring.write_runbooks import (
    compile_runbooks,
    create_runbook,
    deprecate_runbook,
    export_runbooks,
)


@pytest.fixture
def library(tmp_path):
    collected(tmp_path, {}, {"id": "RUN-002", "title": "Second"}, a=alert("MON-002", runbook="RUN-001"))
    return Library(tmp_path)


def test_a_new_library_begins_with_its_first_runbook(tmp_path):
    library = Library(tmp_path)
    created = create_runbook(library, None, Category.INCIDENT, owner=None, state=tmp_path / "none")

    assert created.id == "RUN-001"
    assert created.files[-1] == tmp_path / "runbooks" / "RUN-001.yml"
    assert tmp_path / "runbooks" / "contacts.yml" in created.files
    assert library.source("RUN-001").runbook.category is Category.INCIDENT


@pytest.mark.parametrize(("name", "message"), [("RUN-001", "already exists"), ("run-7", "must be")])
def test_an_id_that_is_taken_or_is_none_is_refused(library, name, message):
    with pytest.raises(InvalidInputError, match=message):
        create_runbook(library, name, Category.INCIDENT, owner=None, state=library.root / "none")


def test_compiling_writes_what_is_stale_and_a_check_nothing(library):
    def states(*, check=False):
        return [each.state for each in compile_runbooks([], library, check=check)]

    assert states(check=True) == ["stale", "stale"]
    assert states() == ["wrote", "wrote"]
    assert states(check=True) == states() == ["fresh", "fresh"]


def test_several_runbooks_are_exported_to_a_directory(library, tmp_path):
    with pytest.raises(InvalidInputError, match="cannot be written to one output"):
        list(export_runbooks(["RUN-001", "RUN-002"], library, None))

    (one,) = export_runbooks(["RUN-001"], library, None)
    both = list(export_runbooks(["RUN-001", "RUN-002"], library, tmp_path / "out"))
    assert (one.path, both[0].text) == (None, one.text)
    assert [each.path.read_text() for each in both] == [each.text for each in both]


def test_what_still_leads_to_a_deprecated_runbook_is_known(library):
    deprecated = deprecate_runbook(
        "RUN-001", library, since=date(2026, 6, 1), replaced_by="RUN-002", reason="It is old"
    )

    assert deprecated.still_leading == ["MON-002"]
    assert library.source("RUN-001").runbook.deprecated.says == "deprecated since 2026-06-01: It is old"
    with pytest.raises(InvalidInputError, match="cannot replace itself"):
        deprecate_runbook("RUN-002", library, since=date(2026, 6, 1), replaced_by="RUN-002", reason="")
