"""Where bash goes on, or succeeds, though a command has failed, that command is named; where it fails, none is."""

from __future__ import annotations

import subprocess

import pytest

from runner.core.shell.shell_code import Code, strict_code

UNSEEN = {
    "! looks": ["looks"],
    "! looks | grep -q error": ["looks"],
    "! looks\necho done": ["looks"],
    'test -z "$(looks)"': ["looks"],
    '[ -z "$(looks)" ]': ["looks"],
    '[ "$(looks | wc -l)" -eq 0 ]': ["looks"],
    "[[ -z $(looks --all) ]]": ["looks"],
    '[[ "$(looks)" -lt 5 ]]': ["looks"],
    '[ "$(looks)" != bad ]': ["looks"],
    '[ "$(looks)" = "" ]': ["looks"],
    "(( $(looks | wc -l) == 0 ))": ["looks"],
    "export FOUND=$(looks)": ["looks"],
    "f() { local found=$(timeout 5 looks); }; f": ["looks"],
}
SEEN = (
    "looks",
    'found=$(looks); test -z "$found"',
    "found=$(looks); export found",
    '[ "$(looks)" = ok ]',
    '[ "$(looks)" -eq 0 ]',
    "(( $(looks) == 0 ))",
    '[ -n "$(looks)" ]',
    "if ! looks; then exit 1; fi",
    'found=$(echo error); ! grep -q error <<<"$found"',
)
NOTHING_FOUND = ("! test -e /nowhere/at/all", '[[ -z "$(pgrep -x no-such-name)" ]]', "x=$(date) true")


def code_of(text):
    """How a strict bash ends in which `looks` fails, and the programs that are named."""
    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", f"looks() {{ return 3; }}\n{text}"], capture_output=True, check=False
    )
    return ran.returncode, [each.program for each in strict_code(text, {}).unseen_failures()]


@pytest.mark.parametrize(("text", "programs"), UNSEEN.items())
def test_a_failure_that_bash_does_not_see_is_named(text, programs):
    assert code_of(text) == (0, programs)


@pytest.mark.parametrize("text", SEEN)
def test_one_that_ends_it_is_not(text):
    code, programs = code_of(text)

    assert (code != 0, programs) == (True, [])


@pytest.mark.parametrize("text", NOTHING_FOUND)
def test_what_says_by_its_failure_that_there_is_nothing_is_not(text):
    assert code_of(text) == (0, [])


def test_what_no_shell_reads_hides_no_failure():
    assert Code("! looks", words=("!", "looks")).unseen_failures() == []
