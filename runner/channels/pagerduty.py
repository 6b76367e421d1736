"""Calls through PagerDuty: the Events API v2, with every limit its schema leaves out."""

from collections.abc import Mapping, Sequence
from datetime import UTC
from functools import partial
from hashlib import sha256
from typing import Any, ClassVar, Self

from pydantic import Field, model_validator

from runner.channels import pagerduty_rest as rest
from runner.channels import transport as network
from runner.channels.address import Address, MailAddress
from runner.channels.base import Action, Page, Receipt, SecretMissingError, SecretReference, Secrets, reveal
from runner.channels.exchange import HttpAnswer, WebRequest
from runner.channels.inquiry import IncidentState
from runner.channels.payload import as_text, fit, one_line, to_json
from runner.core.deferred import regex

ADDRESS = "https://events.pagerduty.com/v2/enqueue"
ROUTING_KEY_LENGTH = 32
LONGEST_DEDUP_KEY = 255
LONGEST_SUMMARY = 1024
LARGEST_EVENT = 512_000
"""Bytes; PagerDuty says 512 KB, and the smaller reading of that is right under both."""

_LINKS = 10
_LINK = regex(r"https?://[^\s]{1,2000}")

_EVENTS: Mapping[Action, str] = {
    "trigger": "trigger",
    "acknowledge": "acknowledge",
    "resolve": "resolve",
    "progress": "trigger",  # PagerDuty adds it to the log of the open alert with that key, and wakes nobody once more
}


class PagerDuty(network.NetworkChannel):
    """The Events API v2 of PagerDuty.

    Source of the rules: https://developer.pagerduty.com/docs/events-api-v2-overview (response codes, size) and
    https://developer.pagerduty.com/docs/send-alert-event (lengths). Accounts in the European region write
    https://events.eu.pagerduty.com/v2/enqueue as `url`.
    """

    key: ClassVar[str] = "pagerduty"

    routing_key: SecretReference = Field(description="Where the Integration Key of an Events API v2 integration is")
    url: Address = Field(default=ADDRESS, description="Where events go; a loopback address in a drill")
    token: SecretReference | None = Field(
        default=None, description="Where a key of the REST API is, by which incidents are asked for and get notes"
    )
    sender: MailAddress | None = Field(
        default=None, alias="from", description="The e-mail address of a user of the account, who writes the notes"
    )
    api: Address = Field(default=rest.ADDRESS, description="Where the REST API is")

    @model_validator(mode="after")
    def _belongs_together(self) -> Self:
        if (self.token is None) != (self.sender is None):
            raise ValueError("token and from belong together")
        return self

    @property
    def gathers_news(self) -> bool:
        """In the log of an alert each of them has an entry of its own; notes of an incident are read by people."""
        return self.token is not None

    def does(self, action: Action) -> bool:
        """Whether there is an event for `action`; a note needs a token."""
        return action in _EVENTS or action == "change" or (action == "note" and self.token is not None)

    def tell(self, page: Page, secrets: Secrets, transport: network.Transport) -> Receipt:
        """Triggers, acknowledges or resolves the alert of the page's dedup key, adds to it, or tells of a change.

        News are a note of the incident where there is a token, else one more event in the log of its alert.
        """
        if page.action == "note" or (page.action == "progress" and self.token):
            return self._rest(secrets, transport).note(self.key, page, shortened(page.dedup_key))
        routing_key = self._routing_key(secrets)
        change = page.action == "change"
        body = to_json((change_event if change else event)(page, routing_key))
        url = f"{self.url.removesuffix('/enqueue')}/change/enqueue" if change else self.url
        request = WebRequest(url, body, {"Content-Type": "application/json"})
        return transport.send(self.key, request, judge=partial(_judge, routing_key=routing_key, keyed=not change))

    def check(self, secrets: Secrets) -> None:
        """Look whether the routing key, and the token, are there."""
        self._routing_key(secrets)
        if self.token:
            reveal(self.token, secrets)

    def problems(self, page: Page) -> Sequence[str]:
        """What of the event is not as PagerDuty takes it: each length, each word, the size of the whole."""
        body = (change_event if page.action == "change" else event)(page, "0" * ROUTING_KEY_LENGTH)
        payload = body.get("payload", {})
        lengths = {"summary": LONGEST_SUMMARY, "source": LONGEST_SUMMARY, "dedup_key": LONGEST_DEDUP_KEY}
        texts = {name: str(value) for name, value in {**body, **payload}.items() if name in lengths}
        return [
            *(f"its {name} has {len(text)} characters" for name, text in texts.items() if len(text) > lengths[name]),
            *(f"its {name} is blank" for name, text in texts.items() if not text.strip()),
            *(["it is too large"] if len(to_json(body)) > LARGEST_EVENT else []),
        ]

    def incident(self, dedup_key: str, *, secrets: Secrets) -> IncidentState | None:
        """How the incident stands, where there is a token to ask with."""
        return self._rest(secrets).incident(shortened(dedup_key)) if self.token else None

    def _rest(self, secrets: Secrets, transport: network.Transport = network.STANDARD) -> rest.RestApi:
        return rest.RestApi(self.api, reveal(str(self.token), secrets), str(self.sender), transport)

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
    action = _EVENTS.get(page.action, page.action)
    body = {"routing_key": routing_key, "event_action": action, "dedup_key": shortened(page.dedup_key)}
    if action != "trigger":
        return body
    return _with_details({**body, "payload": _payload(page), "client": "runbookctl"}, page)


def change_event(page: Page, routing_key: str) -> dict[str, Any]:
    """The change event that tells `page`; it opens no incident, and stands beside those of the same service.

    Source: https://developer.pagerduty.com/docs/send-change-event
    """
    known = _payload(page)
    payload = {name: known[name] for name in ("summary", "source", "timestamp")}
    return _with_details({"routing_key": routing_key, "payload": payload}, page)


def shortened(text: str) -> str:
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
    return one_line(text, LONGEST_SUMMARY) or "(not given)"


def _with_details(body: dict[str, Any], page: Page) -> dict[str, Any]:
    links = [link for link in page.links if _LINK.fullmatch(link[0])][:_LINKS]
    body["links"] = [{"href": href, "text": _line(text)} for href, text in links]
    others = [list(link) for link in page.links if link not in links]
    details = {**page.details, "more links": others} if others else page.details
    body["payload"]["custom_details"] = {}
    room = LARGEST_EVENT - len(to_json(body)) + len(b"{}")
    body["payload"]["custom_details"] = fit({name: _readable(each) for name, each in details.items()}, room)
    return body


def _readable(value: Any) -> Any:
    """A list or a mapping as lines: PagerDuty shows people such JSON as it is."""
    return as_text(value) if isinstance(value, Mapping | list | tuple) else value


def _judge(answer: HttpAnswer, *, routing_key: str, keyed: bool) -> network.Verdict:
    verdict = network.judge(answer)
    reply = answer.content
    if verdict.status == "accepted" and not _is_success(answer, keyed=keyed):
        doubt = "is a proxy or a captive portal in between?"
        return network.Verdict("again", f"{verdict.reason}, but not as PagerDuty does: {doubt}")
    if verdict.status == "refused" and reply:
        complaint = network.legible(_complaint(reply).replace(routing_key, "(the routing key)"))
        return network.Verdict("refused", f"{verdict.reason}: {complaint}")
    return verdict


def _is_success(answer: HttpAnswer, *, keyed: bool) -> bool:
    """Whether PagerDuty has taken the event; `keyed` says that its answer has a dedup key, as that to an alert has."""
    reply = answer.content
    good = answer.status == 202 and reply.get("status") == "success"  # noqa: PLR2004 - "Accepted"
    return good and (isinstance(reply.get("dedup_key"), str) or not keyed)


def _complaint(reply: Mapping[str, Any]) -> str:
    """The message and the errors of PagerDuty's answer to a bad request."""
    errors = reply.get("errors")
    parts = [reply.get("message"), *(errors if isinstance(errors, list) else [])]
    return "; ".join(part for part in parts if isinstance(part, str))
