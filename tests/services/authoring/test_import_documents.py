"""Markdown becomes runbooks and entries; what a person should look at is in the answer, not on a screen."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from harness.collected import alert, collected

from runner.core.errors import InvalidInputError
from runner.library.library import Library
from runner.markdown.draft import Defaults
from runner.services.authoring.import_documents import ImportRequest, import_entries, import_pages, write_entries

PAGE = """\
# RUN-007: Disk is full

## Procedure

1. Look at the disk

   ```sh
   df /
   ```
"""


@pytest.fixture
def library(tmp_path):
    collected(tmp_path / "library", {}, a=alert("MON-001"))
    return Library(tmp_path / "library")


@pytest.fixture
def page(tmp_path):
    path = tmp_path / "page.md"
    path.write_text(PAGE)
    return path


def request(library, page, **options):
    defaults = Defaults(category="incident", severity="P2", owner="backend-team", hosts="all", contacts=("on-call",))
    return ImportRequest(library, [page], defaults, **options)


def test_a_page_becomes_a_runbook_that_loads(library, page):
    (imported,) = import_pages(request(library, page)).pages

    assert [(each.id, each.steps) for each in imported.runbooks] == [("RUN-007", 1)]
    assert library.source("RUN-007").runbook.steps[0].name == "Look at the disk"


def test_a_dry_run_writes_nothing_and_what_is_there_is_kept(library, page):
    assert import_pages(request(library, page, dry_run=True)).pages[0].runbooks[0].path == ""
    assert library.ids() == ["RUN-001"]

    import_pages(request(library, page))
    again = import_pages(request(library, page))
    assert again.has_errors
    assert [finding.rule for finding in again.pages[0].findings if finding.level == "error"] == ["import-exists"]
    assert not import_pages(request(library, page, force=True)).has_errors


def test_a_directory_without_markdown_is_refused(library, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidInputError, match="holds no Markdown"):
        import_pages(request(library, tmp_path / "empty"))


def test_tables_become_new_entries_which_are_written_once(library, tmp_path):
    text = tmp_path / "alerts.md"
    text.write_text("| ID | Alert | Severity | Condition |\n|--|--|--|--|\n| MON-009 | New | P1 | always |\n")

    imported = import_entries(text, library, owner="backend-team")
    assert not imported.has_errors
    assert "MON-009" in imported.text
    target = library.root / "runbooks" / "registry" / "b.yml"
    write_entries(target, imported.text)
    with pytest.raises(InvalidInputError, match="is there already"):
        write_entries(target, imported.text)
    assert import_entries(text, library, owner="backend-team").text == ""


def test_a_page_that_cannot_be_read_is_a_finding_about_it_and_the_others_become_runbooks(library, page):
    (page.parent / "latin.md").write_bytes(b"# Disk\n\ncaf\xe9\n")
    os.mkfifo(page.parent / "pipe.md")
    (page.parent / "large.md").write_bytes(b"#" * (4 * 1024 * 1024 + 1))
    pages = [page.parent / name for name in ("latin.md", "pipe.md", "large.md", "page.md")]

    imported = import_pages(replace(request(library, page), pages=pages))

    faults = [[str(each) for each in one.findings if each.level == "error"] for one in imported.pages]
    where = page.parent
    assert faults == [
        [f"{where}/latin.md:3:4: byte 0xE9 is not UTF-8; save it as UTF-8 [error: text-encoding]"],
        [f"{where}/pipe.md:1:1: is a named pipe, not a file [error: unusable-file]"],
        [f"{where}/large.md:1:1: is larger than 4 MiB; import it in parts [error: unusable-file]"],
        [],
    ]
    assert library.ids() == ["RUN-001", "RUN-007"]
