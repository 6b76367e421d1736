"""Contacts are read with all their faults at once, and never with a secret in a message."""

from __future__ import annotations

import pytest

from runner.channels.github import GitHub
from runner.channels.pagerduty import PagerDuty
from runner.channels.webhook import Webhook
from runner.model.contacts import Contact, read_contacts
from runner.model.yaml.finding import InvalidFileError


@pytest.fixture
def findings(tmp_path):
    def read(text):
        path = tmp_path / "contacts.yml"
        path.write_text(text)
        with pytest.raises(InvalidFileError) as caught:
            read_contacts(path)
        return [
            f"{each.line}:{each.column} {each.path}: {each.message}" + (f"; {each.hint}" if each.hint else "")
            for each in caught.value.findings
        ]

    return read


def test_people_and_the_ways_to_call_them(tmp_path):
    path = tmp_path / "contacts.yml"
    path.write_text(
        "owners: {name: Owners}\n"
        "on-call:\n"
        "  name: On-call engineer\n"
        "  level: L2\n"
        "  channels: [{pagerduty: {routing_key: env:KEY}}, {webhook: {url: 'http://127.0.0.1:9/'}}]\n"
    )
    assert read_contacts(path) == {
        "owners": Contact(name="Owners"),
        "on-call": Contact(
            name="On-call engineer",
            level="L2",
            channels=(PagerDuty(routing_key="env:KEY"), Webhook(url="http://127.0.0.1:9/")),
        ),
    }


def test_without_a_file_nobody_is_known(tmp_path):
    assert read_contacts(tmp_path / "contacts.yml") == {}


def test_all_faults_are_found_at_once(findings):
    assert findings(
        "a: hello\n"
        "b: {nmae: B}\n"
        "c: {name: C, level: L4, channels: [pigeon]}\n"
        "d: {name: D, channels: [{pagerdutty: {}}, {pagerduty: {}}, {carrier: {}}]}\n"
        "e: {name: E, channels: pagerduty}\n"
        "F g: {name: F}\n"
    ) == [
        "1:1 a: a contact is a mapping with `name` and `channels`",
        "2:1 b.name: is missing",
        "2:5 b.nmae: unknown key 'nmae'; did you mean 'name'?",
        "3:14 c.level: must be L1, L2 or L3, not 'L4'",
        "3:36 c.channels[0]: a channel is a mapping with one key, one of command, email, github, jira, pagerduty, slack, webhook",
        "4:26 d.channels[0].pagerdutty: unknown channel 'pagerdutty'; did you mean 'pagerduty'?",
        "4:44 d.channels[1].pagerduty.routing_key: is missing",
        "4:61 d.channels[2].carrier: unknown channel 'carrier'; known channels are command, email, github, jira, pagerduty, slack, webhook",
        "5:14 e.channels: must be a list, not text",
        "6:1 ['F g']: 'F g' is not a word like database-lead",
    ]


def test_a_secret_in_place_of_its_reference_is_not_repeated(findings):
    (said,) = findings("a: {name: A, channels: [{pagerduty: {routing_key: 0123456789abcdef}}]}\n")
    assert "0123456789abcdef" not in said
    assert said.endswith(
        "write where the secret is, env:NAME or file:/path or as an input has it, never the secret itself"
    )


def test_the_contacts_of_this_library_load():
    from runner.library.library import Library  # noqa: PLC0415

    library = Library.shipped()
    assert {"on-call", "database-lead"} <= set(library.contacts(library.source("RUN-001")))


def test_a_contact_may_say_how_it_is_mentioned(tmp_path):
    path = tmp_path / "contacts.yml"
    path.write_text('dba: {name: Database team, handle: "@db-team"}\n')
    assert read_contacts(path) == {"dba": Contact(name="Database team", handle="@db-team")}


def test_a_contact_with_nothing_but_tickets_cannot_be_called():
    tickets, hook = GitHub(repository="team/ops", token="env:A"), Webhook(url="https://hooks.example.com/")

    assert [Contact(name="A", channels=channels).is_callable for channels in ((), (tickets,), (tickets, hook))] == [
        False,
        False,
        True,
    ]
