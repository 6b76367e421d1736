"""What every channel is: it tells a page, gives back a receipt, and knows secrets by reference only."""

from __future__ import annotations

import json
import math
import re
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal, NoReturn

from pydantic import AfterValidator, ConfigDict, WithJsonSchema

from runner.core.errors import ExitCode, RunbookError
from runner.core.fields import Model

Action = Literal["trigger", "resolve"]
Severity = Literal["critical", "error", "warning", "info"]

Secrets = Callable[[str], str]
"""The value a reference stands for; raises LookupError, OSError, ValueError or RunbookError when there is none."""

_REFERENCE = r"^(?:env:[A-Za-z_][A-Za-z0-9_]*|file:/.+)$"
_DEPTH = 16
_SMALLEST_CUT = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What is told to a person, whatever the channel.

    `dedup_key` names the incident: a later `resolve` with the same key closes what a `trigger` opened. `component` is
    the runbook, `group` the environment, `details` JSON: what the runbook's `provide` names and the head of the audit
    log. `links` are pairs of address and text; `timestamp` has a time zone.

    Raises:
        ValueError: the dedup key is blank, or the timestamp has no time zone.
    """

    action: Action
    dedup_key: str
    summary: str
    severity: Severity
    source: str
    component: str
    group: str
    details: Mapping[str, Any]
    links: tuple[tuple[str, str], ...] = ()
    timestamp: datetime

    def __post_init__(self) -> None:
        if not self.dedup_key.strip():
            raise ValueError(
                "a page needs a dedup key: without one a lost answer calls twice and nothing can resolve it"
            )
        if self.timestamp.tzinfo is None:
            raise ValueError("a page's timestamp needs a time zone")


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a page: `accepted`, `refused` (a person must mend something) or `deferred`.

    Deferred means that nobody knows: it was tried until the deadline, and a lost answer looks like a lost page.
    `attempts` counts the requests that were made; `reason` is for a person and never holds a secret. `sent` is False
    where none of it has left this machine.
    """

    channel: str
    status: Literal["accepted", "refused", "deferred"]
    attempts: int
    reason: str
    sent: bool = True

    @property
    def ok(self) -> bool:
        """Whether the other side has the page for sure."""
        return self.status == "accepted"

    @property
    def may_have_arrived(self) -> bool:
        """Whether the other side has the page, as far as anybody can know."""
        return self.ok or (self.status == "deferred" and self.sent)


class Channel(Model):
    """One way to call a person; a new channel is one file with one subclass and a `key` of its own."""

    model_config = ConfigDict(hide_input_in_errors=True)  # a secret pasted in place of its reference is not printed

    key: ClassVar[str]

    def send(self, page: Page, *, secrets: Secrets) -> Receipt:
        """Tells `page` once, however often it must be said, and comes back before the channel's deadline.

        Whatever the network does, and whatever secret is missing, is a receipt and not an exception.
        """
        raise NotImplementedError

    def check(self, secrets: Secrets) -> None:
        """Look whether the secrets by which it tells are there, and tell nobody.

        Raises:
            SecretMissingError: one is not.
        """


class SecretMissingError(RunbookError):
    """A reference to a secret leads nowhere, or to something that cannot be the secret."""

    exit_code = ExitCode.PAGING


def reveal(reference: str, secrets: Secrets) -> str:
    """The value of `reference`, without the white space that editors and `echo` put around it.

    Raises:
        SecretMissingError: there is no such secret, or it is blank.
    """
    try:
        value = secrets(reference).strip()
    except (LookupError, OSError, ValueError, RunbookError):
        value = ""
    if not value:
        _missing(reference)  # outside of the handler: an error of the resolver may quote what it read
    return value


def _missing(reference: str) -> NoReturn:
    source, _, name = reference.partition(":")
    mend = f"set the environment variable {name}" if source == "env" else f"write the secret to {name}, readable by you"
    raise SecretMissingError(f"the secret {reference} is missing or blank", hint=mend)


def refusal(channel: str, error: SecretMissingError) -> Receipt:
    """The receipt of a page that was never sent, because of `error`."""
    return Receipt(channel, "refused", 0, f"{error.message}: {error.hint}")


def _reference(text: str) -> str:
    if not re.fullmatch(_REFERENCE, text, re.ASCII):
        raise ValueError("write where the secret is, env:NAME or file:/path, never the secret itself")
    return text


SecretReference = Annotated[
    str,
    AfterValidator(_reference),
    WithJsonSchema(
        {"type": "string", "pattern": _REFERENCE, "examples": ["env:PAGERDUTY_ROUTING_KEY", "file:/run/secrets/key"]}
    ),
]
"""Where a secret is, never the secret."""


def to_json(value: Any) -> bytes:
    """`value` as compact JSON in UTF-8; half a surrogate pair, as broken output may hold, becomes a question mark."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def fit(details: Mapping[str, Any], limit: int) -> dict[str, Any]:
    """`details` as plain JSON of at most `limit` bytes: the largest values are cut first, each with a note of that.

    What a host answered must not silence the page about it: too large, too deep or no JSON at all is told as text.
    """
    whole = {str(name): _plain(value, _DEPTH) for name, value in details.items()}
    if len(to_json(whole)) <= limit:
        return whole
    sizes = {name: len(to_json(value)) for name, value in whole.items()}
    share = _share(list(sizes.values()), limit - len(to_json(dict.fromkeys(whole, 0))))
    if share < _SMALLEST_CUT:  # so many names that no value could be read
        return {"details": _cut(whole, limit - len(b'{"details":}'))}
    return {name: value if sizes[name] <= share else _cut(value, share) for name, value in whole.items()}


def _share(sizes: list[int], limit: int) -> int:
    """The most bytes a value may have so that all `sizes` together are within `limit`, small ones whole."""
    share = 0
    for position, size in enumerate(sorted(sizes)):
        share = limit // (len(sizes) - position)
        if size > share:
            break
        limit -= size
    return share


def _cut(value: Any, limit: int) -> str:
    text = value if isinstance(value, str) else to_json(value).decode()
    note = f" … [cut: too large to send; the run's record has all {len(text):,} characters]"
    text, limit = text[: max(0, limit)], limit - len(to_json(note))
    length = bisect_right(range(len(text) + 1), limit, key=lambda count: len(to_json(text[:count]))) - 1
    return text[: max(0, length)] + note


def _plain(value: Any, depth: int) -> Any:
    if isinstance(value, str | bool | int | None):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)  # JSON has no NaN
    if not isinstance(value, Mapping | list | tuple):
        return str(value)
    if depth == 0:
        return f"… [cut: nested deeper than {_DEPTH} levels]"
    if isinstance(value, Mapping):
        return {str(name): _plain(item, depth - 1) for name, item in value.items()}
    return [_plain(item, depth - 1) for item in value]
