"""The command to go on with is typed as it is, and read from a record of which something is lost."""

from __future__ import annotations

from runner.store.next_command import NextCommand


def test_it_is_quoted_for_a_shell():
    assert NextCommand(("resume", "last", "--reason", "it's late"), "goes on").command == (
        "runbook resume last --reason 'it'\"'\"'s late'"
    )


def test_what_was_lost_of_a_record_is_empty():
    assert NextCommand.read({"words": ["undo", "last"], "does": "takes it back"}) == NextCommand(
        ("undo", "last"), "takes it back"
    )
    assert NextCommand.read({}) == NextCommand.read({"words": "cut", "does": None}) == NextCommand((), "")
