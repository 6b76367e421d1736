"""Whatever is written is read back as the very same values."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from runner.model.yaml.document import load
from runner.model.yaml.yaml_writer import write

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp", "Cn", "Co", "Cf"]), max_size=40)
LINES = st.lists(TEXT, max_size=4).map("\n".join)
SPECIAL = [
    "1e5",
    "0x1F",
    "0o17",
    "017",
    "1_000",
    "1:30",
    "2026-01-01",
    "2026-01-01T00:00:00Z",
    "~",
    "yes",
    "No",
    "on",
    "OFF",
    "null",
    "NULL",
    ".inf",
    ".NaN",
    "<<",
    "=",
    "%",
    "...",
    "---",
    "-",
    "-a",
    "?",
    ":",
    ":x",
    "x:",
    "#",
    "#x",
    "'",
    '"',
    "`",
    "```",
    "|",
    ">",
    "|-",
    "&",
    "&a",
    "*",
    "*a",
    "!",
    "!vault",
    "@",
    ",",
    "[",
    "]",
    "{",
    "}",
    "{{x}}",
    "{%",
    "-1",
    "+1",
    "1.",
    ".5",
]
SPACED = [" a", "a ", "a\tb", "\ta", "a: b", "- a", "# x", "a #b", "", " ", "\n", "a\n\n", "\n a", "a\n  b\n"]
VALUES = st.recursive(
    LINES | st.sampled_from(SPECIAL + SPACED)
    | st.integers(-(2**63), 2**63 - 1)
    | st.booleans()
    | st.floats(allow_nan=False, allow_infinity=False, width=32),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), inner),
    max_leaves=8,
)  # fmt: skip


@given(st.dictionaries(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), VALUES, min_size=1, max_size=4))
def test_what_is_written_is_read_back_by_our_reader_and_by_pyyaml(value):
    text = write(value, comments=["said", "besides: {x"])

    assert (load(text.encode(), file="x.yml").value, yaml.safe_load(text)) == (value, value)


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
