"""Signs a request to AWS: Signature Version 4, of a POST with a form, or with another type of content.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

FORM = "application/x-www-form-urlencoded; charset=utf-8"


@dataclass(frozen=True)
class Credentials:
    """Who asks: the id of a key, the key, and the token of a session where it is one of a short time."""

    key_id: str
    key: str = field(repr=False)
    token: str = field(default="", repr=False)


def signed(
    url: str,
    body: bytes,
    *,
    service: str,
    region: str,
    credentials: Credentials,
    now: datetime,
    content_type: str = FORM,
) -> Mapping[str, str]:
    """The headers of a POST of `body` to `url`; `now` is the time in UTC."""
    parts, stamp = urlsplit(url), f"{now:%Y%m%dT%H%M%SZ}"
    given = {"content-type": content_type, "host": parts.netloc, "x-amz-date": stamp}
    given |= {"x-amz-security-token": credentials.token} if credentials.token else {}
    names = ";".join(sorted(given))
    lines = "".join(f"{name}:{given[name]}\n" for name in sorted(given))
    digest = hashlib.sha256(body).hexdigest()
    request = "\n".join(("POST", parts.path or "/", parts.query, lines, names, digest))
    scope = f"{now:%Y%m%d}/{region}/{service}/aws4_request"
    text = "\n".join(("AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(request.encode()).hexdigest()))
    key = f"AWS4{credentials.key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    who = f"Credential={credentials.key_id}/{scope}, SignedHeaders={names}, Signature={signature}"
    shown = {"Content-Type": content_type, "Host": parts.netloc, "X-Amz-Date": stamp}
    shown |= {"X-Amz-Security-Token": credentials.token} if credentials.token else {}
    return {**shown, "Authorization": f"AWS4-HMAC-SHA256 {who}"}
