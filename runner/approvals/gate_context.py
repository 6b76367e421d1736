"""One description of a question to people: all that decides what a yes will do, and the hash that a yes is for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, field, fields
from functools import cached_property
from typing import Any, Self

from runner.core.deferred import dataclass


@dataclass(frozen=True, slots=True)
class HostAction:
    """What is done on one host: `text` says it in words, `call` has every parameter that decides it.

    `on` is the other machine that does it for the host, if there is one. `address` and `connection` say how the one
    that does it is reached, `captured` which values of earlier steps are used there.
    A secret is only ever a reference. `missing` says what is not known that would have to be.
    """

    address: str
    connection: Mapping[str, Any] = field(default_factory=dict)
    text: str = ""
    call: Mapping[str, Any] = field(default_factory=dict)
    captured: Mapping[str, Any] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    on: str = ""


@dataclass(frozen=True)
class GateContext:
    """A question as everybody is asked it: the same on every front end, in the report, and under the hash `subject`.

    `gate` tells it from every other question of the run, `kind` is what is asked for (approve, manual, confirm, ...).
    `crossing` says that nothing takes the step back. `min` people must say yes within `expires` seconds (None: no
    limit), of `group` whose `members` are named, and with `four_eyes` none of those who started or resumed the run.
    `only_if` is the condition that makes it needed. With `shared_account` a person is who they say they are, else who
    is logged in. `sources` has the SHA-256 of each file that decides what is done. `starters` began the run or went on
    with it; only they are not in the hash, because somebody who resumes a run changes nothing of what it will do.
    """

    run: str
    runbook: str
    title: str
    gate: str
    kind: str
    step: str
    name: str
    text: str
    environment: str
    starters: tuple[str, ...]
    hosts: Mapping[str, HostAction]
    why: str = ""
    effect: str = ""
    crossing: bool = False
    undo: str = ""
    reason: str = ""
    verifications: tuple[str, ...] = ()
    inputs: Mapping[str, Any] = field(default_factory=dict)
    min: int = 1
    group: str = ""
    members: tuple[str, ...] = ()
    four_eyes: bool = False
    shared_account: bool = False
    expires: float | None = None
    only_if: str = ""
    sources: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def subject(self) -> str:
        """The SHA-256 of the whole: the same for the same, another one when anything of it is another thing."""
        return hashlib.sha256(canonical(self.decisive()).encode()).hexdigest()

    @property
    def missing(self) -> list[str]:
        """What is not known that would have to be, each with its host; nobody can approve what is not known."""
        return [f"{host}: {item}" for host, action in self.hosts.items() for item in action.missing]

    def decisive(self) -> dict[str, Any]:
        """What of it is under the hash."""
        return {key: value for key, value in asdict(self).items() if key != "starters"}

    def data(self) -> dict[str, Any]:
        """The same as JSON's types, with its `subject`."""
        plain: dict[str, Any] = json.loads(canonical(asdict(self)))
        return {**plain, "subject": self.subject}

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        """The description that `data` made.

        Raises:
            ValueError: it did not.
        """
        try:
            values = {each.name: data[each.name] for each in fields(cls) if each.name in data}
            lists = {name: tuple(data[name]) for name in ("starters", "verifications", "members")}
            return cls(**{**values, **lists, "hosts": {host: _action(each) for host, each in data["hosts"].items()}})
        except (TypeError, LookupError, AttributeError) as error:
            raise ValueError(f"is not the description of a question: {error}") from error


def _action(data: Mapping[str, Any]) -> HostAction:
    return HostAction(**{**data, "missing": tuple(data["missing"])})


def canonical(value: Any) -> str:
    """`value` as the one JSON text that it has."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=str)
