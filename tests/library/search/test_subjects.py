"""Whatever is written or only named may be found, by what means it alone and by what speaks for it."""

from __future__ import annotations

from harness.collected import alert, collected

from runner.library.search.subjects import leading, passages_by_subject, subjects


def test_each_runbook_has_its_names_and_each_entry_what_it_leads_to(tmp_path):
    collection = collected(
        tmp_path,
        {"scope": {"handles": ["x"], "excludes": [{"what": "More", "see": "RUN-002"}]}},
        a=alert("MON-001", alertname="DiskFull") + alert("MON-002", runbook="RUN-003"),
    )
    known = subjects(collection)

    assert {name: (each.title, each.written) for name, each in known.items()} == {
        "RUN-001": ("Disk is full", True),
        "RUN-002": ("More", False),
        "RUN-003": ("Something", False),
    }
    assert known["RUN-001"].names == {
        "RUN-001": "its id",
        "MON-001": "the alert that triggers it",
        "DiskFull": "what the monitoring calls MON-001",
    }
    assert leading(known) == {"MON-001": ["RUN-001"], "MON-002": ["RUN-003"]}


def test_what_a_runbook_says_itself_comes_before_what_others_say_of_it(tmp_path):
    collection = collected(
        tmp_path,
        {"id": "RUN-002", "title": "Second"},
        {"scope": {"handles": ["x"], "excludes": [{"what": "More", "see": "RUN-002"}]}},
        a=alert("MON-002", runbook="RUN-002"),
    )
    spoken = passages_by_subject(leading(subjects(collection)), collection.index.passages())

    sources = [passage.source for passage in spoken["RUN-002"]]
    assert list(dict.fromkeys(sources)) == ["RUN-002", "RUN-001", "MON-002"]
    assert sources == sorted(sources, key=["RUN-002", "RUN-001", "MON-002"].index)
