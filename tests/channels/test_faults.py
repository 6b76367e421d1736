"""Every channel against every fault of network and server: an end in time, the right class, and one incident.

`RUNBOOK_TEST_FAULTS=real` takes the real deadline and real pauses, also where a server never answers.
"""

from __future__ import annotations

import os
import socket
from dataclasses import replace

import pytest
from harness.fault_server import FaultServer
from harness.mail_server import MailServer
from harness.receivers import GitHubRepository, JiraSite, PagerDutyAccount, SlackWorkspace, WebhookReceiver

from runner.channels.email import Email
from runner.channels.github import GitHub
from runner.channels.jira import Jira
from runner.channels.pagerduty import PagerDuty
from runner.channels.slack import Slack
from runner.channels.transport import Transport
from runner.channels.webhook import Webhook

REAL = Transport()
PATIENT = Transport(sleep=lambda seconds: None, jitter=lambda: 0.0)
HURRIED = Transport(deadline=0.4, attempt=0.1, jitter=lambda: 0.0)
IS_REAL = os.environ.get("RUNBOOK_TEST_FAULTS") == "real"
SILENT = {"never answers", "a byte at a time", "a header byte at a time", "never ends the handshake"}


def transport_for(fault):
    """No pause takes time; what waits for an answer that never comes gives up soon."""
    return REAL if IS_REAL else HURRIED if fault in SILENT else PATIENT


def note(root):
    written = {"routing_key": "env:KEY", "token": "env:REST", "from": "on-call@example.com", "api": root}
    return PagerDuty.model_validate(written)


class Notes(PagerDutyAccount):
    """An account that has the incident already; what is counted are its notes."""

    def __init__(self):
        super().__init__(alerts={"RUN-001/production/MON-005": "trigger"})

    @property
    def incidents(self):
        return len(self.all_notes)


CHANNELS = {
    "pagerduty": (lambda root: PagerDuty(routing_key="env:KEY", url=f"{root}/v2/enqueue"), PagerDutyAccount),
    "pagerduty-note": (note, Notes),
    "github": (lambda root: GitHub(repository="team/ops", token="env:GITHUB", url=root), GitHubRepository),
    "jira": (lambda root: Jira(url=root, project="OPS", token="env:JIRA", user="ops@example.com"), JiraSite),
    "slack": (lambda root: Slack(token="env:TOKEN", channel="C0000001", url=root), SlackWorkspace),
    "slack-webhook": (lambda root: Slack(webhook="env:HOOK"), SlackWorkspace),
    "webhook": (lambda root: Webhook(url=f"{root}/hook", signing_key="env:KEY"), WebhookReceiver),
}
"""A channel for an address, and what stands there, which counts incidents."""

ACTIONS = {"pagerduty-note": "progress", "github": "ticket", "jira": "ticket"}
"""What is sent, where it is not a trigger."""

FAULTS = {
    "400": ("400", "refused"),
    "408": ("408", "deferred"),
    "429": ("429", "deferred"),
    "429 with Retry-After": (("429", {"Retry-After": "30"}), "deferred"),
    "500": ("500", "deferred"),
    "503": ("503", "deferred"),
    "never answers": ("slow", "deferred"),
    "a byte at a time": ("drip", "deferred"),
    "a header byte at a time": ("drip-head", "deferred"),
    "hangs up": ("rst", "deferred"),
    "accepts and loses the answer": ("accept_then_rst", "deferred"),
    "HTML with 202": ("html", "deferred"),
    "redirect": ("redir", "refused"),
}
BELIEVES = {("webhook", "HTML with 202")}
"""Any 2xx of a team's own receiver is an acceptance."""
CANNOT_ASK = {("slack-webhook", "accepts and loses the answer")}
"""Nobody can ask whether the message is there: twice is better than never."""


def send(name, page, root, fault=""):
    secrets = {
        "env:KEY": "k" * 32,
        "env:TOKEN": "xoxb-1",
        "env:REST": "rest-1",
        "env:GITHUB": "ghp-1",
        "env:JIRA": "je-1",
        "env:HOOK": f"{root}/hook",
    }.__getitem__
    page = replace(page, action=ACTIONS.get(name, "trigger"))
    return CHANNELS[name][0](root).send(page, secrets=secrets, transport=transport_for(fault))


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", CHANNELS)
def test_a_fault_of_the_server_has_its_class_and_after_it_there_is_one_incident(name, fault, page):
    service = CHANNELS[name][1]()
    mode, status = FAULTS[fault]
    with FaultServer(mode, service=service) as server:
        first = send(name, page, server.root, fault)
        server.modes = ("ok",)
        second = send(name, page, server.root)

    assert first.status == ("accepted" if (name, fault) in BELIEVES else status)
    assert second.status == "accepted"
    assert service.incidents == 1 or (name, fault) in CANNOT_ASK


def unresolved(*arguments, **more):
    raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")


@pytest.mark.parametrize("name", CHANNELS)
def test_what_never_reaches_the_server_is_not_sent_and_told_later(name, page, monkeypatch):
    service = CHANNELS[name][1]()
    with FaultServer("ok", service=service) as server, socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setattr(socket, "getaddrinfo", unresolved)
        no_name = send(name, page, "https://api.example.test")
        monkeypatch.undo()
        nobody = send(name, page, server.root.replace(str(server.port), str(unused_port())))
        slow_tls = send(name, page, f"https://127.0.0.1:{silent.getsockname()[1]}", "never ends the handshake")
        last = send(name, page, server.root)

    assert [(each.status, each.sent) for each in (no_name, nobody, slow_tls)] == [("deferred", False)] * 3
    assert [no_name.may_have_arrived, last.ok, service.incidents] == [False, True, 1]


@pytest.mark.parametrize("name", CHANNELS)
def test_a_certificate_nobody_vouches_for_gets_nothing(name, page, tls, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    with FaultServer("ok", tls=tls, service=CHANNELS[name][1]()) as server:
        receipt = send(name, page, server.root)

    assert (receipt.status, receipt.attempts, server.requests) == ("refused", 1, [])


MAIL_FAULTS = {
    "busy": (("", "421 busy"), "deferred"),
    "no": (("", "554 no"), "refused"),
    "full": ((".", "452 full"), "deferred"),
    "never answers": ("slow", "deferred"),
    "a byte at a time": ("drip", "deferred"),
    "hangs up": ("rst", "deferred"),
    "accepts and loses the answer": ("accept_then_rst", "deferred"),
    "not SMTP": ("garbage", "deferred"),
    "never ends the handshake": (("STARTTLS", "220 go ahead"), "deferred"),
    "no STARTTLS": ("plain", "refused"),
}


def mail(page, port, fault="", host="127.0.0.1"):
    written = {"from": "a@example.com", "to": ["b@example.com"], "server": host, "port": port}
    return Email.model_validate(written).send(page, secrets=dict.__getitem__, transport=transport_for(fault))


@pytest.mark.parametrize("fault", MAIL_FAULTS)
def test_a_fault_of_a_mail_server_has_its_class_and_after_it_there_is_one_message(fault, page, trusted_tls):
    mode, status = MAIL_FAULTS[fault]
    with MailServer(mode, tls=trusted_tls) as server:
        first = mail(page, server.port, fault)
        server.modes = ("ok",)
        second = mail(page, server.port)

    assert (first.status, second.status, server.incidents) == (status, "accepted", 1)


def test_mail_that_never_reaches_a_server_is_not_sent(page, tls, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    with MailServer("ok", tls=tls) as server:
        untrusted = mail(page, server.port)
    nobody = mail(page, unused_port())
    monkeypatch.setattr(socket, "getaddrinfo", unresolved)
    no_name = mail(page, 25, host="mail.example.test")

    assert [(each.status, each.sent) for each in (untrusted, nobody, no_name)] == [
        ("refused", True),
        ("deferred", False),
        ("deferred", False),
    ]
    assert server.letters == []


def test_the_same_page_keeps_its_name_whatever_happened_before(page):
    named = replace(page, id="outbox-7")
    service = WebhookReceiver()
    with FaultServer("accept_then_rst", "503", "ok", service=service) as server:
        for _ in range(3):
            send("webhook", named, server.root)

    assert service.ids == {"outbox-7"}


def unused_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]
