"""Where the library is, and where its runs are recorded."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness import ROOT
from harness.fakes import runbook_file

from runner.library.root import SHIPPED, default_state, library_root, names_in, root_above, shipped_root, shown


@pytest.fixture
def library(tmp_path):
    tmp_path.chmod(0o755)
    runbook_file(tmp_path)
    (tmp_path / "deep" / "down").mkdir(parents=True)
    return tmp_path


def test_it_is_found_from_each_of_its_directories(library):
    assert root_above(library) == root_above(library / "deep") == root_above(library / "deep" / "down") == library


def test_a_directory_that_everybody_may_write_to_is_no_library(library):
    library.chmod(0o777)

    assert root_above(library / "deep") is None
    assert root_above(library) == library  # where somebody is, they look for themselves


def test_pages_of_markdown_make_no_library_further_up(tmp_path):
    (tmp_path / "runbooks").mkdir()
    (tmp_path / "deep").mkdir()

    assert (root_above(tmp_path), root_above(tmp_path / "deep")) == (tmp_path, None)


def test_what_is_given_counts_and_the_products_own_has_a_name(library):
    assert library_root(Path("/elsewhere"), here=library) == Path("/elsewhere")
    assert library_root(None, here=library / "deep") == library
    assert library_root(SHIPPED, here=library) == shipped_root() == ROOT


def test_runs_are_recorded_beside_the_library_or_where_they_are_already(library):
    assert default_state(library / "deep") == library / ".runbook"
    (library / "deep" / ".runbook").mkdir()
    assert default_state(library / "deep") == Path(".runbook")
    assert default_state(library) == Path(".runbook")


def test_findings_name_a_file_as_it_is_seen_from_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert shown(tmp_path / "runbooks" / "RUN-001.yml") == "runbooks/RUN-001.yml"
    assert shown(tmp_path.parent / "a.yml") == str(tmp_path.parent / "a.yml")


def test_a_directory_that_is_not_there_has_nothing_in_it(tmp_path):
    (tmp_path / "file").touch()

    assert [names_in(tmp_path), names_in(tmp_path / "file"), names_in(tmp_path / "absent")] == [["file"], [], []]
