"""Words are compared as a tired person types them: other endings and small slips are forgiven, other words are not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.library.search.tokens import EXACT, FORM, MOST, TYPO, asked, forms, ids, typos, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Connection pool, saturated!", ["connection", "pool", "saturated"]),
        ("see MON-005 and mon_6", ["mon-005", "mon-006", "see", "and"]),
        ("PgPoolSaturated", ["pgpoolsaturated", "pg", "pool", "saturated"]),
        ("pg_stat_activity", ["pg", "stat", "activity"]),
        ("Zürich", ["zürich"]),
        ("-- ?", []),
    ],
)
def test_the_words_of_a_text(text, expected):
    assert list(words(text)) == expected


def test_of_a_log_line_only_that_is_asked_what_does_not_change_from_line_to_line():
    line = "2026-11-26 03:12:55.123 UTC [48211] FATAL:  the pool 9f86d081884c7d65 is full, code 53300 (0x1f)"

    assert asked(line) == ["utc", "48211", "pool", "full", "code", "53300", "0x1f"]
    assert len(asked(" ".join(f"word{number}" for number in range(1000)))) == MOST


@pytest.mark.parametrize("text", ["MON-005", "mon-5", "mon5", "MON_005", "[FIRING] mon-005: down"])
def test_an_id_is_an_id_however_it_is_typed(text):
    assert "MON-005" in ids(text)


@pytest.mark.parametrize(
    ("word", "known", "expected"),
    [
        ("pool", ["pool", "pools", "tool"], {"pool": EXACT, "pools": FORM}),
        ("exhausted", ["exhaustion"], {"exhaustion": FORM}),
        ("deploy", ["deployment", "destroy"], {"deployment": FORM}),
        ("conection", ["connection", "destruction"], {"connection": TYPO}),
        ("connection", ["connection", "conection"], {"connection": EXACT}),
        ("data", ["database"], {}),
        ("disk", ["risk"], {}),
        ("503", ["504", "5031"], {}),
        ("in", ["inn"], {}),
        ("pol", ["pool"], {}),
    ],
)
def test_how_alike_two_words_are(word, known, expected):
    assert (forms(word, known) or typos(word, known)) == expected


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_text_can_be_asked_for_and_each_of_its_words_is_found_in_itself(question, text):
    known = set(words(text))

    assert all(forms(word, known)[word] == EXACT for word in known)
    assert all(
        0 < value <= EXACT for word in asked(question) for value in (forms(word, known) or typos(word, known)).values()
    )
