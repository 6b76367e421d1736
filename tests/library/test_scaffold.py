"""The beginning of a runbook loads, whatever its category, and says TODO where somebody must write."""

from __future__ import annotations

import pytest

from runner.library.library import Library
from runner.library.scaffold import CONTACTS, scaffold, who
from runner.model.runbook import Category


@pytest.mark.parametrize("category", list(Category))
def test_each_beginning_loads_and_asks_for_what_is_missing(tmp_path, category):
    (tmp_path / "runbooks").mkdir()
    (tmp_path / "runbooks" / "contacts.yml").write_text(CONTACTS.read_text())
    text = scaffold("RUN-123", category, owner="owners", contact="on-call")
    (tmp_path / "runbooks" / "RUN-123.yml").write_text(text)

    runbook = Library(tmp_path).source("RUN-123").runbook

    assert (runbook.id, runbook.category, runbook.owner) == ("RUN-123", category, "owners")
    assert "TODO" in text
    assert not any(word in text for word in ("RUN-000", "OWNER", "CONTACT"))


class Contact:
    def __init__(self, *channels):
        self.channels = channels


def test_who_has_no_channel_owns_it_and_who_has_one_is_called():
    assert who({"team": Contact(), "on-call": Contact("pager"), "other": Contact("pager")}) == ("team", "on-call")
    assert who({"on-call": Contact("pager")}) == ("on-call", "on-call")
