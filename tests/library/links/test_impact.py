"""A change reaches what links to a thing, and what leads to those runbooks; no further, and nothing twice."""

from __future__ import annotations

import pytest
from harness.ansible_loader import holding
from harness.collected import alert, collected, entry

from runner.core.errors import InvalidInputError
from runner.library.links.links import impact, links, meant, title


@pytest.fixture
def collection(tmp_path):
    return collected(
        tmp_path,
        {"trigger": {"alert": "MON-001"}},
        {"id": "RUN-002", "trigger": {"event": "x"}, "follow_up": ["Go on with RUN-001"], "hosts": "db"},
        registry=alert("MON-001", runbook="RUN-001")
        + entry("SCN-001", category="incident", severity="P1", runbook="RUN-002")
        + entry("RUN-003", "Rollback", category="recovery"),
    )


def reached(collection, word):
    among = links(collection)
    found = impact(meant(word, collection, among, holding), among)
    return [(each.link.source, each.link.where, each.through) for each in found]


def test_a_program_reaches_the_steps_that_use_it_and_what_leads_to_them(collection):
    assert reached(collection, "df") == [
        ("RUN-001", "steps[0].command", ""),
        ("RUN-002", "steps[0].command", ""),
        ("MON-001", "runbook", "RUN-001"),
        ("SCN-001", "runbook", "RUN-002"),
    ]


def test_an_alert_reaches_the_runbook_it_triggers_and_the_runbooks_that_lead_there(collection):
    assert reached(collection, "MON-001") == [
        ("RUN-001", "trigger.alert", ""),
        ("RUN-002", "follow_up[0]", "RUN-001"),
    ]


def test_a_group_reaches_only_the_runbooks_that_work_on_it(collection):
    assert reached(collection, "db") == [("RUN-002", "hosts", ""), ("SCN-001", "runbook", "RUN-002")]


def test_what_nothing_points_to_reaches_nothing(collection):
    assert reached(collection, "SCN-001") == []


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("backend-taem", "did you mean 'backend-team'?"),
        ("redis", "an id, a host or group, a contact or its member, or a program"),
    ],
)
def test_a_word_that_means_nothing_is_an_error(collection, word, hint):
    with pytest.raises(InvalidInputError) as caught:
        meant(word, collection, links(collection), holding)
    assert (caught.value.message, caught.value.hint) == (
        f"nothing here is called {word!r}, and nothing links to it",
        hint,
    )


def test_what_things_are_called(collection):
    assert [title(name, collection) for name in ("RUN-001", "RUN-003", "MON-001", "on-call", "db")] == [
        "Disk is full",
        "Rollback (planned)",
        "Something",
        "On-call engineer",
        "",
    ]
