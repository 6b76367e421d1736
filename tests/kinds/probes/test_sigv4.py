"""A request to AWS is signed as botocore signs it, byte by byte."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.kinds.probes.sigv4 import FORM, Credentials, signed

NOW = datetime(2026, 3, 1, 12, 30, 45, tzinfo=UTC)
KEYS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40)


def by_botocore(url, body, *, service, region, credentials):
    auth = pytest.importorskip("botocore.auth")
    from botocore.awsrequest import AWSRequest  # noqa: PLC0415 - only where botocore is installed
    from botocore.credentials import Credentials as Theirs  # noqa: PLC0415

    request = AWSRequest("POST", url, {"Content-Type": FORM}, body)
    request.context["timestamp"] = f"{NOW:%Y%m%dT%H%M%SZ}"
    signer = auth.SigV4Auth(Theirs(credentials.key_id, credentials.key, credentials.token or None), service, region)
    request.headers["X-Amz-Date"] = request.context["timestamp"]
    if credentials.token:
        request.headers["X-Amz-Security-Token"] = credentials.token
    to_sign = signer.canonical_request(request)
    signature = signer.signature(signer.string_to_sign(request, to_sign), request)
    names = signer.signed_headers(signer.headers_to_sign(request))
    return f"AWS4-HMAC-SHA256 Credential={signer.scope(request)}, SignedHeaders={names}, Signature={signature}"


@given(KEYS, st.one_of(st.just(""), KEYS), st.dictionaries(st.text(max_size=20), st.text(max_size=20)))
def test_a_signature_is_that_of_botocore(key, token, form):
    credentials, body = Credentials("AKIDEXAMPLE", key, token), urlencode(form, errors="ignore").encode()
    for url in ("https://rds.eu-central-1.amazonaws.com/", "http://127.0.0.1:5000/"):
        asked = {"service": "rds", "region": "eu-central-1", "credentials": credentials}
        assert signed(url, body, now=NOW, **asked)["Authorization"] == by_botocore(url, body, **asked)


def test_the_key_is_not_shown():
    shown = repr(Credentials("AKIDEXAMPLE", "the-key", "the-token"))
    assert shown == "Credentials(key_id='AKIDEXAMPLE')"
