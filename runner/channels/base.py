"""What every channel is: it tells a page, gives back a receipt, and knows secrets by reference only."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from datetime import UTC, datetime
from hashlib import sha256
from math import inf
from typing import Annotated, Any, ClassVar, Literal, NoReturn
from urllib.parse import urlsplit

from pydantic import AfterValidator, ConfigDict, WithJsonSchema

from runner.channels.inquiry import IncidentState
from runner.core import secrets as grammar
from runner.core.deferred import dataclass
from runner.core.errors import ExitCode, RunbookError
from runner.core.fields import Model

Action = Literal["trigger", "acknowledge", "resolve", "progress", "note", "announce", "change", "ticket"]
"""What a page does: it opens an incident, says that somebody has it, or ends it; `progress` is news of a known
incident, `note` the hand-off for where an incident keeps notes, and `announce` a message without an incident; `change`
tells of a change of a system, such as a deployment, and `ticket` asks for a ticket about work that is left.
"""

WORDS: Mapping[Action, str] = {
    "trigger": "call for an incident",
    "acknowledge": "say that somebody has the incident",
    "resolve": "say that the incident is over",
    "progress": "add to an incident",
    "note": "attach a note to an incident",
    "announce": "send a message without an incident",
    "change": "tell of a change",
    "ticket": "open a ticket",
}
"""The same, after "to"."""

Severity = Literal["critical", "error", "warning", "info"]

Secrets = Callable[[str], str]
"""The value a reference stands for; raises LookupError, OSError, ValueError or RunbookError when there is none."""

_REFERENCE = r"^[a-z][a-z0-9-]*:.+$"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What is told to a person, whatever the channel.

    `dedup_key` names the incident: a later `resolve` with the same key closes what a `trigger` opened. `component` is
    the runbook, `group` the environment, `details` JSON: what the runbook's `provide` names and the head of the audit
    log. `links` are pairs of address and text; `timestamp` has a time zone.

    `id` names this page, and is the same however often it is sent; without one it is made of the incident, the action,
    the time and the summary. `references` are those of the receipts of earlier pages about the same: a channel finds
    its own among them. `hosts` are those that the incident is about, none where they are not known.

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
    id: str = ""
    references: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.dedup_key.strip():
            raise ValueError(
                "a page needs a dedup key: without one a lost answer calls twice and nothing can resolve it"
            )
        if self.timestamp.tzinfo is None:
            raise ValueError("a page's timestamp needs a time zone")

    @property
    def identity(self) -> str:
        """What a receiver tells a repetition by."""
        time = f"{self.timestamp.astimezone(UTC):%Y%m%dT%H%M%S.%f}Z"
        summary = sha256(self.summary.encode("utf-8", "surrogatepass")).hexdigest()[:8]
        return self.id or f"{self.dedup_key}/{self.action}/{time}-{summary}"

    def reference(self, prefix: str) -> str:
        """What follows `prefix` in the newest of the references that begin with it; empty where none does."""
        own = [each.removeprefix(prefix) for each in self.references if each.startswith(prefix)]
        return own[-1] if own else ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a page: `accepted`, `refused` (a person must mend something), `deferred` or `skipped`.

    Deferred means that nobody knows: it was tried until the deadline, and a lost answer looks like a lost page.
    Skipped means that the channel has no way to do this, which is no fault. `attempts` counts how often it was tried;
    `reason` is for a person and never holds a secret. `sent` is False where none of it has left this machine.
    `reference` is what the other side calls what it made of the page: to be kept, and given back in later pages.
    `doubt` is True for one that is deferred and may have arrived: an answer was lost. `wait` is for how many seconds
    the other side has asked not to be sent it again.
    """

    channel: str
    status: Literal["accepted", "refused", "deferred", "skipped"]
    attempts: int
    reason: str
    sent: bool = True
    reference: str = ""
    doubt: bool = field(default=False, compare=False)
    wait: float = field(default=0.0, compare=False)

    @property
    def ok(self) -> bool:
        """Whether the other side has the page for sure."""
        return self.status == "accepted"

    @property
    def settled(self) -> bool:
        """Whether nothing is left to do."""
        return self.status in {"accepted", "skipped"}

    @property
    def may_have_arrived(self) -> bool:
        """Whether the other side has the page, as far as anybody can know."""
        return self.ok or (self.status == "deferred" and self.sent)


@dataclass(frozen=True, slots=True)
class Patience:
    """How many `seconds` a page may take, and how many as long as it cannot have arrived: then others are called."""

    seconds: float
    untold: float = inf


class Channel(Model):
    """One way to call a person; a new channel is one file with one subclass and a `key` of its own."""

    model_config = ConfigDict(hide_input_in_errors=True)  # a secret pasted in place of its reference is not printed

    key: ClassVar[str]

    @property
    def gathers_news(self) -> bool:
        """Whether news of an incident that come at the same time are one page, with a line for each of them."""
        return True

    def does(self, action: Action) -> bool:
        """Whether this channel has a way to do `action`; a page that asks for another one is skipped."""
        return action in {"trigger", "resolve"}

    def send(self, page: Page, *, secrets: Secrets) -> Receipt:
        """Tells `page` once, however often it must be said, and comes back before the channel's deadline.

        Whatever the network does, and whatever secret is missing, is a receipt and not an exception.
        """
        raise NotImplementedError

    def send_within(self, page: Page, *, secrets: Secrets, patience: Patience) -> Receipt:
        """The same where somebody waits less long; a channel that cannot hurry takes the time that it needs."""
        return self.send(page, secrets=secrets)

    def written(self) -> dict[str, Any]:
        """The channel as contacts.yml has it: its key and its options, which hold references to secrets only."""
        return {self.key: self.model_dump(mode="json", by_alias=True, exclude_unset=True)}

    def destination(self) -> str:
        """Where it leads, for people to read: of an address the host alone, as the rest of it may be a secret."""
        (options,) = self.written().values()
        words = (f"{name}={_readable(value)}" for name, value in options.items())
        return " ".join((self.key, *words))

    def check(self, secrets: Secrets) -> None:
        """Look whether the secrets by which it tells are there, and tell nobody.

        Raises:
            SecretMissingError: one is not.
        """

    def incident(self, dedup_key: str, *, secrets: Secrets) -> IncidentState | None:
        """How the incident stands on the other side; None where nobody can ask there, or no such incident is known.

        Raises:
            InquiryError: that cannot be known just now.
            SecretMissingError: a secret for it is not there.
        """
        return None

    def problems(self, page: Page) -> Sequence[str]:
        """Why the other side would refuse `page`, a sentence each, as far as one can know without asking it."""
        return ()


def _readable(value: object) -> str:
    """An option of a channel in one line."""
    if isinstance(value, Mapping):
        return ",".join(f"{name}={_readable(item)}" for name, item in value.items())
    if isinstance(value, list | tuple):
        return ",".join(map(_readable, value))
    parts = urlsplit(str(value))
    return f"{parts.scheme}://{parts.netloc}/..." if parts.scheme in {"http", "https"} else " ".join(str(value).split())


def deliver(channel: Channel, page: Page, secrets: Secrets, patience: Patience) -> Receipt:
    """The receipt of `page` from `channel`; a defect of one channel keeps nobody else from being called."""
    try:
        if channel.does(page.action):
            return channel.send_within(page, secrets=secrets, patience=patience)
        return Receipt(channel.key, "skipped", 0, f"{channel.key} has no way to {WORDS[page.action]}", sent=False)
    except BaseException as error:  # noqa: BLE001 - its text may hold a secret
        name = getattr(channel, "key", type(channel).__name__)
        return Receipt(name, "deferred", 1, f"a defect of this channel ({type(error).__name__})")


class SecretMissingError(RunbookError):
    """A reference to a secret leads nowhere, or to something that cannot be the secret."""

    exit_code = ExitCode.PAGING


def reveal(reference: str, secrets: Secrets) -> str:
    """The value of `reference`, without the white space that editors and `echo` put around it.

    Raises:
        SecretMissingError: there is no such secret, or it is blank.
    """
    why = ""
    try:
        value = secrets(reference).strip()
    except grammar.SecretUnavailableError as error:
        value, why = "", str(error)  # which quotes nothing that was read
    except (LookupError, OSError, ValueError, RunbookError):
        value = ""
    if not value:
        _missing(reference, why)  # outside of the handler: an error of the resolver may quote what it read
    return value


def _missing(reference: str, why: str) -> NoReturn:
    source, _, name = reference.partition(":")
    mend = {"env": f"set the environment variable {name}", "file": f"write the secret to {name}, readable by you"}
    hint = mend.get(source) or why or "write the secret there"
    raise SecretMissingError(f"the secret {reference} is missing or blank", hint=hint)


_NO_REFERENCE = "write where the secret is, env:NAME or file:/path or as an input has it, never the secret itself"


def _reference(text: str) -> str:
    try:
        reference = grammar.SecretReference.parse(text)
    except ValueError:
        raise ValueError(_NO_REFERENCE) from None
    if reference.kind == grammar.PROMPT:
        raise ValueError(f"{_NO_REFERENCE}: nobody is asked when somebody is called")
    if reference.kind in grammar.PATHS and not reference.where.startswith(("/", "~/")):
        raise ValueError(f"{_NO_REFERENCE}, with the whole path of the file")
    return text


SecretReference = Annotated[
    str,
    AfterValidator(_reference),
    WithJsonSchema(
        {"type": "string", "pattern": _REFERENCE, "examples": ["env:PAGERDUTY_ROUTING_KEY", "file:/run/secrets/key"]}
    ),
]
"""Where a secret is, never the secret."""
