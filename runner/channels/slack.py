"""Calls through Slack: messages to an incoming webhook, or by a bot one thread for each incident, edited as it goes."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Self
from urllib.parse import urlencode

from pydantic import Field, StringConstraints, model_validator

from runner.channels import transport as network
from runner.channels.address import Address, check_address
from runner.channels.base import Action, Page, Receipt, SecretMissingError, SecretReference, Secrets, reveal
from runner.channels.exchange import HttpAnswer, WebRequest
from runner.channels.payload import as_text, one_line, to_json
from runner.core.deferred import dataclass, regex

API = "https://slack.com/api"
LONGEST_TEXT = 4000
"""Characters; Slack cuts a message at 40,000 and asks for at most 4,000.

Source: https://docs.slack.dev/reference/methods/chat.postMessage
"""

_LONGEST_HEADLINE = 1000
_LONGEST_DETAIL = 1500
_DETAILS = 20
_LATER = frozenset({"ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable"})
_LATER |= {"request_timeout", "team_added_to_org"}
"""Errors of the Web API that another attempt may mend."""
_MEND: Mapping[str, str] = {
    "not_in_channel": "invite the bot to the channel",
    "channel_not_found": "write the id of a channel that the bot can see",
    "missing_scope": "the bot needs the scope chat:write, and channels:history to tell a repetition",
    "invalid_auth": "write a new bot token to where the reference leads",
}
_ESCAPED = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_SIGNS: Mapping[Action, str] = {
    "trigger": ":rotating_light:",
    "acknowledge": ":eyes:",
    "resolve": ":white_check_mark:",
    "progress": ":hourglass_flowing_sand:",
    "announce": ":mega:",
    "change": ":package:",
}
_LINK = regex(r"https?://[^\s<>|]+")
_ID = regex(r"[CGD][A-Z0-9]{6,}")

Room = Annotated[str, StringConstraints(pattern=r"^(#[^\s#<>]{1,80}|[CGD][A-Z0-9]{6,})$")]
Mention = Annotated[str, StringConstraints(pattern=r"^(@here|@channel|[SUW][A-Z0-9]{6,})$")]


class Slack(network.NetworkChannel):
    """Messages in Slack: by the address of an incoming webhook, or by a bot's token in one channel.

    By a bot an incident is one message, which shows the newest state, and everything else stands in its thread. Each
    message carries which page it is, so that one whose answer was lost is found again and not sent twice; for that
    `channel` must be an id (C...), and the bot needs the scope channels:history beside chat:write. A webhook cannot be
    asked: there a message whose answer was lost is sent once more. Slack takes about one message a second in a channel,
    so that many news at once are one message.

    Source: https://docs.slack.dev/apis/web-api/rate-limits
    """

    key: ClassVar[str] = "slack"

    webhook: SecretReference | None = Field(default=None, description="Where the address of an incoming webhook is")
    token: SecretReference | None = Field(default=None, description="Where the token of a bot is, xoxb-...")
    channel: Room | None = Field(
        default=None, description="The channel that the bot writes to: its id, C..., or its name"
    )
    mention: Mention | None = Field(
        default=None, description="Whom a call mentions: the id of a group (S...) or of a person, @here or @channel"
    )
    url: Address = Field(default=API, description="Where the Web API is; a loopback address in a drill")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.webhook is None) == (self.token is None) or (self.token is None) != (self.channel is None):
            raise ValueError("write either webhook, or token and channel")
        return self

    def does(self, action: Action) -> bool:
        """Everything that is a message."""
        return action in _SIGNS

    def tell(self, page: Page, secrets: Secrets, transport: network.Transport) -> Receipt:
        """Posts the page, by a bot into the thread of its incident."""
        if self.webhook is not None:
            request = WebRequest(self._webhook(secrets), to_json({"text": message(page, self.mention)}), _JSON)
            return transport.send(self.key, request, judge=_judge_webhook, most_doubts=2)
        return transport.repeat(self.key, _Thread.of(self, page, reveal(str(self.token), secrets)).tell)

    def check(self, secrets: Secrets) -> None:
        """Look whether the address or the token is there."""
        if self.webhook is not None:
            self._webhook(secrets)
        else:
            reveal(str(self.token), secrets)

    def _webhook(self, secrets: Secrets) -> str:
        try:
            return check_address(reveal(str(self.webhook), secrets))
        except ValueError as error:
            raise SecretMissingError(f"{self.webhook} is no address of a webhook", hint=str(error)) from None


_JSON = {"Content-Type": "application/json; charset=utf-8"}


def headline(page: Page, mention: str | None = None) -> str:
    """What happened, in one line, with whoever is `mention`ed where the page calls somebody."""
    called = [f"<!{mention[1:]}>" if mention[0] == "@" else _by_id(mention)] if mention else []
    words = [_SIGNS[page.action], *(called if page.action == "trigger" else []), f"*{_line(page.summary)}*"]
    return " ".join(words)


def message(page: Page, mention: str | None = None) -> str:
    """The whole page as a text in Slack's mark-up, at most 4,000 characters."""
    where = " · ".join(filter(None, (_line(page.group), _line(page.component), _line(page.source))))
    links = [f"<{href}|{_line(text) or 'link'}>" for href, text in page.links if _LINK.fullmatch(href)]
    lines = [headline(page, mention), where, " · ".join(links), *details(page)]
    return _cut("\n".join(filter(None, lines)), LONGEST_TEXT)


def details(page: Page) -> list[str]:
    """What the page carries, a paragraph for each item."""
    longest = _LONGEST_DETAIL if len(page.details) > 1 else LONGEST_TEXT
    texts = {
        name: _cut(as_text(value).translate(_ESCAPED), longest) for name, value in list(page.details.items())[:_DETAILS]
    }
    return [f"*{_line(name)}*\n{text}" for name, text in texts.items()]


def _by_id(mention: str) -> str:
    return f"<!subteam^{mention}>" if mention[0] == "S" else f"<@{mention}>"


def _line(text: str) -> str:
    return _cut(one_line(text, _LONGEST_HEADLINE).translate(_ESCAPED), _LONGEST_HEADLINE)


def _cut(text: str, limit: int) -> str:
    """`text` of at most `limit` characters, in which no character that was escaped is broken."""
    return text if len(text) <= limit else re.sub(r"&[a-z]*$", "", text[: limit - 1]) + "…"


def _judge_webhook(answer: HttpAnswer) -> network.Verdict:
    verdict = network.judge(answer)
    body = network.legible(answer.body.decode("utf-8", "replace"))
    if verdict.status == "accepted" and body != "ok":
        reason = f"{verdict.reason}, but not as Slack does: is a proxy in between?"
        return network.Verdict("again", reason, doubt=True)
    return replace(verdict, reason=f"{verdict.reason}: {body}") if verdict.status == "refused" and body else verdict


@dataclass
class _Thread:
    """The thread of one incident, as far as it is known while one page is sent; `root` is its first message."""

    slack: Slack
    page: Page
    token: str
    room: str
    root: str
    written: bool = False
    """Whether the root shows this page already."""

    @classmethod
    def of(cls, slack: Slack, page: Page, token: str) -> Self:
        room, _, root = page.reference(f"slack/{slack.channel}/").partition("/")
        return cls(slack, page, token, room or str(slack.channel), root)

    def tell(self, attempt: network.SendAttempt) -> network.Verdict:
        """Finds or opens the thread, writes into it what is not there yet, and lets its root show the newest state."""
        for step in (self._open, self._write, self._show):
            verdict = step(attempt)
            if verdict.status != "accepted":
                return verdict
        return replace(verdict, reference=f"slack/{self.slack.channel}/{self.room}/{self.root}")

    def _open(self, attempt: network.SendAttempt) -> network.Verdict:
        if self.root:
            return _DONE
        if found := self._find(attempt, "conversations.history", "incident", self.page.dedup_key):
            self.root = str(found["ts"])
            self.written = found["metadata"]["event_payload"].get("opened_by") == self.page.identity
            return _DONE
        text = headline(self.page, self.slack.mention)
        verdict, answer = self._post(attempt, "chat.postMessage", text=text)
        if verdict.status == "accepted":
            self.room, self.root, self.written = str(answer.get("channel")), str(answer.get("ts")), True
        return verdict

    def _write(self, attempt: network.SendAttempt) -> network.Verdict:
        if self.written and not (self.page.details or self.page.links):
            return _DONE
        if self._find(attempt, "conversations.replies", "page", self.page.identity, ts=self.root):
            return _DONE
        text = message(self.page, None if self.written else self.slack.mention)
        aloud = self.page.action == "trigger" and not self.written
        return self._post(attempt, "chat.postMessage", text=text, thread_ts=self.root, reply_broadcast=aloud)[0]

    def _show(self, attempt: network.SendAttempt) -> network.Verdict:
        if self.written:
            return _DONE
        return self._post(attempt, "chat.update", text=headline(self.page), ts=self.root)[0]

    def _find(self, attempt: network.SendAttempt, method: str, name: str, value: str, **more: str) -> Mapping[str, Any]:
        """The message since this page was made whose mark says so; empty where there is none, or nobody may look.

        A message that is sent twice is better than none, so that whatever Slack answers, or that it takes too long,
        stands in the way of nothing.
        """
        if not _ID.fullmatch(self.room):
            return {}
        since = f"{self.page.timestamp.timestamp() - 60:.6f}"
        query = {"channel": self.room, "oldest": since, "limit": "200", "include_all_metadata": "true", **more}
        url = f"{self.slack.url}/{method}?{urlencode(query)}"
        try:
            answer = attempt.ask(WebRequest(url, None, self._headers(), method="GET")).content
        except TimeoutError:
            return {}
        marked = (each for each in answer.get("messages") or [] if each.get("metadata", {}).get("event_payload"))
        return next((each for each in marked if each["metadata"]["event_payload"].get(name) == value), {})

    def _post(
        self, attempt: network.SendAttempt, method: str, **arguments: Any
    ) -> tuple[network.Verdict, Mapping[str, Any]]:
        root = {"incident": self.page.dedup_key, "opened_by": self.page.identity}
        mark = {"page": self.page.identity} if "thread_ts" in arguments else root
        metadata = {"event_type": "runbook_page", "event_payload": mark}
        body = to_json({"channel": self.room, "metadata": metadata, **arguments})
        answer = attempt.ask(WebRequest(f"{self.slack.url}/{method}", body, {**self._headers(), **_JSON}))
        return _judge_api(answer), answer.content

    def _headers(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


_DONE = network.Verdict("accepted", "written")


def _judge_api(answer: HttpAnswer) -> network.Verdict:
    """What Slack's answer means: it says in the body whether it did what it was asked for."""
    verdict = network.judge(answer)
    if verdict.status != "accepted":
        return verdict
    reply = answer.content
    if reply.get("ok") is True:
        return _DONE
    error = network.legible(str(reply.get("error", "")))
    if not error:
        return network.Verdict("again", f"{verdict.reason}, but not as Slack does: is a proxy in between?")
    mend = f": {_MEND[error]}" if error in _MEND else ""
    return network.Verdict("again" if error in _LATER else "refused", f"Slack says {error}{mend}")
