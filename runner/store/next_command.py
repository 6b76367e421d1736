"""A command that goes on from where a run has ended."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from runner.store.log import record_data


@dataclass(frozen=True)
class NextCommand:
    """A command that goes on from where a run has ended, as the words after `runbook`, and what it does."""

    words: tuple[str, ...]
    does: str

    @property
    def command(self) -> str:
        """The command line, as it is typed where the run was started."""
        return shlex.join(["runbook", *self.words])

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        """The one that a record holds as `data`; what was lost of it is empty."""
        return cls(tuple(map(str, record_data.items(data, "words"))), record_data.text(data, "does"))


def acknowledging(run: str) -> NextCommand:
    """How whoever was called for the run of that id says that they have it."""
    return NextCommand(("ack", run), "says that you have it: nobody else is called then")
