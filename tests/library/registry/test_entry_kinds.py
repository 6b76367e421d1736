"""A file of the registry is read whole: every entry that is one, and every fault with its place and what to do about it."""

from __future__ import annotations

import json

import pytest

from runner.library.registry.entry_kinds import (
    Alert,
    Deployment,
    Entry,
    Planned,
    Risk,
    Rollback,
    Technology,
    references_of,
    to_entry,
)
from runner.library.registry.registry import Reference
from runner.library.registry.registry_files import registry_files
from runner.library.root import shown
from runner.model.yaml.document import load
from runner.model.yaml.finding import InvalidFileError
from runner.model.yaml.yaml_file import read_file

ALERT = "MON-005: {title: Pool, owner: backend-team, severity: P1, condition: above 90 %}\n"


def read_registry(directory):
    """The entries in the files of `directory` with the documents they stand in, and every finding, file by file."""
    files, misnamed = registry_files(directory)
    entries, findings = {}, []
    for path in files:
        try:
            document = load(read_file(path, file=shown(path)), file=shown(path))
        except InvalidFileError as error:
            findings += error.findings
        else:
            found, more = references_of(document)
            entries |= {each.id: (document, each) for each in found}
            findings += more
    return dict(sorted(entries.items())), [*misnamed, *sorted(findings)]


@pytest.fixture
def registry(tmp_path, monkeypatch):
    """Reads a registry of these files: the entries, and the findings as a person sees them."""
    monkeypatch.chdir(tmp_path)

    def read(**files):
        for name, text in files.items():
            data = text if isinstance(text, bytes) else text.encode()
            (tmp_path / f"{name}.yml").write_bytes(data)
        entries, findings = read_registry(tmp_path)
        whole = {name: to_entry(document, name) for name, (document, _) in entries.items()}
        return whole, [str(each) for each in findings]

    return read


def test_each_prefix_has_keys_of_its_own(registry):
    entries, findings = registry(
        alerts=ALERT,
        others=(
            "DEP-005: {title: Checkpoint, owner: devops, rollback: {trigger: it fails, runbook: RUN-005}}\n"
            "RISK-008: {title: Lost data, owner: backend-team, level: high, runbook: RUN-001}\n"
            "TECH-001: {title: PostgreSQL, owner: backend-team, commands: [psql], replaced_by: TECH-002}\n"
            "RUN-005: {title: Rollback, owner: devops, category: deployment}\n"
            "XYZ-123: {title: Anything, owner: devops, links: [MON-005]}\n"
        ),
    )

    assert (list(entries), findings) == (["DEP-005", "MON-005", "RISK-008", "RUN-005", "TECH-001", "XYZ-123"], [])
    assert entries["MON-005"] == Alert(title="Pool", owner="backend-team", severity="P1", condition="above 90 %")
    assert entries["DEP-005"] == Deployment(
        title="Checkpoint", owner="devops", rollback=Rollback(trigger="it fails", runbook="RUN-005")
    )
    assert entries["RISK-008"] == Risk(title="Lost data", owner="backend-team", level="high", runbook="RUN-001")
    assert entries["TECH-001"] == Technology(
        title="PostgreSQL", owner="backend-team", commands=("psql",), replaced_by="TECH-002"
    )
    assert entries["RUN-005"] == Planned(title="Rollback", owner="devops", category="deployment")
    assert entries["XYZ-123"] == Entry(title="Anything", owner="devops", links=("MON-005",))


def test_without_a_directory_there_is_nothing(tmp_path):
    assert read_registry(tmp_path / "absent") == ({}, [])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "a.yml:1:1: must be a mapping of keys to values, not empty [error: yaml-mapping]"),
        ("[]", "a.yml:1:1: must be a mapping of keys to values, not a list [error: yaml-mapping]"),
        (b"MON-005: \xe4", "a.yml:1:10: byte 0xE4 is not UTF-8 [error: yaml-encoding]"),
        (ALERT.encode("utf-16"), "a.yml:1:1: is UTF-16 or UTF-32 and must be UTF-8 [error: yaml-encoding]"),
        (ALERT * 2, "a.yml:2:1: MON-005: key 'MON-005' is already given in line 1 [error: yaml-duplicate-key]"),
        ("MON-005: soon", "a.yml:1:1: MON-005: must be a mapping, not text [error: wrong-type]"),
        (
            "mon-5: {}",
            "a.yml:1:1: mon-5: must be capital letters, - and three to six digits, like MON-001, not 'mon-5'; "
            "did you mean MON-005? [error: wrong-value]",
        ),
        (
            "API-001: {titel: Health, title: Health, owner: x}",
            "a.yml:1:11: API-001.titel: unknown key 'titel'; possible keys are links, note [error: unknown-key]",
        ),
        (
            "RISK-001: {title: Fire, owner: x, level: hihg}",
            "a.yml:1:35: RISK-001.level: must be high, medium or low, not 'hihg'; did you mean 'high'? "
            "[error: wrong-value]",
        ),
        ("SCN-001: {title: A, owner: x, severity: P1}", "a.yml:1:1: SCN-001.category: is missing [error: missing-key]"),
        (
            "SCN-001: {title: A, owner: x, severity: P1, category: recovery, must_have: hotfix}",
            "a.yml:1:1: SCN-001: hotfix is a procedure for deployment, not recovery [error: wrong-value]",
        ),
        (
            "MON-005: {title: A, owner: x, severity: P1, condition: y, runbook: RUN-1}",
            "a.yml:1:59: MON-005.runbook: must be RUN- and three to six digits, like RUN-001, not 'RUN-1' "
            "[error: wrong-value]",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place(registry, text, told):
    assert registry(a=text) == ({}, [told])


def test_one_broken_entry_or_file_hides_no_other(registry):
    entries, findings = registry(a=ALERT + "API-001: {}\n", b="[]", c="TECH-001: {title: A, owner: x}\n")

    assert list(entries) == ["MON-005", "TECH-001"]
    assert [each.partition(": ")[0] for each in findings] == ["a.yml:2:1", "a.yml:2:1", "b.yml:1:1"]


def test_a_file_that_would_be_passed_over_is_told(registry, tmp_path):
    (tmp_path / "risks.yaml").write_text("")
    (tmp_path / "a.yml").mkdir()

    assert registry()[1] == [
        "risks.yaml:1:1: is not read, as only *.yml is; name it risks.yml [error: file-name]",
        "a.yml:1:1: is a directory, not a file [error: unusable-file]",
    ]


def test_a_registry_that_is_a_file_is_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "registry").touch()

    assert [str(each) for each in read_registry(tmp_path / "registry")[1]] == [
        "registry:1:1: must be a directory with files *.yml [error: file-name]"
    ]


def test_an_entry_in_short_says_what_it_says_and_where_it_is_written(tmp_path):
    written = {"title": "Checkpoint", "owner": "devops", "rollback": {"trigger": "it fails", "runbook": "RUN-005"}}
    text = f"# first\nDEP-005: {json.dumps(written)}\n"
    document = load(text.encode(), file="a.yml")

    (found,), findings = references_of(document)
    assert (found, findings) == (
        Reference(
            id="DEP-005",
            title="Checkpoint",
            owner="devops",
            file="a.yml",
            written=written,
            positions={"": (2, 1), "title": (2, 11), "owner": (2, 34), "rollback": (2, 53)},
            mentions=[
                ("contact", "devops", ("DEP-005", "owner"), (2, 34)),
                ("id", "RUN-005", ("DEP-005", "rollback", "runbook"), (2, 89)),
            ],
            words="Checkpoint {'trigger': 'it fails', 'runbook': 'RUN-005', 'every': '30s', 'auto': False, 'inputs': {}}",
            runbook="RUN-005",
            trigger="it fails",
        ),
        [],
    )
    assert found.finding(("owner",), "rule", "wrong") == document.finding(("DEP-005", "owner"), "rule", "wrong")
    assert found.finding((), "rule", "wrong") == document.finding(("DEP-005",), "rule", "wrong")


def test_the_programs_of_a_technology_are_mentioned():
    text = "TECH-001: {title: PostgreSQL, owner: backend-team, commands: [psql]}"
    (found,), _ = references_of(load(text.encode(), file="a.yml"))

    assert [(kind, word) for kind, word, *_ in found.mentions] == [("contact", "backend-team"), ("program", "psql")]
