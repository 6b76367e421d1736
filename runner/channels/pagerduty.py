"""Calls through PagerDuty: the Events API v2, with every limit its schema leaves out."""

from __future__ import annotations

import json
import re
from datetime import UTC
from functools import partial
from hashlib import sha256
from typing import Any, ClassVar

from pydantic import Field

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

ADDRESS = "https://events.pagerduty.com/v2/enqueue"
ROUTING_KEY_LENGTH = 32
LONGEST_DEDUP_KEY = 255
LONGEST_SUMMARY = 1024
LARGEST_EVENT = 512_000
"""Bytes; PagerDuty says 512 KB, and the smaller reading of that is right under both."""

_LINKS = 10
_LINK = re.compile(r"https?://[^\s]{1,2000}")


class PagerDuty(Channel):
    """The Events API v2 of PagerDuty.

    Source of the rules: https://developer.pagerduty.com/docs/events-api-v2-overview (response codes, size) and
    https://developer.pagerduty.com/docs/send-alert-event (lengths). Accounts in the European region write
    https://events.eu.pagerduty.com/v2/enqueue as `url`.
    """

    key: ClassVar[str] = "pagerduty"

    routing_key: SecretReference = Field(description="Where the Integration Key of an Events API v2 integration is")
    url: network.Address = Field(default=ADDRESS, description="Where events go; a loopback address in a drill")

    def send(self, page: Page, *, secrets: Secrets, transport: network.Transport = network.STANDARD) -> Receipt:
        """Triggers or resolves the alert of the page's dedup key."""
        try:
            routing_key = self._routing_key(secrets)
        except SecretMissingError as error:
            return refusal(self.key, error)
        post = network.Post(self.url, to_json(event(page, routing_key)), {"Content-Type": "application/json"})
        return transport.send(self.key, post, judge=partial(_judge, routing_key=routing_key))

    def check(self, secrets: Secrets) -> None:
        """Look whether the routing key is there."""
        self._routing_key(secrets)

    def _routing_key(self, secrets: Secrets) -> str:
        value = reveal(self.routing_key, secrets)
        if len(value) != ROUTING_KEY_LENGTH:
            raise SecretMissingError(
                f"{self.routing_key} has {len(value)} characters, a PagerDuty routing key has {ROUTING_KEY_LENGTH}",
                hint="copy the Integration Key of the service's Events API v2 integration again",
            )
        return value


def event(page: Page, routing_key: str) -> dict[str, Any]:
    """The event that tells `page`: valid by PagerDuty's schema, and within the limits the schema does not state."""
    body = {"routing_key": routing_key, "event_action": page.action, "dedup_key": dedup_key(page.dedup_key)}
    if page.action == "resolve":
        return body
    return _with_details({**body, "payload": _payload(page), "client": "runbookctl"}, page)


def dedup_key(text: str) -> str:
    """`text`, or where it is too long its head and a hash of the whole: the same text always gives the same key."""
    if len(text) <= LONGEST_DEDUP_KEY:
        return text
    digest = sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{text[: LONGEST_DEDUP_KEY - len(digest) - 1]}#{digest}"


def _payload(page: Page) -> dict[str, Any]:
    return {
        "summary": _line(page.summary),
        "source": _line(page.source),
        "severity": page.severity,
        "timestamp": page.timestamp.astimezone(UTC).isoformat(timespec="milliseconds"),
        "component": _line(page.component),
        "group": _line(page.group),
        "class": "runbook",
    }


def _line(text: str) -> str:
    """`text` as one line of at most 1,024 characters, and never blank: PagerDuty refuses a blank summary or source."""
    line = " ".join(text.split()) or "(not given)"
    return line if len(line) <= LONGEST_SUMMARY else f"{line[: LONGEST_SUMMARY - 1]}…"


def _with_details(body: dict[str, Any], page: Page) -> dict[str, Any]:
    links = [link for link in page.links if _LINK.fullmatch(link[0])][:_LINKS]
    body["links"] = [{"href": href, "text": _line(text)} for href, text in links]
    others = [list(link) for link in page.links if link not in links]
    details = {**page.details, "more links": others} if others else page.details
    body["payload"]["custom_details"] = {}
    body["payload"]["custom_details"] = fit(details, LARGEST_EVENT - len(to_json(body)) + len(b"{}"))
    return body


def _judge(answer: network.HttpAnswer, *, routing_key: str) -> network.Verdict:
    verdict = network.judge(answer)
    reply = _content(answer.body)
    if verdict.status == "accepted" and not _is_success(answer.status, reply):
        doubt = "is a proxy or a captive portal in between?"
        return network.Verdict("again", f"{verdict.reason}, but not as PagerDuty does: {doubt}")
    if verdict.status == "refused" and reply:
        complaint = network.legible(_complaint(reply).replace(routing_key, "(the routing key)"))
        return network.Verdict("refused", f"{verdict.reason}: {complaint}")
    return verdict


def _is_success(status: int, reply: dict[str, Any]) -> bool:
    return status == 202 and reply.get("status") == "success" and isinstance(reply.get("dedup_key"), str)  # noqa: PLR2004


def _complaint(reply: dict[str, Any]) -> str:
    """The message and the errors of PagerDuty's answer to a bad request."""
    errors = reply.get("errors")
    parts = [reply.get("message"), *(errors if isinstance(errors, list) else [])]
    return "; ".join(part for part in parts if isinstance(part, str))


def _content(body: bytes) -> dict[str, Any]:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}
