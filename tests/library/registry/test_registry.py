"""An id of the registry means one thing, whatever the files that it stands in."""

from __future__ import annotations

from collections import Counter

from harness.collected import alert

from runner.library.registry.entry_kinds import references_of
from runner.library.registry.registry import MUST_HAVES, MustHave, by_id, of_prefix, prefix
from runner.model.yaml.document import load


def references(**files):
    """The entries in short of these files of a registry, one after the other."""
    return [each for name, text in files.items() for each in references_of(load(text.encode(), file=f"{name}.yml"))[0]]


def test_one_id_is_one_thing():
    first, again, other = (alert("MON-005", title=title) for title in ("Pool", "POOL", "Full disk"))
    entries, findings = by_id(references(a=first, b=again, c=f"# two\n{other}"))

    assert entries["MON-005"].title == "Pool"
    assert [str(each) for each in findings] == [
        "b.yml:1:1: MON-005: MON-005 is in a.yml:1 already; keep one of the two [error: duplicate-id]",
        "c.yml:2:1: MON-005: MON-005 means 'Full disk' here and 'Pool' in a.yml:1; "
        "one id is one thing: give one of them another [error: two-meanings]",
    ]


def test_entries_are_told_apart_by_their_prefix():
    entries, _ = by_id(references(b=alert("MON-002"), a="XYZ-001: {title: A, owner: x}\n" + alert("MON-001")))

    assert list(entries) == ["MON-001", "MON-002", "XYZ-001"]
    assert [each.id for each in of_prefix(entries.values(), "MON")] == ["MON-001", "MON-002"]


def test_the_prefix_of_an_id():
    assert [prefix("MON-005"), prefix("RISK-123456")] == ["MON", "RISK"]


def test_there_are_three_of_each_category():
    assert Counter(MUST_HAVES.values()) == {"incident": 3, "deployment": 3, "maintenance": 3, "recovery": 3}
    assert {procedure.words: category for procedure, category in MUST_HAVES.items()}["Service restart"] == "recovery"
    assert set(MUST_HAVES) == set(MustHave)
