"""When a contact was last reached is kept for each channel, and what cannot be read was never."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from runner.core.errors import AuditError
from runner.escalation.reached_contacts import ReachedContacts

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_the_newest_time_counts_for_each_channel_of_each_contact(tmp_path):
    reached = ReachedContacts(tmp_path / "reached")

    assert (reached.times(), reached.names()) == ({}, frozenset())
    for contact, channel, minutes in [("on-call", "slack", 0), ("on-call", "slack", 5), ("lead", "a/b c", 1)]:
        reached.note(contact, channel, NOON + timedelta(minutes=minutes))

    assert reached.times() == {
        ("on-call", "slack"): NOON + timedelta(minutes=5),
        ("lead", "a/b c"): NOON + timedelta(minutes=1),
    }
    assert reached.names() == {"on-call", "lead"}


def test_what_cannot_be_read_was_never_and_what_cannot_be_kept_is_an_error(tmp_path):
    reached = ReachedContacts(tmp_path / "reached")
    reached.note("on-call", "slack", NOON)
    (tmp_path / "reached" / "on-call slack").write_text("yesterday")
    (tmp_path / "file").write_text("")

    assert reached.times() == {}
    with pytest.raises(AuditError):
        ReachedContacts(tmp_path / "file").note("on-call", "slack", NOON)
