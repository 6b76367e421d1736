"""`http`: an HTTP request made by the host, judged by its answer."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from runner.core.fields import Keywords, Model, Short
from runner.core.templates import Template, check_templates
from runner.kinds.base import Kind, ReadFile
from runner.kinds.invocation import Invocation, uri
from runner.kinds.verifications.base import VerificationKind


def _address(url: str) -> str:
    if not url.startswith(("http://", "https://", "{{")):
        raise ValueError(f"must begin with http://, https:// or a template, not {url[:20]!r}")
    return url


_BEGINNING = r"^(?:https?://|\{\{)"


class Request(Model):
    """A request; `body` given as a mapping or list is sent as JSON."""

    url: Annotated[Template, AfterValidator(_address), Keywords(pattern=_BEGINNING)] = Field(
        description="Where to: http://, https:// or a template"
    )
    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] = Field(
        default="GET", description="The method of the request"
    )
    headers: dict[str, Template] = Field(default={}, description="Headers of the request")
    body: Annotated[str | dict[str, Any] | list[Any] | None, AfterValidator(check_templates)] = Field(
        default=None, description="What is sent; a mapping or a list is sent as JSON"
    )

    def options(self) -> Mapping[str, Any]:
        """The request in the words of `ansible.builtin.uri`."""
        options = {key: value for key, value in self.model_dump().items() if value is not None and value != {}}
        if self.body is None:
            return options
        return {**options, "body": self.body, **({} if isinstance(self.body, str) else {"body_format": "json"})}


RequestOrUrl = Annotated[
    Request,
    BeforeValidator(lambda value: {"url": value} if isinstance(value, str) else value),
    Short(type="string", pattern=_BEGINNING),
]
"""A request, or just its URL."""


class HttpRequest(Kind):
    """A request that the host makes."""

    key = "http"
    text = "content"
    has_status = True

    http: RequestOrUrl

    @property
    def canonical(self) -> str:
        """The request."""
        return f"{self.http.method} {self.http.url} {self.http.body}"

    def destroys(self, read_file: ReadFile) -> str:
        """A DELETE."""
        return "DELETE" if self.http.method == "DELETE" else ""

    def changes(self, read_file: ReadFile) -> str:
        """What is not a GET, except for a POST, by which many a service is only asked."""
        return self.http.method if self.http.method in {"PUT", "PATCH", "DELETE"} else ""


class HttpProbe(HttpRequest, VerificationKind):
    """The answer's `status`, `json` and `content` are there to judge; without a condition the status must be 200.

    Where nobody answers, nothing holds but a condition that says so: `status` is -1 then.
    """

    example = '- {says: The shop answers, http: "http://127.0.0.1:8080/health", that: status == 200, within: 1m}'

    def probe(self, timeout: timedelta) -> Invocation:
        """The request, whatever its answer."""
        return uri(self.http.options(), timeout=timeout)

    def default_conditions(self) -> Sequence[str]:
        """An answer with the status 200."""
        return ("status == 200",)

    def describe(self) -> str:
        """The request line."""
        return f"{self.http.method} {self.http.url} answers"
