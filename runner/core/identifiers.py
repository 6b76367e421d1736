"""The names of things: runbooks, steps, runs, and the marker that ties an Ansible task to a step."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Self

from runner.core.deferred import dataclass, regex

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic_core import CoreSchema

RUNBOOK_ID = r"^RUN-[0-9]{3,6}$"
REFERENCE_ID = r"^[A-Z]{2,8}-[0-9]{3,6}$"
STEP_ID = r"^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$"
LOGIN = r"^[A-Za-z0-9_][A-Za-z0-9_.@+-]*$"
VARIABLE = r"^[a-z][a-z0-9_]*$"
RUN_ID = r"^[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}$"
PRODUCTION, STAGING = "production", "staging"
"""Classes of environments that what is required of a run depends on."""
LAST = "last"
"""What a user may write for the id of the newest run."""


_RUN_ID = regex(RUN_ID, re.ASCII)  # asked thousands of times where there are thousands of runs
_PARTS = "action|attempt/[0-9]{1,2}|retry/[0-9]{1,2}|capture|choose|rescue|gate|guard|verify/[0-9]{1,3}(?:/probe)?"
_PARTS += "|criteria|find|locate|only_if|tasks|limit|items|each|capture/all"
_MARKER = regex(rf"^(RUN-[0-9]{{3,6}})/([a-z0-9-]{{1,80}})/({_PARTS}) \| ", re.ASCII)


@dataclass(frozen=True, slots=True)
class Spelling:
    """How a name is spelled: `pattern` tells it to a machine, `rule` (`must be ...`) to a person."""

    pattern: str
    rule: str
    longest: int = 64

    def check(self, text: str) -> str:
        """`text`, which is spelled so.

        Raises:
            ValueError: it is not.
        """
        if not re.fullmatch(self.pattern, text, re.ASCII):
            raise ValueError(f"must be {self.rule}, not {text[:64]!r}")
        if len(text) > self.longest:
            raise ValueError(f"is longer than {self.longest} characters")
        return text

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        from pydantic_core import core_schema  # noqa: PLC0415 - only who reads runbooks waits for it

        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(schema), "pattern": self.pattern, "maxLength": self.longest}


RunbookId = Annotated[str, Spelling(RUNBOOK_ID, "RUN- and three to six digits, like RUN-001")]
ReferenceId = Annotated[str, Spelling(REFERENCE_ID, "capital letters, - and three to six digits, like MON-001")]
StepId = Annotated[str, Spelling(STEP_ID, "small letters and digits joined by -, like find-stuck")]
OneHost = Annotated[
    str, Spelling(r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$", "one host, a group of one host, or localhost", longest=200)
]
"""A machine on which something is done for other hosts: the name of a host, or of a group that has exactly one."""
Login = Annotated[str, Spelling(LOGIN, "a login name, like alice")]
ContactName = Annotated[str, Spelling(r"^[a-z0-9][a-z0-9-]*$", "a word of contacts.yml, like database-lead")]
Variable = Annotated[str, Spelling(VARIABLE, "small letters, digits and _, like stuck_after")]


def is_loopback(host: str) -> bool:
    """Whether `host`, a name or an address, can only be this machine."""
    from ipaddress import ip_address  # noqa: PLC0415 - only who asks waits for it

    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_run_id(text: str) -> bool:
    """Whether `text` can name a run; anything else must never become part of a path."""
    return _RUN_ID.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Marker:
    """The first word of a task's name: which runbook, step and part of it the task is.

    Ansible's callbacks know a task by its name only: events carry neither tags nor variables, and a generated play has
    no useful path. `part` is `only_if` (whether the step is needed), `action` (the last or only attempt, or the end of
    tasks that are imported), `find` and `locate` (what looks before and after it), `tasks` (what imports them; they
    have no marker), `attempt/N` (one that may be followed by another), `retry/N` (whether another one is worth it),
    `capture`, `choose`, `gate`, `guard`, `criteria` (that all of them are met), `rescue`, `verify/N` (the assert) or
    `verify/N/probe` (what it looks at). A step that is done for each item has `limit` (that there are not too many),
    `items` (which they are), `each` (the loop over them) and `capture/all` (what was captured of them, as lists).
    """

    runbook: str
    step: str
    part: str

    def __str__(self) -> str:
        return f"{self.runbook}/{self.step}/{self.part}"

    def task_name(self, title: str) -> str:
        """The name of the task: the marker, then what a person reads."""
        return f"{self} | {title}"

    @classmethod
    def parse(cls, task_name: str) -> Self | None:
        """The marker at the head of `task_name`, or None when the task is not one of ours."""
        match = _MARKER.match(task_name)
        return cls(match[1], match[2], match[3]) if match else None

    @property
    def verification(self) -> int | None:
        """The number of the verification, from 1, when the task is that verification's assert."""
        match = re.fullmatch(r"verify/([0-9]+)", self.part)
        return int(match[1]) if match else None
