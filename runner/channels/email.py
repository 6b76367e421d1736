"""Calls by e-mail: SMTP with STARTTLS, one message for each page, all of an incident in one conversation."""

from __future__ import annotations

import socket
from contextlib import closing
from datetime import UTC
from email.utils import format_datetime
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from runner.channels import transport as network
from runner.channels.address import MailAddress
from runner.channels.base import WORDS, Action, Page, Receipt, SecretReference, Secrets, reveal
from runner.channels.exchange import Exchange
from runner.channels.payload import as_text, fit, one_line
from runner.core.fields import AtLeastOne
from runner.core.identifiers import is_loopback

if TYPE_CHECKING:  # imported where it is used: a command that reads contacts.yml does not wait for it
    from email.message import EmailMessage

LARGEST_DETAILS = 200_000
"""Bytes of a page's details in a message."""

_LONGEST_SUBJECT = 200
_AGAIN = range(400, 500)
"""Replies of SMTP that say that another attempt may succeed (RFC 5321 section 4.2.1)."""

Host = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.:-]{1,253}$")]


class Email(network.NetworkChannel):
    """A message by SMTP (RFC 5321), encrypted by STARTTLS or from the first byte, and never otherwise over a network.

    Its Message-ID is the same each time a page is sent, so that a mailbox shows a repetition once; all pages of an
    incident are one conversation.
    """

    key: ClassVar[str] = "email"

    to: AtLeastOne[MailAddress] = Field(description="Who gets it")
    sender: MailAddress = Field(alias="from", description="The address it comes from")
    server: Host = Field(description="The name of the mail server")
    port: int = Field(default=587, ge=1, le=65535, description="The port of the mail server")
    encryption: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="How it is encrypted; none is for a mail server on this machine only"
    )
    user: str | None = Field(default=None, description="The name by which to log in")
    password: SecretReference | None = Field(default=None, description="Where the password of user is")

    @model_validator(mode="after")
    def _safe(self) -> Self:
        if self.encryption == "none" and not is_loopback(self.server):
            raise ValueError("only to this machine (127.0.0.1, ::1, localhost) does mail go without encryption")
        if (self.user is None) != (self.password is None):
            raise ValueError("user and password belong together")
        return self

    def does(self, action: Action) -> bool:
        """Everything that is a message."""
        return action not in {"note", "ticket"}

    def tell(self, page: Page, secrets: Secrets, transport: network.Transport) -> Receipt:
        """Hands the message to the mail server."""
        password = reveal(self.password, secrets) if self.password else ""
        work = partial(self._submit, message(page, self.sender, self.to), password)
        return transport.repeat(self.key, lambda attempt: _verdict(attempt, work))

    def check(self, secrets: Secrets) -> None:
        """Look whether the password is there."""
        if self.password:
            reveal(self.password, secrets)

    def _submit(self, letter: EmailMessage, password: str, exchange: Exchange[list[str]]) -> list[str]:
        """Whom the mail server does not take it for, if it takes it for anybody."""
        import smtplib  # noqa: PLC0415
        import ssl  # noqa: PLC0415

        name, context = socket.gethostname(), ssl.create_default_context()
        smtp = smtplib.SMTP(local_hostname=name, timeout=exchange.silent)
        if self.encryption == "tls":
            smtp = smtplib.SMTP_SSL(local_hostname=name, timeout=exchange.silent, context=context)
        smtp._host = self.server  # type: ignore[attr-defined]  # noqa: SLF001 - whose certificate; connect() forgets it
        exchange.watch(lambda: smtp.sock)
        with closing(smtp):
            code, greeting = smtp.connect(self.server, self.port)
            if code != 220:  # noqa: PLR2004 - "Service ready"
                raise smtplib.SMTPConnectError(code, greeting)
            if self.encryption == "starttls":
                smtp.starttls(context=context)
            if self.user:
                smtp.login(self.user, password)
            smtp.sock.settimeout(exchange.limit)  # type: ignore[union-attr]
            exchange.departs()
            refused = smtp.send_message(letter, self.sender, self.to)
            smtp.putcmd("quit")
            return list(refused)


def message(page: Page, sender: str, to: tuple[str, ...]) -> EmailMessage:
    """The message that tells `page`."""
    from email.message import EmailMessage  # noqa: PLC0415
    from email.policy import SMTP  # noqa: PLC0415

    domain = sender.rpartition("@")[2]
    letter = EmailMessage(policy=SMTP)
    letter["From"], letter["To"] = sender, ", ".join(to)
    about = "" if page.summary.startswith(page.component) else f"{page.component}: "
    letter["Subject"] = one_line(f"{about}{page.summary}", _LONGEST_SUBJECT)
    letter["Date"] = format_datetime(page.timestamp.astimezone(UTC))
    letter["Message-ID"] = f"<{_digest(page.identity)}@{domain}>"
    letter["References"] = letter["In-Reply-To"] = f"<incident-{_digest(page.dedup_key)}@{domain}>"
    letter["Auto-Submitted"] = "auto-generated"  # RFC 3834: no answer to it by a machine
    if page.severity == "critical":
        letter["Importance"] = "high"
    letter.set_content(_body(page), cte="base64")
    return letter


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _body(page: Page) -> str:
    facts = {
        "This is to": WORDS[page.action],
        "Severity": page.severity,
        "Where": ", ".join(filter(None, (page.source, page.group, page.component))),
        "When": f"{page.timestamp.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC",
        "Incident": page.dedup_key,
    }
    links = [f"{one_line(text)}: {one_line(href)}" for href, text in page.links]
    details = [f"{one_line(name)}:\n{as_text(value)}" for name, value in fit(page.details, LARGEST_DETAILS).items()]
    head = "\n".join(
        [one_line(page.summary), "", *(f"{name}: {one_line(text)}" for name, text in facts.items()), *links]
    )
    return "\n\n".join([head, *details]) + "\n"


def _verdict(attempt: network.SendAttempt, work: partial[list[str]]) -> network.Verdict:
    """What the mail server's answer means; what is wrong with the network is left to the transport."""
    import smtplib  # noqa: PLC0415

    try:
        refused = attempt.do(work)
    except smtplib.SMTPRecipientsRefused as error:
        return _worst(list(error.recipients.values()))
    except smtplib.SMTPResponseException as error:
        return _worst([(error.smtp_code, error.smtp_error)])
    except smtplib.SMTPNotSupportedError:
        return network.Verdict("refused", "the mail server offers no STARTTLS, or no way to log in")
    but = f", but not for {', '.join(refused)}" if refused else ""
    return network.Verdict("accepted", f"answered 250{but}")


def _worst(replies: list[tuple[int, bytes | str]]) -> network.Verdict:
    """What several replies mean together: if any may change, another attempt is worth it."""
    code, text = min(replies, key=lambda reply: reply[0])
    if code < 0:
        return network.Verdict("again", "the answer is not SMTP")
    words = network.legible(text if isinstance(text, str) else text.decode("utf-8", "replace"))
    return network.Verdict("again" if code in _AGAIN else "refused", f"answered {code}: {words}")
