"""`file`: whether a path is there, how old it is, whose, and what it contains."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Self

from pydantic import Field, model_validator

from runner.core import duration
from runner.core.fields import Limit, Model
from runner.core.identifiers import Spelling
from runner.core.templates import Template, literal
from runner.kinds.invocation import Invocation
from runner.kinds.verifications.base import VerificationKind
from runner.kinds.verifications.host.look import AbsolutePath, look

_CLOCKS = 60
"""Seconds by which the clock of a file server may be ahead of the host's; what is newer than that is not believed."""


class FileQuery(Model):
    """A path, and what must hold of what is there."""

    path: AbsolutePath = Field(description="The path; links are followed")
    exists: bool = Field(default=True, description="Whether it must be there")
    contains: Annotated[Template, Field(min_length=1)] | None = Field(default=None, description="A text that is in it")
    sha256: Annotated[str, Spelling(r"^[0-9a-f]{64}$", "64 digits of 0-9 and a-f")] | None = Field(
        default=None, description="The SHA-256 of what is in it"
    )
    newer_than: Limit | None = Field(default=None, description="How long ago it was changed at most: 26h")
    owner: Annotated[str, Spelling(r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$", "a user")] | None = Field(
        default=None, description="The user whose it is"
    )
    mode: Annotated[str, Spelling(r"^[0-7]{4}$", "four octal digits in quotes, like '0640'")] | None = Field(
        default=None, description="Who may do what with it, in octal digits: '0640'"
    )

    @model_validator(mode="after")
    def _is_there(self) -> Self:
        if not self.exists and self.model_fields_set - {"path", "exists"}:
            raise ValueError("must not be there, so nothing else can hold of it")
        return self


class FileCheck(VerificationKind):
    """`facts` has `exists`, `owner`, `mode`, `age_seconds`, and where it is looked into `sha256` and `contains`."""

    key = "file"
    example = '- {file: {path: /etc/motd, contains: Authorised use only, owner: root, mode: "0644"}}'

    file: FileQuery

    def probe(self, timeout: timedelta) -> Invocation:
        """The look, in which the file is read only for what is in it."""
        wanted = self.file.contains if self.file.contains or not self.file.sha256 else ""
        return look("look_at_file", {"path": self.file.path, "contains": wanted}, timeout=timeout)

    def conditions(self, text: str | None) -> Sequence[str]:
        """All that must hold."""
        query = self.file
        wanted = {"sha256": query.sha256, "owner": query.owner, "mode": query.mode}
        oldest = duration.seconds(query.newer_than)[:-1] if query.newer_than else ""
        return (
            f"facts.exists is sameas {str(query.exists).lower()}",
            *(f"facts.{name} == {literal(value)}" for name, value in wanted.items() if value),
            *([f"-{_CLOCKS} <= facts.age_seconds <= {oldest}"] if oldest else []),
            *(["facts.contains"] if query.contains else []),
        )

    def describe(self) -> str:
        """In words."""
        query = self.file
        parts = [
            f"contains {query.contains}" if query.contains else "",
            f"has the SHA-256 {query.sha256[:12]}..." if query.sha256 else "",
            f"is not older than {duration.show(query.newer_than)}" if query.newer_than else "",
            f"belongs to {query.owner}" if query.owner else "",
            f"has the mode {query.mode}" if query.mode else "",
        ]
        words = " and ".join(filter(None, parts)) or ("is there" if query.exists else "is not there")
        return f"{query.path} {words}"
