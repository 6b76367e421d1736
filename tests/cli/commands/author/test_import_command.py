"""`runbook import` writes what loads, says what a person must look at, and never writes over anything unasked."""

from __future__ import annotations

import json

import pytest

PAGE = """# RUN-041: Mail waits
Category: Incident
Owner: Mail Team

## Procedure

### Step 1: Look
```bash
mailq
```
Verification:
- [ ] It is short
"""


@pytest.fixture
def page(here):
    path = here / "mail.md"
    path.write_text(PAGE)
    (here / "runbooks").mkdir()
    return path


def test_a_page_becomes_a_file_of_the_library_that_loads(runbook, page, here):
    ran = runbook("import", page)

    path = here / "runbooks" / "RUN-041.yml"
    assert (ran.code, ran.out.splitlines()) == (
        0,
        [
            "wrote  runbooks/RUN-041.yml  (1 step) from mail.md",
            "wrote  runbooks/contacts.yml",
            "wrote  runbooks/schemas/runbook.json",
            "wrote  runbooks/schemas/contacts.json",
            "wrote  runbooks/schemas/registry.json",
            "wrote  runbooks/schemas/shared.json",
            "wrote  runbooks/schemas/project.json",
        ],
    )
    assert "mail.md:12:1: only a person can tell whether this is so" in ran.err
    assert ran.err.splitlines()[-1].startswith("mail.md: ")
    assert path.is_file()
    assert "does not load" not in runbook("list").out


def test_what_is_there_is_only_written_over_when_that_is_asked_for(runbook, page, here):
    path = here / "runbooks" / "RUN-041.yml"
    path.write_text("mine")

    refused, forced = runbook("import", page), None
    kept = path.read_text()
    forced = runbook("import", page, "--force")

    assert (refused.code, refused.out, kept) == (2, "", "mine")
    assert "RUN-041 is there already: runbooks/RUN-041.yml; --force writes over it" in refused.err
    assert (forced.code, "\nid: RUN-041\n" in path.read_text()) == (0, True)


def test_a_dry_run_prints_the_yaml_and_writes_nothing(runbook, page, here):
    ran = runbook("import", page, "--dry-run")

    assert ran.code == 0
    assert ran.out.startswith("# yaml-language-server: $schema=schemas/runbook.json\nid: RUN-041\ntitle: Mail waits\n")
    assert list((here / "runbooks").iterdir()) == []


def test_a_directory_is_imported_page_by_page_with_ids_that_nothing_speaks_of(runbook, page, here):
    wiki = here / "wiki"
    (wiki / "deep").mkdir(parents=True)
    (wiki / "a.md").write_text("# First\n\n## Steps\n\nDo it.\n")
    (wiki / "deep" / "b.MD").write_text("# Second\n\nUse RUN-050.\n\n```sh\ndate\n```\n")
    (wiki / "empty.md").write_text("")
    runbook("import", page)

    ran = runbook("import", wiki, "--category", "recovery", "--json")

    rows = json.loads(ran.out)
    assert ran.code == 2
    assert {row["page"]: [made["id"] for made in row["runbooks"]] for row in rows} == {
        "wiki/a.md": ["RUN-051"],
        "wiki/deep/b.MD": ["RUN-052"],
        "wiki/empty.md": [],
    }
    assert "category: recovery" in (here / "runbooks" / "RUN-051.yml").read_text()


def test_a_page_without_an_id_gets_the_one_that_is_given(runbook, page, here):
    page.write_text("# Mail\n\nLook.\n")

    ran = runbook("import", page, "--id", "RUN-500", "--into", here / "elsewhere")

    assert (ran.code, (here / "elsewhere" / "RUN-500.yml").is_file()) == (0, True)


def test_a_directory_without_pages_and_a_page_that_is_a_book(runbook, page, here):
    (here / "none").mkdir()
    page.write_bytes(b"x" * (4 * 1024 * 1024 + 1))

    none, book = runbook("import", here / "none"), runbook("import", page)

    assert (none.code, book.code) == (2, 2)
    assert "holds no Markdown" in none.err
    assert "is larger than 4 MiB" in book.err
