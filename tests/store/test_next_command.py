"""The command to go on with is typed as it is, and read from a record of which something is lost."""

from __future__ import annotations

from runner.store.next_command import NextCommand, command_line


def test_it_is_quoted_for_a_shell():
    assert command_line(["resume", "last", "--reason", "it's late"]) == "runbook resume last --reason 'it'\"'\"'s late'"


def test_where_a_shell_does_not_find_it_its_path_is_typed():
    assert command_line(["ack", "last"], "/srv/my tools/runbook") == "'/srv/my tools/runbook' ack last"


def test_what_was_lost_of_a_record_is_empty():
    assert NextCommand.read({"words": ["undo", "last"], "does": "takes it back"}) == NextCommand(
        ("undo", "last"), "takes it back"
    )
    assert NextCommand.read({}) == NextCommand.read({"words": "cut", "does": None}) == NextCommand((), "")
