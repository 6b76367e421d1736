"""A library begins with what it lacks, and nothing that is there is written over."""

from __future__ import annotations

from runner.library.bootstrap import begin, begin_inventories
from runner.library.json_schema import SCHEMAS


def test_contacts_and_schemas_are_written_once(tmp_path):
    runbooks = tmp_path / "runbooks"

    written = {str(path.relative_to(runbooks)) for path in begin(runbooks)}

    assert written == {"contacts.yml", *(f"schemas/{name}.json" for name in SCHEMAS)}
    assert list(begin(runbooks)) == []


def test_contacts_that_are_there_stay(tmp_path):
    (tmp_path / "contacts.yml").write_text("mine: {name: Mine}\n")

    list(begin(tmp_path))

    assert (tmp_path / "contacts.yml").read_text() == "mine: {name: Mine}\n"


def test_inventories_are_written_where_there_is_none(tmp_path):
    written = list(begin_inventories(tmp_path))

    assert all(path.is_file() for path in written)
    assert {path.relative_to(tmp_path).parts[0] for path in written} == {"inventories"}
    assert list(begin_inventories(tmp_path)) == []
