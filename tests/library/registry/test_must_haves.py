"""The common procedures are three of each category, and called as people call them."""

from __future__ import annotations

from collections import Counter

from runner.library.registry.must_haves import MUST_HAVES, MustHave


def test_there_are_three_of_each_category():
    assert Counter(MUST_HAVES.values()) == {"incident": 3, "deployment": 3, "maintenance": 3, "recovery": 3}
    assert {procedure.words: category for procedure, category in MUST_HAVES.items()}["Service restart"] == "recovery"
    assert set(MUST_HAVES) == set(MustHave)
