"""`wait`: for a while, or until a port or a file is there."""

from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from runner.core.duration import show
from runner.core.fields import Limit, Model
from runner.core.templates import Template
from runner.kinds.base import ReadFile
from runner.kinds.invocation import Invocation, whole_seconds
from runner.kinds.steps.base import StepKind


class Until(Model):
    """A port that answers (or no longer does), or a file that is there (or is gone)."""

    port: int | None = Field(default=None, description="The port that is waited for")
    host: Template = Field(default="127.0.0.1", description="Where the port is, as the step's host sees it")
    path: Template | None = Field(default=None, description="The file that is waited for")
    state: Literal["present", "absent"] = Field(default="present", description="Whether it should be there, or gone")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.port is None) == (self.path is None):
            raise ValueError("needs either a `port` or a `path`, or how long to wait, like 30s")
        if self.port is not None and not 0 < self.port < 2**16:
            raise ValueError(f"a port is a number from 1 to 65535, not {self.port}")
        return self


def _is(value: Any) -> str:
    return "until" if isinstance(value, dict | Until) else "for"


class WaitStep(StepKind):
    """A duration, or what to wait for; the latter fails at the step's timeout."""

    key = "wait"
    example = """\
- id: wait-for-port
  name: Wait until the database listens
  wait: {port: 5432}
  verify: [{sql: SELECT 1 AS one, that: row.one == 1}]
"""
    touches_nothing = True

    wait: Annotated[Annotated[Limit, Tag("for")] | Annotated[Until, Tag("until")], Discriminator(_is)]

    def invocation(self, timeout: timedelta, read_file: ReadFile) -> Invocation:
        """Ansible's `wait_for` on the host, which counts whole seconds."""
        if isinstance(self.wait, timedelta):
            return Invocation("ansible.builtin.wait_for", {"timeout": whole_seconds(self.wait)})
        target = {"path": self.wait.path} if self.wait.path else {"host": self.wait.host, "port": self.wait.port}
        limit = {"state": self.wait.state, "timeout": whole_seconds(timeout)}
        return Invocation("ansible.builtin.wait_for", target | limit)

    def describe(self) -> str:
        """For how long, or for what."""
        if isinstance(self.wait, timedelta):
            return show(self.wait)
        return f"{self.wait.path or f'{self.wait.host}:{self.wait.port}'} is {self.wait.state}"
