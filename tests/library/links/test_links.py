"""Links are found wherever they are written, each with its place, and followed in both directions."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness.ansible_loader import holding
from harness.collected import alert, collected, entry

from runner.library.links.links import host_names, links, of, resolve, technologies, to

RUNBOOK = {
    "trigger": {"alert": "MON-001"},
    "hosts": "web:!web[0]",
    "scope": {"handles": ["What RISK-001 is about, not SHA-256"], "excludes": [{"what": "More", "see": "RUN-002"}]},
    "steps": [
        {
            "id": "look",
            "name": "Look (MON-002)",
            "hosts": "db",
            "shell": "psql -l | sort",
            "verify": [{"exit": 0}, {"http": "http://127.0.0.1/", "that": "status == 200"}],
            "approve": {"says": "Do it?", "group": "on-call"},
            "undo": {"command": "rm x", "verify": [{"exit": 0}]},
            "on_failure": "RUN-003",
        }
    ],
}
REGISTRY = alert("MON-001", runbook="RUN-001") + entry("TECH-001", commands="[psql]", note="Like MON-001")


@pytest.fixture
def collection(tmp_path):
    return collected(tmp_path, RUNBOOK, registry=REGISTRY)


def test_every_link_is_found_with_its_place(collection):
    found = {(link.sort, link.target, link.where) for link in of("RUN-001", links(collection))}

    assert found == {
        ("contact", "backend-team", "owner"),
        ("contact", "on-call", "escalation.contacts[0]"),
        ("contact", "on-call", "steps[0].approve.group"),
        ("entry", "MON-001", "trigger.alert"),
        ("entry", "MON-002", "steps[0].name"),
        ("entry", "RISK-001", "scope.handles[0]"),
        ("runbook", "RUN-002", "scope.excludes[0].see"),
        ("runbook", "RUN-003", "steps[0].on_failure"),
        ("hosts", "web:!web[0]", "hosts"),
        ("hosts", "db", "steps[0].hosts"),
        ("program", "psql", "steps[0].shell"),
        ("entry", "TECH-001", "steps[0].shell"),
        ("program", "sort", "steps[0].shell"),
        ("program", "rm", "steps[0].undo.command"),
        ("program", "ansible.builtin.uri", "steps[0].verify[1].http"),
    }


def test_each_place_is_a_line_of_the_file(collection):
    for link in links(collection):
        line = Path(link.file).read_text().splitlines()[link.line - 1]
        assert str(link.place[-1]) in line or line.lstrip().startswith("-")


def test_entries_link_as_well_and_never_to_themselves(collection):
    assert {(link.source, link.target, link.where) for link in links(collection) if link.source != "RUN-001"} == {
        ("MON-001", "RUN-001", "runbook"),
        ("MON-001", "backend-team", "owner"),
        ("TECH-001", "backend-team", "owner"),
        ("TECH-001", "MON-001", "note"),
        ("TECH-001", "psql", "commands[0]"),
    }


def test_what_links_to_something(collection):
    assert [(link.source, link.where) for link in to(["MON-001"], links(collection))] == [
        ("RUN-001", "trigger.alert"),
        ("TECH-001", "note"),
    ]


def test_a_file_that_is_not_there_has_no_programs(tmp_path):
    step = {"id": "do", "name": "Do", "script": "absent.sh", "verify": [{"exit": 0}]}

    found = links(collected(tmp_path, {"steps": [step]}))

    assert [link.target for link in found if link.sort == "program"] == []


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("RUN-001", ["RUN-001"]),
        ("mon-001", ["MON-001"]),
        ("db", ["db"]),
        ("psql", ["psql"]),
        ("@on-call", ["on-call"]),
        ("@db-team", ["backend-team"]),
        ("DB-team", ["backend-team"]),
        ("@db-tea", []),
        ("team", []),
        ("@", []),
        ("", []),
        ("redis", []),
        ("ann", ["backend-team"]),
        ("db7", ["db7", "db"]),
        ("web1", ["web1"]),
        ("web2", ["web2", "web:!web[0]"]),
        ("web", ["web", "web:!web[0]"]),
        ("idle1", ["idle1"]),
        ("idle", ["idle"]),
    ],
)
def test_what_a_word_means(tmp_path, word, meant):
    collected(tmp_path, RUNBOOK, registry=REGISTRY)
    contacts = tmp_path / "runbooks" / "contacts.yml"
    changed = contacts.read_text().replace("Backend team", "Backend team (Slack @db-team)")
    contacts.write_text(changed.replace("{name: Backend", "{members: [ann], name: Backend"))
    (tmp_path / "inventories").mkdir()
    (tmp_path / "inventories" / "hosts.yml").write_text(
        "db: {children: {old: {hosts: {db7: }}}}\nweb: {hosts: {web1: , web2: }}\nidle: {hosts: {idle1: }}\n"
    )
    collection = collected(tmp_path)

    assert resolve(word, collection, links(collection), holding) == meant


def test_the_hosts_of_a_pattern():
    assert host_names("app:!app[0]:&eu,db*") == ["app", "eu", "db*"]
    assert host_names("app:!eu:!app[0]") == ["app"]


def test_a_program_belongs_to_its_technology(collection):
    assert technologies(collection) == {"psql": "TECH-001"}
