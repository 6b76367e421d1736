"""Whatever is written is read back as the very same values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.definition.written import write
from runner.definition.yaml import load

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp", "Cn", "Co", "Cf"]), max_size=40)
LINES = st.lists(TEXT, max_size=4).map("\n".join)
VALUES = st.recursive(
    LINES | st.sampled_from(["1e5", "0x1F", "~", "yes", "null", "- a", "a: b", "# x", "'", "%", "=", "...", "---"])
    | st.integers(-(2**63), 2**63 - 1)
    | st.booleans()
    | st.floats(allow_nan=False, allow_infinity=False, width=32),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), inner),
    max_leaves=8,
)  # fmt: skip


@given(st.dictionaries(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), VALUES, min_size=1, max_size=4))
def test_what_is_written_is_read_back(value):
    assert load(write(value, comments=["said", "besides: {x"]).encode(), file="x.yml").value == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": "one\ntwo\n"}, "a: |\n  one\n  two\n"),
        ({"id": "x", "steps": [{"a": "1.5"}]}, "id: x\n\nsteps:\n  - a: '1.5'\n"),
        ({"why": "tabs\tand\nlines"}, 'why: "tabs\\tand\\nlines"\n'),
    ],
)
def test_how_it_is_written(value, text):
    assert write(value) == text
