"""A command that goes on from where a run has ended."""

import shlex
from collections.abc import Iterable, Mapping
from typing import Any, Self

from runner.core.deferred import dataclass
from runner.core.wording import listed
from runner.store.log import record_data

PROGRAM = "runbook"
"""How this product is called in a shell that finds it."""


def command_line(words: Iterable[str], program: str = "") -> str:
    """The command line with `words`, as it is typed: by the path `program` where a shell does not find `runbook`."""
    return shlex.join([program or PROGRAM, *words])


@dataclass(frozen=True)
class NextCommand:
    """A command that goes on from where a run has ended, as the words after `runbook`, and what it does."""

    words: tuple[str, ...]
    does: str

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        """The one that a record holds as `data`; what was lost of it is empty."""
        return cls(tuple(map(str, record_data.items(data, "words"))), record_data.text(data, "does"))


def needs(references: Iterable[object]) -> str:
    """Which variables hold the secrets to which `references` lead, for whoever types the command elsewhere."""
    places = [str(reference).partition(":") for reference in references]
    names = list(dict.fromkeys(name for kind, _, name in places if kind == "env"))
    return f"; needs {listed(names)} in the environment" if names else ""


def acknowledging(run: str) -> NextCommand:
    """How whoever was called for the run of that id says that they have it."""
    return NextCommand(("ack", run), "says that you have it: nobody else is called then")
