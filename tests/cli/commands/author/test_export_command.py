"""`runbook export` writes the template, from which the same runbook is imported."""

from __future__ import annotations

from harness.runbook_files import read_runbook


def test_what_is_exported_can_be_imported_again(runbook, library, here):
    path = library()
    meant = read_runbook(path)

    shown, written = runbook("export", "RUN-001"), runbook("export", "RUN-001", "--into", "pages")
    back = runbook("import", here / "pages" / "RUN-001.md", "--into", "again")

    assert (shown.code, shown.out.splitlines()[0]) == (0, f"RUN-001: {meant.title}")
    assert (written.code, written.out) == (0, "wrote  pages/RUN-001.md\n")
    assert (here / "pages" / "RUN-001.md").read_text() == shown.out
    assert (back.code, read_runbook(here / "again" / "RUN-001.yml")) == (0, meant)


def test_two_pages_do_not_go_to_one_output(runbook, library):
    library()

    assert runbook("export", "RUN-001", "RUN-001").code == 2
