"""Lint finds what a runbook that loads may still have wrong; each rule speaks where it must and only there."""

from __future__ import annotations

from datetime import date

import pytest
from harness.fakes import CONTACTS, runbook_file

from runner.library.inventory import variables
from runner.library.library import Library
from runner.library.root import shown
from runner.lint.engine import lint
from runner.lint.rules.writing import LONGEST as LONGEST_PROCEDURE

TODAY = date(2026, 1, 1)
STEP = {"id": "a", "name": "A", "command": "ls", "verify": [{"exit": 0}]}
UNDO = {"shell": "ls", "verify": [{"exit": 0}]}


@pytest.fixture
def found(tmp_path):
    def look(contacts=CONTACTS, known=("a", "b", "c"), **changes):
        path = runbook_file(tmp_path, **changes)
        (path.parent / "contacts.yml").write_text(contacts)
        library = Library(tmp_path)
        source = library.source("RUN-001")
        findings = lint(source, library.contacts(source), today=TODAY, variables=known)
        assert findings == sorted(findings)
        assert {finding.file for finding in findings} <= {shown(path)}
        return [(each.path, str(each.level), each.rule, each.message, each.hint) for each in findings]

    return look


def test_a_runbook_with_nothing_wrong(found):
    assert found() == []


def test_everybody_it_names_must_be_known(found):
    policy = {"when": ["step_failed"], "contacts": ["on-call", "nobody"], "provide": ["timeline"]}
    assert found(owner="owners", escalation=policy) == [
        ("owner", "error", "unknown-contact", "nobody is called 'owners'", "contacts.yml knows backend-team, on-call"),
        (
            "escalation.contacts[1]",
            "error",
            "unknown-contact",
            "nobody is called 'nobody'",
            "contacts.yml knows backend-team, on-call",
        ),
    ]


def test_without_contacts_nobody_is_known(found):
    assert [hint for *_, hint in found(contacts="{}")] == ["contacts.yml knows nobody"] * 2


def test_whoever_is_to_be_called_can_be(found):
    policy = {"when": ["step_failed"], "contacts": ["backend-team"], "provide": ["timeline"]}
    assert found(escalation=policy) == [
        (
            "escalation.contacts[0]",
            "error",
            "no-channel",
            "'backend-team' cannot be called: no channel",
            "add one to contacts.yml",
        )
    ]


@pytest.mark.parametrize(
    ("keys", "rules"),
    [
        ({"effect": "destructive", "reversible": True}, ["destructive-unguarded"]),
        ({"effect": "destructive"}, []),  # the run asks, as nothing undoes it
        ({"effect": "destructive", "reversible": False}, []),
        ({"effect": "destructive", "approve": "Really?"}, []),
        ({"effect": "destructive", "undo": UNDO}, []),
        ({"effect": "change"}, []),
    ],
)
def test_what_destroys_is_approved_or_can_be_undone(found, keys, rules):
    assert [rule for _, _, rule, _, _ in found(steps=[{**STEP, **keys}])] == rules


@pytest.mark.parametrize(
    ("shell", "pasted"),
    [
        ("ls {{ a }}", ["{{ a }}"]),
        ("ls {{ a }} {{ b | quote }} {{ c|quote }}", ["{{ a }}"]),
        ("ls {{ a | quote -}}", []),
        ('A=b; ls "$A"', []),
    ],
)
def test_a_value_in_shell_code_is_quoted(found, shell, pasted):
    step = {key: item for key, item in STEP.items() if key != "command"}
    undo = {**UNDO, "shell": shell}
    for keys, path in (({"shell": shell}, "steps[0].shell"), ({"shell": "ls", "undo": undo}, "steps[0].undo.shell")):
        assert found(steps=[{**step, **keys}]) == [
            (
                path,
                "warning",
                "unquoted-value",
                f"{each} is pasted into shell code",
                "give it through `env`, or add `| quote`",
            )
            for each in pasted
        ]


@pytest.mark.parametrize("count", [LONGEST_PROCEDURE - 1, LONGEST_PROCEDURE])
def test_nobody_follows_fifty_steps(found, count):
    too_long = ("steps", "warning", "too-long", f"has {count} steps; nobody follows that at night", "split it")
    steps = [{**STEP, "id": f"step-{number}"} for number in range(count)]
    assert found(steps=steps) == ([too_long] if count >= LONGEST_PROCEDURE else [])


def test_a_script_is_there_and_says_what_runs_it(found, tmp_path):
    (tmp_path / "runbooks").mkdir()
    (tmp_path / "runbooks" / "good.sh").write_text("#!/bin/sh\n")
    (tmp_path / "runbooks" / "bad.sh").write_text("echo\n")
    step = {key: item for key, item in STEP.items() if key != "command"}
    steps = [{**step, "id": name, "script": f"{name}.sh"} for name in ("good", "bad", "none")]
    assert found(steps=steps) == [
        (
            "steps[1].script",
            "error",
            "unusable-file",
            "bad.sh must begin with #! and one of bash, dash, perl, python3, ruby, sh",
            "",
        ),
        (
            "steps[2].script",
            "error",
            "unusable-file",
            f"none.sh is not there; it is looked for beside {tmp_path / 'runbooks' / 'RUN-001.yml'}",
            "",
        ),
    ]


def test_the_runbooks_of_this_library_have_nothing_wrong():
    library = Library.shipped()
    sources = [library.source(name) for name in library.ids()]
    known = variables(library.root / "inventories")
    for source in sources:
        assert lint(source, library.contacts(source), today=TODAY, variables=known) == []


@pytest.mark.parametrize(
    ("known", "more"), [(None, ", or name the inventory with -i"), ((), ""), (("b",), ""), (("nowhere",), None)]
)
def test_a_name_that_nothing_sets_is_told_whether_there_is_an_inventory_or_not(found, known, more):
    step = {**STEP, "command": "ls {{ nowhere }} {{ inventory_hostname }} {{ ansible_host }}"}
    message = "'nowhere' is neither an input, nor captured before, nor set in an inventory"
    told = [("steps[0].command", "error", "undefined-placeholder", message, f"declare it under `inputs`{more}")]

    assert found(known=known, steps=[step]) == (told if more is not None else [])
