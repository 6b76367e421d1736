"""The run that a command is about: the one with that id, or with `last` the newest that the command can be about."""

from __future__ import annotations

from collections.abc import Callable

from runner.core.errors import InvalidInputError
from runner.store.run_state import RunDirectory
from runner.store.state_directory import StateDirectory

LAST = "last"


def find_run(
    state: StateDirectory, name: str, *, suits: Callable[[RunDirectory], object] = lambda _: True, none: str = ""
) -> RunDirectory:
    """The run `name`; with `last` the newest of those that suit, of which there are none in the words of `none`.

    Raises:
        InvalidInputError: there is no such run.
    """
    if name != LAST:
        return state.run(name)
    runs = list(state.runs())
    found = next(filter(suits, reversed(runs)), None)
    if found is None:
        hint = "runbook list --runs shows all of them" if runs else ""
        raise InvalidInputError(none if runs else "there are no runs yet", hint=hint)
    return found
