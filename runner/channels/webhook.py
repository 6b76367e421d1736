"""Calls through a webhook: the page as a CloudEvent, posted as JSON to an address of the team's own."""

import hashlib
import hmac
from base64 import b64decode, b64encode
from binascii import Error as NotBase64Error
from collections.abc import Mapping
from datetime import UTC
from typing import Annotated, Any, ClassVar
from urllib.parse import quote

from pydantic import AfterValidator, Field

from runner.channels import transport as network
from runner.channels.address import Address
from runner.channels.base import Action, Page, Receipt, SecretMissingError, SecretReference, Secrets, reveal
from runner.channels.exchange import WebRequest
from runner.channels.payload import fit, to_json
from runner.core.deferred import regex

LARGEST_BODY = 512_000
"""Bytes; many servers refuse more than 1 MB, and a refused page calls nobody."""

_TOKEN = regex(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_SIGNATURE = frozenset({"webhook-id", "webhook-timestamp", "webhook-signature"})
_OURS = frozenset({"connection", "content-length", "content-type", "host", "transfer-encoding"}) | _SIGNATURE
_SHORTEST_KEY = 24
"""Bytes; Standard Webhooks asks for 24 to 64."""


def _header_name(text: str) -> str:
    if not _TOKEN.fullmatch(text):
        raise ValueError("a header's name is letters, digits and dashes")
    if text.lower() in _OURS:
        raise ValueError(f"the header {text} is set by runbookctl itself")
    return text


HeaderName = Annotated[str, AfterValidator(_header_name)]


class Webhook(network.NetworkChannel):
    """A POST of JSON in the CloudEvents 1.0 envelope; any 2xx is an acceptance.

    The id is the same each time a page is sent, so that a receiver can tell a repetition from a second page. With a
    `signing_key` it is signed as https://www.standardwebhooks.com describes, version 1: HMAC-SHA256 over the id, the
    time in seconds and the body.
    """

    key: ClassVar[str] = "webhook"

    url: Address = Field(description="Where the page is posted")
    headers: Mapping[HeaderName, SecretReference] = Field(
        default={}, description="Header names, and where each value is"
    )
    signing_key: SecretReference | None = Field(
        default=None, description="Where the key is by which each page is signed: whsec_ and Base64, or any long text"
    )

    def does(self, action: Action) -> bool:
        """Everything but tickets, and notes, which repeat the hand-off: the receiver decides what becomes of it."""
        return action not in {"note", "ticket"}

    def tell(self, page: Page, secrets: Secrets, transport: network.Transport) -> Receipt:
        """Posts the page."""
        headers, key = {**self._headers(secrets), "Content-Type": "application/json"}, self._signing_key(secrets)
        body = to_json(envelope(page))

        def post(attempt: network.SendAttempt) -> network.Verdict:
            signed = signature(key, page.identity, int(transport.now()), body) if key else {}
            return network.judge(attempt.ask(WebRequest(self.url, body, {**headers, **signed})))

        return transport.repeat(self.key, post)

    def check(self, secrets: Secrets) -> None:
        """Look whether the value of each header, and the key, are there."""
        self._headers(secrets)
        self._signing_key(secrets)

    def _signing_key(self, secrets: Secrets) -> bytes:
        """The key, empty where nothing is signed."""
        if self.signing_key is None:
            return b""
        text = reveal(self.signing_key, secrets)
        try:
            key = b64decode(text.removeprefix("whsec_"), validate=True) if text.startswith("whsec_") else text.encode()
        except NotBase64Error:
            key = b""
        if len(key) < _SHORTEST_KEY:
            raise SecretMissingError(
                f"{self.signing_key} is no key to sign with",
                hint=f"it must be whsec_ and Base64, or a text, of at least {_SHORTEST_KEY} bytes",
            )
        return key

    def _headers(self, secrets: Secrets) -> Mapping[str, str]:
        return {name: _header(reference, secrets) for name, reference in self.headers.items()}


def _header(reference: str, secrets: Secrets) -> str:
    value = reveal(reference, secrets)
    if not (value.isascii() and value.isprintable()):
        raise SecretMissingError(f"{reference} cannot stand in a header", hint="it must be one line of printable ASCII")
    return value


def signature(key: bytes, identity: str, seconds: int, body: bytes) -> Mapping[str, str]:
    """The headers by which a receiver knows who sent `body`, and when, and that it is as it was sent."""
    name = identity if identity.isascii() and identity.isprintable() else quote(identity, safe="/", errors="replace")
    digest = hmac.digest(key, f"{name}.{seconds}.".encode() + body, hashlib.sha256)
    return {
        "webhook-id": name,
        "webhook-timestamp": str(seconds),
        "webhook-signature": f"v1,{b64encode(digest).decode()}",
    }


def envelope(page: Page) -> dict[str, Any]:
    """The page as a CloudEvent (https://github.com/cloudevents/spec, version 1.0, structured mode)."""
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": page.identity,
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
