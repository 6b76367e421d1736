"""Links are followed in both directions, to what a change affects, and the registry is shown with both ends."""

from __future__ import annotations

import pytest
from harness.collected import alert, collected

from runner.core.errors import InvalidInputError
from runner.library.library import Library
from runner.services.library.library_links import affected_by, linked_names, registry


@pytest.fixture
def library(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    collected(
        tmp_path,
        {"trigger": {"alert": "MON-001"}},
        {
            "id": "RUN-002",
            "title": "Second",
            "scope": {"handles": ["x"], "excludes": [{"what": "y", "see": "RUN-001"}]},
        },
        a=alert("MON-001", runbook="RUN-001"),
    )
    return Library(tmp_path)


def test_both_directions_of_a_name(library):
    (linked,) = linked_names("MON-001", library)

    assert [(each.name, each.kind, each.title) for each in linked.targets] == [
        ("backend-team", "contact", "Backend team"),
        ("RUN-001", "runbook", "Disk is full"),
    ]
    assert [(each.name, each.written_in) for each in linked.sources] == [
        ("RUN-001", ("runbooks/RUN-001.yml:8",)),
        ("RUN-002", ("runbooks/RUN-002.yml:8",)),
    ]


def test_a_change_affects_what_links_and_what_leads_there(library):
    assert [(each.reaches, each.through, each.at) for each in affected_by("df", library)] == [
        ("RUN-001", "df", "steps[0].command"),
        ("RUN-002", "df", "steps[0].command"),
        ("MON-001", "RUN-001", "runbook"),
    ]


def test_the_registry_has_both_ends_and_its_findings(library):
    found = registry(library)

    assert [(each.id, each.leads_to, each.linked_from) for each in found.entries] == [
        ("MON-001", ["RUN-001"], ["RUN-001", "RUN-002"])
    ]
    assert "two-runbooks" in {finding.rule for finding in found.findings}


def test_a_name_that_nothing_has_and_a_library_that_does_not_load_are_errors(library):
    with pytest.raises(InvalidInputError, match="nothing here is called 'banana'"):
        linked_names("banana", library)
    (library.root / "runbooks" / "RUN-002.yml").write_text("{")
    for ask in (linked_names, affected_by):
        with pytest.raises(InvalidInputError, match="not valid YAML"):
            ask("MON-001", library)
