"""How a probe is asked: by environment variables, in which a secret is seen by nobody else."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

PREFIX = "PROBE_"
"""What the environment variables begin with that hold a question."""

Question = Mapping[str, str]
"""What is asked, by the names of the environment variables without `PREFIX`."""


def check_address(url: str) -> None:
    """That `url` is an address with http: or https: and without a password in it.

    Raises:
        ValueError: it is none; the message does not repeat it.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("its address does not begin with http:// or https://")
    if "@" in parts.netloc:
        raise ValueError("there is a user in its address; a password is given by `token`")
