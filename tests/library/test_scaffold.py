"""The beginning of a runbook loads, whatever its category, and says TODO where somebody must write."""

from __future__ import annotations

import pytest

from runner.channels.github import GitHub
from runner.channels.webhook import Webhook
from runner.library.library import Library
from runner.library.scaffold import CONTACTS, begin, begin_inventories, scaffold, who
from runner.library.schema.json_schema import SCHEMAS
from runner.model.category import Category
from runner.model.contacts import Contact


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


def test_who_has_no_channel_owns_it_and_who_has_one_is_called():
    pager, tickets = Webhook(url="https://hooks.example.com/"), GitHub(repository="team/ops", token="env:A")
    team, on_call, backlog = (Contact(name="A", channels=each) for each in ((), (pager,), (tickets,)))

    assert who({"backlog": backlog, "team": team, "on-call": on_call, "other": on_call}) == ("team", "on-call")
    assert who({"on-call": on_call}) == ("on-call", "on-call")


def test_contacts_and_schemas_are_written_once(tmp_path):
    runbooks = tmp_path / "runbooks"

    written = {str(path.relative_to(runbooks)) for path in begin(runbooks)}

    assert written == {"contacts.yml", *(f"schemas/{name}.json" for name in SCHEMAS)}
    assert list(begin(runbooks)) == []


def test_contacts_that_are_there_stay(tmp_path):
    (tmp_path / "contacts.yml").write_text("mine: {name: Mine}\n")

    list(begin(tmp_path))

    assert (tmp_path / "contacts.yml").read_text() == "mine: {name: Mine}\n"


def test_inventories_are_written_where_there_is_none(tmp_path):
    written = list(begin_inventories(tmp_path))

    assert all(path.is_file() for path in written)
    assert {path.relative_to(tmp_path).parts[0] for path in written} == {"inventories"}
    assert list(begin_inventories(tmp_path)) == []
