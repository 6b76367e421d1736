"""Where a page may be sent: over HTTPS, over HTTP to this machine only, or to an e-mail address."""

from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, StringConstraints, WithJsonSchema

from runner.core.identifiers import is_loopback


def check_address(url: str) -> str:
    """`url` when a page may go there; no complaint quotes it, as many a webhook's address is itself a secret.

    Raises:
        ValueError: it may not.
    """
    parts = _split(url)
    if parts is None or not (url.isascii() and url.isprintable() and " " not in url):
        raise ValueError("write a whole address, like https://events.example.com/path, in ASCII and without spaces")
    if parts.username is not None or parts.password is not None:
        raise ValueError("an address must not hold a user or a password: use a header with a reference to the secret")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
        raise ValueError("a page goes over https://; http:// is for this machine only (127.0.0.1, [::1], localhost)")
    return url


def _split(url: str) -> SplitResult | None:
    """The parts of `url`, or None when it names no host or a port that cannot be."""
    try:
        parts = urlsplit(url)
        usable = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    return parts if usable else None


Address = Annotated[
    str, AfterValidator(check_address), WithJsonSchema({"type": "string", "format": "uri", "pattern": "^https?://"})
]
"""Where a page may be sent: https, or http on the loopback interface so that a drill can stand in for the world."""

MailAddress = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,253}$")]
"""An e-mail address as people have one: no name beside it, no quotes, nothing that could be a second header."""
