"""What a text says about an id is found where people write it, and two meanings are told from one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.library.registry.id_meanings import Gloss, agree, glosses, senses, words


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("  - [ ] DEP-003: No critical RISK- blockers", [("DEP-003", "No critical RISK- blockers")]),
        ("Trigger: MON-005 alert (connection pool >90%)", [("MON-005", "connection pool >90%")]),
        ("Tag current production for rollback (per DEP-003):", [("DEP-003", "Tag current production for rollback")]),
        ("- [ ] Datadog dashboard access (MON-005 source)", [("MON-005", "Datadog dashboard access")]),
        ("- [ ] Pool is full (check DEP-001 pool config)", [("DEP-001", "Pool is full check pool config")]),
        ("Latency (MON-001) within its range", [("MON-001", "Latency")]),
        (
            "Error rate (MON-002) and latency (MON-001) are fine",
            [("MON-002", "Error rate"), ("MON-001", "and latency")],
        ),
        ("Linked IDs: DEP-001/002 (release criteria), RUN-005 (rollback)", [("RUN-005", "rollback")]),
        ("MON-001 → RUN-001", []),
        ("[Latency](#l) of [pages](https://x.example/) (MON-002)", [("MON-002", "[Latency] of [pages]")]),
        ("see (MON-001, MON-002)", []),
        ("SHA-256 of MON-5", []),
    ],
)
def test_what_is_said_about_an_id(text, said):
    assert [(gloss.id, gloss.text) for gloss in glosses(text)] == said


def test_a_gloss_knows_its_place():
    assert list(glosses("\n  (x) MON-005 (the pool)\n")) == [Gloss("MON-005", "the pool", 2, 7)]


@given(st.text(alphabet="MON-0123456789() :.,/abc\n", max_size=60))
def test_any_text_is_read_and_each_gloss_stands_where_it_says(text):
    for gloss in glosses(text):
        assert text.splitlines()[gloss.line - 1][gloss.column - 1 :].startswith(gloss.id)


def test_words_are_those_that_say_something():
    assert words("The MON-005 alerts (per DEP-001) of RISK- connections") == {"connection"}


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("connection pool above 90 %", "the pool is full", True),
        ("Deploy to production", "after the deployment", True),
        ("No critical blockers", "Tag production for rollback", False),
        ("the db", "the dbms", False),
    ],
)
def test_two_texts_agree_when_they_share_a_word(first, second, same):
    assert agree(words(first), words(second)) is same


def test_glosses_that_agree_are_one_sense_also_through_a_third():
    found = [
        Gloss("MON-005", "pool", 1),
        Gloss("MON-005", "dashboard", 2),
        Gloss("MON-005", "connections", 3),
        Gloss("MON-005", "connections of the pool", 4),
        Gloss("MON-005", "the alert source", 5),
    ]

    assert [[gloss.line for gloss in sense] for sense in senses(found[:4])] == [[1, 3, 4], [2]]
    assert len(senses([*found[:4], Gloss("MON-005", "dashboard of the pool", 6)])) == 1
    assert senses([Gloss("MON-005", "see the", 1)]) == []
