"""PagerDuty's REST API: how an incident stands, and its notes."""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

from runner.channels import transport as network
from runner.channels.base import WORDS, Page, Receipt
from runner.channels.exchange import HttpAnswer, WebRequest
from runner.channels.inquiry import IncidentState, InquiryError
from runner.channels.payload import as_text, fit, one_line, to_json
from runner.core.deferred import dataclass

ADDRESS = "https://api.pagerduty.com"
LONGEST_NOTE = 20_000
"""Characters; PagerDuty refuses a note of more than 25,000."""

_MEND = {401: "write a new API key to where the reference leads", 403: "the API key may not do this"}


@dataclass(frozen=True)
class RestApi:
    """The REST API v2 (https://developer.pagerduty.com/api-reference), as the owner of `token`.

    `sender` is the e-mail address of a user of the account, in whose name notes are written.
    """

    url: str
    token: str = field(repr=False)
    sender: str
    transport: network.Transport = network.STANDARD

    def incident(self, key: str) -> IncidentState | None:
        """How the newest incident with the dedup key `key` stands; None where there is none.

        Raises:
            InquiryError: that cannot be known.
        """
        answers: list[HttpAnswer] = []

        def ask(attempt: network.SendAttempt) -> network.Verdict:
            answers.append(attempt.ask(self._request(_search(key))))
            return _judge(answers[-1])

        receipt = self.transport.repeat("pagerduty", ask)
        if not receipt.ok:
            raise InquiryError(f"PagerDuty cannot be asked: {receipt.reason}", hint="look at PagerDuty yourself")
        found = answers[-1].content.get("incidents")
        return _state(found[0]) if found else None

    def note(self, channel: str, page: Page, key: str) -> Receipt:
        """Adds `page` to the notes of the newest incident with the dedup key `key`, once however often it is sent."""
        mark = f"[{sha256(page.identity.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}]"

        def tell(attempt: network.SendAttempt) -> network.Verdict:
            answer = attempt.ask(self._request(_search(key)))
            incidents = answer.content.get("incidents")
            if not incidents:
                verdict = _judge(answer)
                return _NOT_THERE_YET if verdict.status == "accepted" else verdict
            path = f"/incidents/{incidents[0]['id']}/notes"
            notes = attempt.ask(self._request(path))
            if any(mark in str(each.get("content")) for each in notes.content.get("notes") or []):
                return network.Verdict("accepted", "it is there already")
            body = {"note": {"content": f"{note(page)}\n{mark}"}}
            return _judge(attempt.ask(self._request(path, to_json(body))))

        return self.transport.repeat(channel, tell)

    def _request(self, path: str, body: bytes | None = None) -> WebRequest:
        headers = {
            "Accept": "application/vnd.pagerduty+json;version=2",
            "Authorization": f"Token token={self.token}",
            "Content-Type": "application/json",
            "From": self.sender,
        }
        return WebRequest(f"{self.url}{path}", body, headers, method="GET" if body is None else "POST")


_NOT_THERE_YET = network.Verdict("again", "PagerDuty has no incident of this key yet")


def note(page: Page) -> str:
    """What a note says of `page`."""
    details = [f"{one_line(name)}:\n{as_text(value)}" for name, value in fit(page.details, LONGEST_NOTE).items()]
    does = "" if page.action == "note" else f" (to {WORDS[page.action]})"
    text = "\n\n".join([f"{one_line(page.summary)}{does}", *details])
    return text if len(text) <= LONGEST_NOTE else f"{text[: LONGEST_NOTE - 1]}…"


def _search(key: str) -> str:
    query = {"incident_key": key, "date_range": "all", "sort_by": "created_at:desc", "limit": "1"}
    return f"/incidents?{urlencode(query)}"


def _judge(answer: HttpAnswer) -> network.Verdict:
    verdict = network.judge(answer)
    if verdict.status == "accepted" and not answer.content:
        return network.Verdict("again", f"{verdict.reason}, but not as PagerDuty does: is a proxy in between?")
    if verdict.status == "refused":
        error = answer.content.get("error")
        complaint = network.legible(str(error.get("message", ""))) if isinstance(error, dict) else ""
        parts = [verdict.reason, complaint, _MEND.get(answer.status, "")]
        return network.Verdict("refused", ": ".join(filter(None, parts)))
    return verdict


def _state(incident: Mapping[str, Any]) -> IncidentState:
    newest = (incident.get("acknowledgements") or [{}])[-1] if incident.get("status") == "acknowledged" else {}
    who = newest.get("acknowledger") or incident.get("last_status_change_by") or {}
    when = newest.get("at") or incident.get("last_status_change_at")
    status = incident.get("status")
    return IncidentState(
        status=status if status in ("acknowledged", "resolved") else "triggered",
        by=one_line(str(who.get("summary") or "")),
        at=_time(when),
        address=one_line(str(incident.get("html_url") or "")),
    )


def _time(text: Any) -> datetime | None:
    """A moment of an answer, None where there is none, or none with a time zone."""
    try:
        time = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return time if time.tzinfo else None
