"""`runbook compile` writes what is stale, and with --check only says so."""

from __future__ import annotations

import pytest
from harness.fakes import runbook_file


@pytest.fixture
def playbook(here):
    runbook_file(here)
    return here / "playbooks" / "RUN-001.yml"


def test_what_is_missing_is_written_and_what_is_fresh_is_left_alone(runbook, playbook):
    first = runbook("compile")
    written = playbook.stat().st_mtime_ns
    second = runbook("compile")

    assert (first.code, first.out, first.err) == (0, "wrote  playbooks/RUN-001.yml\n", "")
    assert (second.code, second.out, second.err) == (0, "fresh  playbooks/RUN-001.yml\n", "")
    assert playbook.stat().st_mtime_ns == written


def test_the_same_runbook_gives_the_same_bytes(runbook, playbook):
    runbook("compile")
    first = playbook.read_bytes()
    playbook.unlink()
    runbook("compile")

    assert playbook.read_bytes() == first


@pytest.mark.parametrize("text", [None, "- hosts: all\n"])
def test_check_writes_nothing_and_fails_when_something_is_stale(runbook, playbook, text):
    if text:
        playbook.parent.mkdir()
        playbook.write_text(text)

    ran = runbook("compile", "--check")

    assert (ran.code, ran.out) == (1, "stale  playbooks/RUN-001.yml\n")
    assert ran.err == "hint: runbook compile, then review the difference\n"
    assert (playbook.read_text() if playbook.exists() else None) == text


def test_check_passes_when_all_is_fresh(runbook, playbook):
    runbook("compile")

    assert runbook("compile", "--check").code == 0


def test_nothing_is_written_where_some_cannot_be_compiled_and_each_fault_is_told(runbook, playbook, here):
    for number in (2, 3):
        runbook_file(here, id=f"RUN-00{number}", hosts=None)

    ran = runbook("compile")

    assert (ran.code, ran.out, playbook.exists()) == (2, "", False)
    assert ran.err.splitlines() == [
        "error: runbooks/RUN-002.yml:2:1: hosts: is missing [error: missing-key]",
        "runbooks/RUN-003.yml:2:1: hosts: is missing [error: missing-key]",
        "hint: nothing was written: mend these, then compile again; or, for the others alone: runbook compile RUN-001",
    ]


def test_only_what_is_named_is_compiled(runbook, playbook, here):
    runbook_file(here, id="RUN-002")

    ran = runbook("compile", "RUN-002")

    assert (ran.code, [path.name for path in playbook.parent.iterdir()]) == (0, ["RUN-002.yml"])


def test_a_file_may_be_named_wherever_it_lies(runbook, here, tmp_path):
    path = runbook_file(tmp_path / "elsewhere")

    ran = runbook("compile", path)

    assert (ran.code, ran.out) == (0, f"wrote  {tmp_path / 'elsewhere' / 'playbooks' / 'RUN-001.yml'}\n")


def test_a_runbook_that_is_not_there_is_told_with_what_was_meant(runbook, playbook):
    ran = runbook("compile", "RUN-010")

    assert (ran.code, ran.out) == (2, "")
    assert "there is no runbook RUN-010" in ran.err


def test_what_can_not_be_written_is_an_error_in_words(runbook, playbook):
    playbook.parent.touch()

    ran = runbook("compile")

    assert (ran.code, ran.err) == (2, f"error: {playbook.parent}: File exists\n")


def test_a_library_without_runbooks_has_nothing_to_compile(runbook, here):
    (here / "runbooks").mkdir()

    for words in (["compile"], ["compile", "--check"]):
        ran = runbook(*words)
        assert (ran.code, ran.err) == (
            2,
            f"error: {here / 'runbooks'} holds no runbooks\nhint: runbook new creates one\n",
        )


def test_the_library_that_is_shipped_is_not_compiled_unasked(runbook, here):
    assert runbook("compile").code == 2
    assert list(here.iterdir()) == []
