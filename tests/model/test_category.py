"""Each category says what its runbooks do, and what makes somebody reach for one."""

from __future__ import annotations

from runner.model.category import Category


def test_each_category_has_words_of_its_own():
    assert Category("recovery").purpose == "restore what has failed"
    assert Category("recovery").trigger == "a disaster"
    assert len({(each.purpose, each.trigger) for each in Category}) == len(Category)
