"""Runbooks are linted, fixed and scored without a terminal; what several need is read once."""

from __future__ import annotations

from datetime import date

import pytest
from harness.fakes import RUNBOOK, runbook_file

from runner.compiler.committed_playbook import compiled
from runner.core.errors import InvalidInputError
from runner.library.library import Library
from runner.services.authoring.lint_runbooks import LintRequest, lint_runbooks, score_runbooks

TODAY = date(2026, 6, 1)


@pytest.fixture
def library(tmp_path):
    runbook_file(tmp_path)
    library = Library(tmp_path)
    (tmp_path / "playbooks").mkdir()
    source = library.source("RUN-001")
    library.playbook(source).write_text(compiled(source))
    return library


def test_a_sound_runbook_has_no_error_and_a_stale_playbook_is_a_warning(library):
    request = LintRequest(library, TODAY)
    assert not lint_runbooks(["RUN-001"], request).bad(strict=False)

    (library.root / "playbooks" / "RUN-001.yml").write_text("")
    linted = lint_runbooks(["RUN-001"], request)
    assert "stale-playbook" in {finding.rule for finding in linted.findings}
    assert (linted.bad(strict=False), linted.bad(strict=True)) == (False, True)


def test_what_does_not_load_is_an_error_and_hides_nothing_else(library):
    (library.root / "runbooks" / "RUN-002.yml").write_text("{")

    linted = lint_runbooks(library.ids(), LintRequest(library, TODAY))
    assert "yaml-syntax" in {finding.rule for finding in linted.findings}
    assert linted.bad(strict=False)
    with pytest.raises(InvalidInputError, match="there is no runbook RUN-404"):
        lint_runbooks(["RUN-404"], LintRequest(library, TODAY))


def test_a_fix_is_written_with_the_mode_that_the_file_had(library):
    path = library.root / "runbooks" / "RUN-001.yml"
    path.write_text(RUNBOOK.replace("command: df /", "shell: egrep x /etc/hosts"))
    path.chmod(0o640)

    linted = lint_runbooks(["RUN-001"], LintRequest(library, TODAY), fix=True)
    assert linted.fixes == {path: 1}
    assert "grep -E" in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o640


def test_variables_in_an_encrypted_file_are_not_known(library):
    folder = library.root / "inventories" / "staging" / "group_vars"
    folder.mkdir(parents=True)
    (folder / "all.yml").write_text("$ANSIBLE_VAULT;1.1;AES256\n00\n")

    assert lint_runbooks(["RUN-001"], LintRequest(library, TODAY)).unread == [folder / "all.yml"]


def test_each_runbook_has_its_marks(library):
    (library.root / "runbooks" / "RUN-002.yml").write_text("{")
    scored, unread = score_runbooks(library.ids(), LintRequest(library, TODAY), library.root / "none")

    assert [(each.name, len(each.marks), each.faults) for each in scored] == [("RUN-001", 7, 0), ("RUN-002", 0, 1)]
    assert unread == []


def test_several_processes_say_the_same_as_one(library):
    for number in range(2, 6):
        runbook_file(library.root, id=f"RUN-00{number}", title=f"TODO {number}")
    (library.root / "runbooks" / "RUN-006.yml").write_text("{")
    request = LintRequest(library, TODAY)

    one, several = (lint_runbooks(library.ids(), request, workers=workers) for workers in (1, 2))
    assert several == one
    with pytest.raises(InvalidInputError, match="there is no runbook RUN-404"):
        lint_runbooks(["RUN-001", "RUN-404"], request, workers=2)
