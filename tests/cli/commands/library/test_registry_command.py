"""`runbook registry` shows every entry with what it leads to, and fails when a link does not hold."""

from __future__ import annotations

import json

import pytest
from harness.collected import SHIPPED, alert, collected, entry
from harness.fakes import runbook_file


def test_the_entries_are_a_table_and_the_findings_follow(runbook, here):
    collected(here, {}, a=alert("MON-001", title="Disk is nearly full", runbook="RUN-001") + entry("ARC-001"))

    ran = runbook("registry")

    assert (ran.code, ran.err) == (0, "2 registered, 1 finding\n")
    assert ran.out.splitlines() == [
        "ID       TITLE                OWNER         LEADS TO  LINKED FROM  WRITTEN IN",
        "ARC-001  Something            backend-team                         runbooks/registry/a.yml:2",
        "MON-001  Disk is nearly full  backend-team  RUN-001   RUN-001      runbooks/registry/a.yml:1",
        "runbooks/registry/a.yml:2:1: ARC-001: nothing links to ARC-001; link to it from a runbook, or take it out "
        "[warning: orphan]",
    ]


def test_a_link_that_does_not_hold_is_an_error(runbook, here):
    collected(here, {"links": ["API-001"]}, a=alert("MON-001"))

    ran = runbook("registry")

    assert (ran.code, ran.out.count("[error: dangling-link]")) == (2, 1)


def test_as_json_it_is_entries_and_findings(runbook, here):
    collected(here, {}, a=alert("MON-001", title="Disk", runbook="RUN-001"), b="{")

    ran = runbook("registry", "--format", "json")

    told = json.loads(ran.out)
    assert (ran.code, ran.err) == (2, "")
    assert told["entries"] == [
        {
            "id": "MON-001",
            "title": "Disk",
            "owner": "backend-team",
            "leads to": ["RUN-001"],
            "linked from": ["RUN-001"],
            "written in": "runbooks/registry/a.yml:1",
        }
    ]
    assert [(each["file"], each["rule"]) for each in told["findings"]] == [("runbooks/registry/b.yml", "yaml-syntax")]


def test_without_a_registry_what_is_linked_to_is_missing(runbook, here):
    runbook_file(here)

    ran = runbook("registry")

    assert (ran.code, ran.err) == (2, "the registry is empty\n0 registered, 1 finding\n")
    assert ran.out == (
        "runbooks/RUN-001.yml:6:11: trigger.alert: there is no MON-001; write the entry MON-001 to a file in "
        "runbooks/registry/ [error: dangling-link]\n"
    )


def test_what_an_entry_says_does_nothing_to_the_terminal(runbook, here):
    collected(here, {}, a=alert("MON-001", title='"\\u202e\\ufeff x"'))

    ran = runbook("registry")

    assert ("\u202e" in ran.out, "\\u202e" in ran.out) == (False, True)


def test_the_registry_that_is_shipped_holds(runbook):
    assert runbook("--library", SHIPPED.root, "registry").code == 0


TABLE = "| ID | Alert | Severity | Condition |\n|-|-|-|-|\n| MON-001 | Disk full | P1 | above 90 % |\n"


def test_a_markdown_table_becomes_a_file_of_the_registry(runbook, here):
    collected(here, {})
    (here / "alerts.md").write_text(TABLE)
    target = "runbooks/registry/alerts.yml"

    printed = runbook("registry", "import", "alerts.md", "--owner", "backend-team")
    written = runbook("registry", "import", "alerts.md", "--owner", "backend-team", "--write", target)

    assert (printed.code, printed.err, written.out) == (0, "", f"wrote  {target}\n")
    assert (
        printed.out
        == (here / target).read_text()
        == (
            "# Imported from alerts.md.\n"
            "---\n"
            "MON-001:\n"
            "  title: Disk full\n"
            "  owner: backend-team\n"
            "  severity: P1\n"
            "  condition: above 90 %\n"
        )
    )
    assert runbook("registry").code == 0


def test_what_is_wrong_in_markdown_is_told_and_nothing_is_written(runbook, here):
    collected(here, {})
    (here / "alerts.md").write_text(TABLE)

    ran = runbook("registry", "import", "alerts.md", "--write", "new.yml")

    assert (ran.code, ran.out, (here / "new.yml").exists()) == (2, "", False)
    assert ran.err == "alerts.md:3:1: MON-001.owner: is missing; name one with --owner [error: missing-key]\n"


@pytest.mark.parametrize(
    ("data", "words", "told"),
    [
        (None, [], "error: a.md:1:1: cannot be read: No such file or directory [error: unusable-file]"),
        (b"ok\n\xff", [], "error: a.md:2:1: byte 0xFF is not UTF-8; save it as UTF-8 [error: text-encoding]"),
        (
            b"x" * (256 * 1024 + 1),
            [],
            "error: a.md:1:1: is larger than 256 KiB; import it in parts [error: unusable-file]",
        ),
        (b"# Nothing\n", [], "error: a.md has no entries that are new"),
        (
            TABLE.encode(),
            ["--owner", "ops", "--write", "runbooks/RUN-001.yml"],
            "error: runbooks/RUN-001.yml is there already",
        ),
    ],
)
def test_what_can_not_be_imported(runbook, here, data, words, told):
    collected(here, {})
    if data is not None:
        (here / "a.md").write_bytes(data)

    ran = runbook("registry", "import", "a.md", *words)

    assert (ran.code, ran.err.splitlines()[0]) == (2, told)
