"""What a section is for, by the words of its heading."""

from __future__ import annotations

import pytest

from runner.markdown.page.headings import Role, is_step, label, plain, role


@pytest.mark.parametrize(
    ("heading", "found"),
    [
        ("Scope", Role.SCOPE),
        ("2. Prerequisites", Role.PREREQUISITES),
        ("**Before you begin**", Role.PREREQUISITES),
        ("Symptoms:", Role.CONDITION),
        ("Impact assessment", Role.IMPACT),
        ("Resolution steps", Role.PROCEDURE),
        ("Immediate actions (first 5 minutes)", Role.PROCEDURE),
        ("Verify", Role.VERIFICATION),
        ("Escalation path", Role.ESCALATION),
        ("Rollback", Role.ALTERNATIVE),
        ("If the disk is still full", Role.ALTERNATIVE),
        ("Post-incident review", Role.FOLLOW_UP),
        ("See also", Role.LINKS),
        ("Changelog", Role.ASIDE),
        ("Step 3: Verify", Role.STEP),
        ("Restart the service", Role.STEP),
    ],
)
def test_the_role_of_a_section(heading, found):
    assert role(heading) is found


@pytest.mark.parametrize(
    ("heading", "text"),
    [
        ("1. Check the queue", "Check the queue"),
        ("Step 2: Restart", "Restart"),
        ("**Bold** words", "Bold words"),
        ("\U0001f525 Fire", "Fire"),
        ("2024 figures", "figures"),
    ],
)
def test_a_heading_without_its_number_and_its_ornaments(heading, text):
    assert plain(heading) == text


def test_a_step_says_so_itself():
    assert [is_step(text) for text in ("Step 1", "**Step 2: x**", "Steps", "Check step 1")] == [
        True,
        True,
        False,
        False,
    ]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("Verification: look at it", (Role.VERIFICATION, "look at it")),
        ("**Commands:**", (Role.COMMANDS, "")),
        ("Note: it may take long", None),
        ("Restart it", None),
    ],
)
def test_a_line_that_gives_a_role_to_what_follows(line, found):
    assert label(line) == found
