"""Calls through a webhook: the page as a CloudEvent, posted as JSON to an address of the team's own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC
from typing import Annotated, Any, ClassVar
from urllib.parse import quote

from pydantic import AfterValidator, Field

from runner.channels import transport as network
from runner.channels.base import (
    Channel,
    Page,
    Receipt,
    SecretMissingError,
    SecretReference,
    Secrets,
    fit,
    refusal,
    reveal,
    to_json,
)

LARGEST_BODY = 512_000
"""Bytes; many servers refuse more than 1 MB, and a refused page calls nobody."""

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_OURS = frozenset({"connection", "content-length", "content-type", "host", "transfer-encoding"})


def _header_name(text: str) -> str:
    if not _TOKEN.fullmatch(text):
        raise ValueError("a header's name is letters, digits and dashes")
    if text.lower() in _OURS:
        raise ValueError(f"the header {text} is set by runbookctl itself")
    return text


HeaderName = Annotated[str, AfterValidator(_header_name)]


class Webhook(Channel):
    """A POST of JSON in the CloudEvents 1.0 envelope; any 2xx is an acceptance.

    The id is the same each time a page is sent, so that a receiver can tell a repetition from a second page.
    """

    key: ClassVar[str] = "webhook"

    url: network.Address = Field(description="Where the page is posted")
    headers: Mapping[HeaderName, SecretReference] = Field(
        default={}, description="Header names, and where each value is"
    )

    def send(self, page: Page, *, secrets: Secrets, transport: network.Transport = network.STANDARD) -> Receipt:
        """Posts the page."""
        try:
            headers = self._headers(secrets)
        except SecretMissingError as error:
            return refusal(self.key, error)
        post = network.Post(self.url, to_json(envelope(page)), {**headers, "Content-Type": "application/json"})
        return transport.send(self.key, post)

    def check(self, secrets: Secrets) -> None:
        """Look whether the value of each header is there."""
        self._headers(secrets)

    def _headers(self, secrets: Secrets) -> Mapping[str, str]:
        return {name: _header(reference, secrets) for name, reference in self.headers.items()}


def _header(reference: str, secrets: Secrets) -> str:
    value = reveal(reference, secrets)
    if not (value.isascii() and value.isprintable()):
        raise SecretMissingError(f"{reference} cannot stand in a header", hint="it must be one line of printable ASCII")
    return value


def envelope(page: Page) -> dict[str, Any]:
    """The page as a CloudEvent (https://github.com/cloudevents/spec, version 1.0, structured mode)."""
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": f"{page.dedup_key}/{page.action}",
        "source": quote(page.source, errors="replace") or "unknown",
        "type": f"runbook.page.{page.action}",
        "time": page.timestamp.astimezone(UTC).isoformat(timespec="milliseconds"),
        "datacontenttype": "application/json",
        "data": _data(page),
    }
    event["data"]["details"] = fit(page.details, LARGEST_BODY - len(to_json(event)) + len(b"{}"))
    return event


def _data(page: Page) -> dict[str, Any]:
    return {
        "action": page.action,
        "dedup_key": page.dedup_key,
        "summary": page.summary,
        "severity": page.severity,
        "source": page.source,
        "component": page.component,
        "group": page.group,
        "details": {},
        "links": [{"href": href, "text": text} for href, text in page.links],
    }
