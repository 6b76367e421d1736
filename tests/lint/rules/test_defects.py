"""Each seeded defect is found by the rule that names it, in its line, and no other rule speaks.

The files in `defects/` are whole runbooks; where a line ends with `# expect: RULE`, that rule must speak about it.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from runner.lint.engine import rules

FILES = sorted((Path(__file__).parent / "defects").glob("*.yml"))
EXPECT = re.compile(r"# expect: ([a-z-]+)")


def expected(text):
    return [(match[1], number) for number, line in enumerate(text.splitlines(), 1) for match in EXPECT.finditer(line)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_exactly_the_seeded_defects_are_found(linted, path):
    text = path.read_text(encoding="utf-8")
    assert [(finding.rule, finding.line) for finding in linted(text)] == expected(text)


def test_every_rule_has_a_defect_and_the_base_has_none():
    seeded = {path.stem: expected(path.read_text(encoding="utf-8")) for path in FILES}
    assert seeded.pop("base") == []
    assert {rule for found in seeded.values() for rule, _ in found} >= set(rules())
    assert all(len(found) == 1 and stem.startswith(found[0][0]) for stem, found in seeded.items())
