"""`http`: an HTTP request made by the host."""

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag

from runner.core.fields import AtLeastOne, Keywords
from runner.kinds.base import ReadFile
from runner.kinds.invocation import Invocation, uri
from runner.kinds.steps.base import StepKind
from runner.kinds.verifications.http_probe import HttpRequest


def _status(number: int) -> int:
    if not 100 <= number <= 599:  # noqa: PLR2004 - https://www.rfc-editor.org/rfc/rfc9110#section-15
        raise ValueError(f"a status is a number from 100 to 599, not {number}")
    return number


Status = Annotated[int, AfterValidator(_status), Keywords(minimum=100, maximum=599)]

Accepted = Annotated[
    Annotated[AtLeastOne[Status], Tag("list")] | Annotated[Literal["any"], Tag("word")],
    Discriminator(lambda value: "word" if isinstance(value, str) else "list"),
]
"""The statuses that are good: some, or any."""


class HttpStep(HttpRequest, StepKind):
    """The step fails unless the answer's status is one of `accept`."""

    example = """\
- id: drain
  name: Take the server out of the pool
  http: {url: "http://127.0.0.1:8080/drain", method: POST}
  verify: [{that: status == 202}]
"""

    accept: Accepted = Field(
        default=(200, 201, 202, 204),
        description="The statuses that are good, or `any`; 200, 201, 202 and 204 by default",
    )

    @property
    def good(self) -> Mapping[str, Collection[int]]:
        """The statuses in `accept`."""
        return {"status": range(100, 600) if self.accept == "any" else self.accept}

    def invocation(self, timeout: timedelta, read_file: ReadFile) -> Invocation:
        """The request."""
        return uri(self.http.options(), timeout=timeout, accept=self.accept)

    def describe(self) -> str:
        """The request line."""
        return f"{self.http.method} {self.http.url}"
