"""Entries are found at the top of a page, one after the other, or quoted in a fence; a template's head is none."""

from __future__ import annotations

import pytest

from runner.markdown.page.source import split


def ids(text):
    return [(entry.id, entry.line) for entry in split(text).entries]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("RUN-001: A\nOwner: x\n\nRUN-002: B\nOwner: y\n", [("RUN-001", 2), ("RUN-002", 5)]),
        ("# RUN-001: A\n\ntext\n", [("RUN-001", 2)]),
        (
            "Intro\n\n```markdown\nRUN-001: A\nOwner: x\n\n\\`\\`\\`sql\nSELECT 1\n\\`\\`\\`\n```\nmore\n",
            [("RUN-001", 5)],
        ),
        ("See RUN-001: it says so.\n", [(None, 1)]),
        ("RUN-001: mentioned\n\nonly text\n", [(None, 1)]),
        ("```\nRUN-XXX: [Title]\nOwner: [Team]\n```\n", [(None, 1)]),
    ],
)
def test_where_entries_begin(text, found):
    assert ids(text) == found


def test_what_belongs_to_no_entry_is_known_by_its_lines():
    made = split("one\n\nRUN-001: A\nOwner: x\n")

    assert made.outside == (1,)
    assert split("RUN-001: A\nOwner: x\nRUN-XXX: [T]\nOwner: [O]\n").templates == (3,)


def test_the_last_line_of_links_belongs_to_the_whole():
    (entry,) = split("RUN-001: A\nOwner: x\n\n- [ ] last\n\nLinked IDs: MON-001\n").entries

    assert entry.facts["linked ids"].text == "MON-001"
    assert not any("Linked" in line for line in entry.lines)
