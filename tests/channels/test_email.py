"""A mail server gets each page once as far as a mailbox shows it, over TLS, and its answer decides."""

from __future__ import annotations

from dataclasses import replace

import pytest
from harness.mail_server import MailServer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from runner.channels.base import Receipt, SecretMissingError
from runner.channels.email import Email, message
from runner.channels.transport import Transport

SECRETS = {"env:MAIL_PASSWORD": "s3cret"}.__getitem__
WRITTEN = {"from": "runbook@example.com", "to": ["db@example.com", "lead@example.com"], "server": "127.0.0.1"}


def channel(server, **changes):
    return Email.model_validate({**WRITTEN, "port": server.port, "encryption": "none", **changes})


def send(page, *modes, transport, **changes):
    with MailServer(*modes) as server:
        receipt = channel(server, **changes).send(page, secrets=SECRETS, transport=transport)
    return receipt, server


def test_a_page_is_a_message_that_a_person_can_read(page, transport):
    receipt, server = send(page, "ok", transport=transport)

    assert receipt == Receipt("email", "accepted", 1, "answered 250")
    [letter] = server.letters
    assert {name: letter[name] for name in ("From", "To", "Date", "Auto-Submitted", "Importance")} == {
        "From": "runbook@example.com",
        "To": "db@example.com, lead@example.com",
        "Date": "Sun, 01 Mar 2026 03:00:05 +0000",
        "Auto-Submitted": "auto-generated",
        "Importance": "high",
    }
    assert letter["Subject"].lstrip() == page.summary  # the space is that of a folded line
    assert letter.get_content().replace("\r", "") == (
        f"{page.summary}\n\nThis is to: call for an incident\nSeverity: critical\n"
        "Where: db1.example.com, production, RUN-001\nWhen: 2026-03-01 03:00:05 UTC\n"
        "Incident: RUN-001/production/MON-005\nThe runbook: https://wiki.example.com/RUN-001\n\n"
        "timeline:\n03:00 verify-alert passed\n\nstuck:\npid: 4711\n\naudit_head:\n9f86d081\n"
    )


def test_the_pages_of_an_incident_are_one_conversation_and_each_has_its_own_name(page):
    pages = [page, replace(page, action="progress", id="2"), replace(page, action="resolve")]
    letters = [message(each, "a@example.com", ("b@example.com",)) for each in pages]

    assert len({letter["Message-ID"] for letter in letters}) == 3
    assert len({letter["References"] for letter in letters}) == 1
    assert letters[0]["Message-ID"] == message(page, "a@example.com", ("b@example.com",))["Message-ID"]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (("", "421 busy"), ("deferred", 5, "answered 421: busy{late}")),
        (("", "554 no"), ("refused", 1, "answered 554: no")),
        (("MAIL", "452 full"), ("deferred", 5, "answered 452: full{late}")),
        (("RCPT", "550 nobody"), ("refused", 1, "answered 550: nobody")),
        (("RCPT", "451 grey"), ("deferred", 5, "answered 451: grey{late}")),
        (("DATA", "554 spam"), ("refused", 1, "answered 554: spam")),
        ((".", "451 later"), ("deferred", 5, "answered 451: later{late}")),
        ((".", "552 too large"), ("refused", 1, "answered 552: too large")),
        ("garbage", ("deferred", 5, "the answer is not SMTP{late}")),
    ],
)
def test_the_answer_decides(mode, expected, page, transport, late):
    status, attempts, reason = expected
    receipt, server = send(page, mode, transport=transport)

    assert replace(receipt, sent=True) == Receipt("email", status, attempts, reason.format(late=late))
    assert (server.connections, server.letters) == (attempts, [])


def test_a_message_whose_answer_is_lost_is_one_message_in_the_mailbox(page, transport):
    receipt, server = send(page, "accept_then_rst", "ok", transport=transport)

    assert (receipt.status, receipt.attempts) == ("accepted", 2)
    assert (len(server.letters), server.incidents) == (2, 1)


def test_a_password_that_is_wrong_is_refused_and_not_shown(page, transport):
    changes = {"user": "runbook", "password": "env:MAIL_PASSWORD"}
    receipt, _ = send(page, ("AUTH", "535 no"), transport=transport, **changes)

    assert receipt == Receipt("email", "refused", 1, "answered 535: no")


def test_a_server_without_starttls_gets_nothing(page, transport, trusted_tls):
    with MailServer("plain", tls=trusted_tls) as server:
        receipt = channel(server, encryption="starttls").send(page, secrets=SECRETS, transport=transport)

    assert receipt == Receipt("email", "refused", 1, "the mail server offers no STARTTLS, or no way to log in")
    assert server.letters == []


def test_a_certificate_that_nobody_vouches_for_gets_nothing(page, transport, tls, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    with MailServer("ok", tls=tls) as server:
        receipt = channel(server, encryption="starttls").send(page, secrets=SECRETS, transport=transport)

    assert (receipt.status, receipt.attempts, server.letters) == ("refused", 1, [])
    assert receipt.reason.startswith("the certificate is not trusted (self-signed certificate)")


@pytest.mark.parametrize("encryption", ["starttls", "tls"])
def test_a_real_mail_server_takes_it_over_tls_from_who_has_logged_in(encryption, page, trusted_tls):
    controller = pytest.importorskip("aiosmtpd.controller", reason="install the extra [test]")
    smtp = pytest.importorskip("aiosmtpd.smtp")
    letters, logins = [], []

    class Mailbox:
        async def handle_DATA(  # noqa: N802 - aiosmtpd's name
            self, server, session, envelope
        ):
            letters.append((envelope.rcpt_tos, bool(session.ssl)))
            return "250 taken"

    def login(server, session, envelope, mechanism, data):
        logins.append((data.login, data.password))
        return smtp.AuthResult(success=True)

    kind = controller.Controller
    options = {"tls_context": trusted_tls, "require_starttls": True, "auth_require_tls": True}
    if encryption == "tls":
        options = {"ssl_context": trusted_tls, "auth_require_tls": False}
    with_port = kind(Mailbox(), hostname="127.0.0.1", port=free_port(), authenticator=login, **options)
    with_port.start()
    try:
        changes = {"encryption": encryption, "user": "runbook", "password": "env:MAIL_PASSWORD"}
        receipt = channel(with_port, **changes).send(page, secrets=SECRETS, transport=Transport())
    finally:
        with_port.stop()

    assert receipt == Receipt("email", "accepted", 1, "answered 250")
    assert letters == [(["db@example.com", "lead@example.com"], True)] or letters == [
        (WRITTEN["to"], encryption != "tls")
    ]
    assert logins == [(b"runbook", b"s3cret")]


def free_port():
    with MailServer() as server:
        return server.port


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"server": "mail.example.com", "encryption": "none"}, "only to this machine"),
        ({"user": "runbook"}, "user and password belong together"),
        ({"password": "env:A"}, "user and password belong together"),
        ({"password": "s3cret", "user": "a"}, "never the secret itself"),
        ({"to": []}, "is an empty list"),
        ({"to": ["db@example.com\nBcc: all@example.com"]}, "pattern"),
        ({"from": "nobody"}, "pattern"),
        ({"port": 0}, "greater than or equal to 1"),
    ],
)
def test_what_could_not_work_does_not_load(changes, complaint):
    with pytest.raises(ValidationError, match=complaint):
        Email.model_validate({**WRITTEN, **changes})


def test_a_missing_password_says_how_to_mend_it(page):
    email = Email.model_validate({**WRITTEN, "user": "a", "password": "env:NO"})
    mend = "the secret env:NO is missing or blank: set the environment variable NO"

    assert email.send(page, secrets=SECRETS) == Receipt("email", "refused", 0, mend)
    with pytest.raises(SecretMissingError):
        email.check(SECRETS)


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=25)
def test_any_page_is_a_message_with_no_header_of_its_own(data, pages):
    letter = message(data.draw(pages), "a@example.com", ("b@example.com",))

    assert len(letter.as_bytes()) < 500_000
    assert set(letter.keys()) <= {
        *("From", "To", "Subject", "Date", "Message-ID", "References", "In-Reply-To", "Auto-Submitted", "Importance"),
        *("Content-Type", "Content-Transfer-Encoding", "MIME-Version"),
    }


def test_what_is_kept_of_it_is_read_again():
    email = Email.model_validate(WRITTEN)

    assert email.written() == {"email": WRITTEN}
    assert Email.model_validate(email.written()["email"]) == email
