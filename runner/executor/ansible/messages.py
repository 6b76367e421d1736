"""What the command tells its supervisor to run."""

from __future__ import annotations

import json
from dataclasses import asdict, field
from typing import Self

from runner.core.deferred import dataclass


@dataclass(frozen=True, slots=True)
class PlaybookInvocation:
    """One ansible-playbook invocation: part of a playbook against inventories, inside a workspace."""

    run_id: str
    workspace: str
    playbook: str
    inventories: tuple[str, ...]
    tags: tuple[str, ...] = ()
    skip_tags: tuple[str, ...] = ()
    limit: str | None = None
    forks: int = 5
    hosts: str = "all"
    """The pattern of all hosts that the run is about, for the clean-up."""
    becomes: bool = False
    """Whether a step becomes another user, so that the clean-up must as well."""
    environment: dict[str, str] = field(default_factory=dict)
    deadline: float | None = None
    """Seconds from the start after which everything is stopped."""

    def dumps(self) -> str:
        """One line."""
        return json.dumps(asdict(self))

    @classmethod
    def loads(cls, line: str) -> Self:
        """The invocation in `line`."""
        data = json.loads(line)
        lists = {key: tuple(data[key]) for key in ("inventories", "tags", "skip_tags")}
        return cls(**{**data, **lists})
