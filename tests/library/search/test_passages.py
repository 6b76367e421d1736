"""The texts of a file are passages: each with a name for its place, its weight and its words."""

from __future__ import annotations

from harness.fakes import runbook_file

from runner.library.library import Library
from runner.library.search.passages import passages_of_entry, passages_of_runbook


def test_a_runbook_speaks_for_itself_and_leaves_things_to_others(tmp_path):
    runbook_file(
        tmp_path, scope={"handles": ["Space"], "excludes": ["Load", {"what": "A dead disk", "see": "RUN-004"}]}
    )
    found = list(passages_of_runbook(Library(tmp_path).source("RUN-001").document))

    about = {(each.where, each.text): (each.runbook, each.weight) for each in found}
    assert about["title", "Disk is full"] == ("RUN-001", 4.0)
    assert about["step 'Look at the disk'", "Look at the disk"] == ("RUN-001", 2.0)
    assert about["step 'Look at the disk' command", "df /"] == ("RUN-001", 0.8)
    assert about["RUN-001 leaves this to it", "A dead disk"] == ("RUN-004", 3.0)
    assert ("scope excludes", "Load") not in about
    assert {each.source for each in found} == {"RUN-001"}


def test_an_entry_speaks_for_whatever_it_leads_to():
    found = passages_of_entry(
        "MON-001", {"title": "Too little space", "symptoms": ["No space left"], "runbook": "RUN-1"}
    )

    assert [(each.where, each.weight, each.runbook, sorted(each.words)) for each in found] == [
        ("MON-001 title", 3.0, "", ["little", "space", "too"]),
        ("MON-001 symptoms", 4.0, "", ["left", "no", "space"]),
    ]
