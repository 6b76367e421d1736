"""What the tests of every channel share: pages, a transport that does not wait, a certificate, a specification."""

from __future__ import annotations

import json
import os
import ssl
import threading
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from harness import PATIENCE
from hypothesis import strategies as st
from openapi_core import OpenAPI

from runner.channels.base import Page
from runner.channels.transport import Transport

SPECIFICATION = "pagerduty-events-v2.openapi.json"
REST_SPECIFICATION = "pagerduty-rest-v2.openapi.json"


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    for name in ("HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def no_thread_stays():
    yield
    left = [thread for thread in threading.enumerate() if thread.name == "runbook-page"]
    for thread in left:
        thread.join(PATIENCE)
    assert [thread for thread in left if thread.is_alive()] == []


@pytest.fixture
def pauses():
    return []


@pytest.fixture
def transport(pauses):
    """The real deadline and the real backoff; only the pauses take no time, and are written down."""
    return Transport(sleep=pauses.append, jitter=lambda: 1.0)


@pytest.fixture
def late():
    """How `transport` ends the reason of a page it gave up on, after its fifth attempt."""
    return "; the next attempt, in 8.0 s, would pass the deadline of 8 s"


@pytest.fixture(scope="session")
def page():
    return Page(
        action="trigger",
        dedup_key="RUN-001/production/MON-005",
        summary="RUN-001 Database connection pool exhaustion: terminate-stuck failed on db1",
        severity="critical",
        source="db1.example.com",
        component="RUN-001",
        group="production",
        details={"timeline": ["03:00 verify-alert passed"], "stuck": [{"pid": 4711}], "audit_head": "9f86d081"},
        links=(("https://wiki.example.com/RUN-001", "The runbook"),),
        timestamp=datetime(2026, 3, 1, 3, 0, 5, 123000, tzinfo=UTC),
    )


@pytest.fixture(scope="session")
def pages():
    """Any page at all, with text and details as strange as a broken host can make them."""
    text = st.text(st.characters())  # half surrogate pairs included
    large = st.builds(lambda letter, size: letter * size, st.characters(), st.integers(0, 600_000))
    leaves = st.none() | st.booleans() | st.integers() | st.floats() | text | st.binary() | st.datetimes()
    values = st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(text, inner), max_leaves=20)
    return st.builds(
        Page,
        action=st.sampled_from(["trigger", "resolve"]),
        dedup_key=(text | large).filter(str.strip),
        summary=text | large,
        severity=st.sampled_from(["critical", "error", "warning", "info"]),
        source=text,
        component=text | large,
        group=text,
        details=st.dictionaries(text, values | large, max_size=8),
        links=st.lists(st.tuples(text | st.just("https://wiki.example.com/"), text | large), max_size=15).map(tuple),
        timestamp=st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1), timezones=st.timezones()),  # noqa: DTZ001
    )


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """A self-signed certificate with its key, in one file, for 127.0.0.1 and for events.pagerduty.test."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "fault server")])
    names = [x509.IPAddress(ip_address("127.0.0.1")), x509.DNSName("events.pagerduty.test")]
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(_key_usage("digital_signature", "key_cert_sign"), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(key.private_bytes(pem, pkcs8, serialization.NoEncryption()) + signed.public_bytes(pem))
    return path


def _key_usage(*uses):
    """What Python 3.13 wants to see in a certificate that vouches for itself."""
    known = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    known += ("key_cert_sign", "crl_sign", "encipher_only", "decipher_only")
    return x509.KeyUsage(**{use: use in uses for use in known})


@pytest.fixture
def tls(certificate):
    """What a server needs to speak TLS with `certificate`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
def trusted_tls(tls, certificate, monkeypatch):
    """The same, on a machine that trusts the certificate."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    return tls


@pytest.fixture(scope="session")
def specification():
    """PagerDuty's own description of the Events API v2."""
    return OpenAPI.from_dict(_published(SPECIFICATION))


@pytest.fixture(scope="session")
def rest_specification():
    """PagerDuty's own description of the REST API v2."""
    return _published(REST_SPECIFICATION)


def _published(name):
    path = Path(os.environ.get("RUNBOOK_SPECS", "no directory")) / name
    if not path.is_file():
        pytest.skip(f"set RUNBOOK_SPECS to a directory that has {name}")
    return json.loads(path.read_text())
