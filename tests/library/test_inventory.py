"""What the files of an inventory say is read as far as it is plain, and whatever is in them, nothing is run."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.library.inventory import encrypted, environments, names, names_path, variables, vaulted


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("all: {hosts: {a: , b: {x: 1}}, children: {web: {hosts: {c: }}, db: }}", ["all", "web", "db", "a", "b", "c"]),
        ("all: {hosts: {a: {key: !vault x}}}", ["all", "a"]),
        ("[web]\na x=1\n# b\n\n[db:children]\nweb\n[all:vars]\nx=1\n", ["web", "a", "db", "all"]),
        ("#!/bin/sh\necho {}\n", []),
        ("plugin: aws_ec2\n", ["plugin"]),
        ("all: [", []),
    ],
)
def test_the_hosts_and_groups_of_an_inventory(tmp_path, text, expected):
    (tmp_path / "hosts").write_text(text)

    assert names(tmp_path / "hosts") == expected


def test_a_directory_is_an_inventory_without_what_lies_beside_its_hosts(tmp_path):
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars" / "all.yml").write_text("secret: {hosts: {z: }}")
    (tmp_path / ".a.yml").write_text("y: {hosts: {y: }}")
    (tmp_path / "1.yml").write_text("all: {hosts: {a: }}")
    (tmp_path / "2.ini").write_text("[all]\nb\n")

    assert names(tmp_path) == ["all", "a", "b"]


def test_there_are_no_names_where_there_is_no_inventory(tmp_path):
    assert names(tmp_path / "absent") == []


def test_the_variables_of_groups_and_hosts(tmp_path):
    (tmp_path / "group_vars" / "all").mkdir(parents=True)
    (tmp_path / "group_vars" / "all" / "a").write_text(
        "one: &x !vault |\n  $ANSIBLE_VAULT\n---\ntwo: *x\n".replace("*x", "2")
    )
    (tmp_path / "host_vars").mkdir()
    (tmp_path / "host_vars" / "a.yml").write_text("three: 3")
    (tmp_path / "hosts.yml").write_text("g: {vars: {four: 4}, hosts: {a: {five: 5}}, children: {h: {vars: {six: 6}}}}")
    (tmp_path / "more.ini").write_text("[g]\na seven=7\n[g:vars]\neight = 8\n")
    (tmp_path / "broken.yml").write_text("g: [")
    (tmp_path / "program").write_text("#!/bin/sh\nnine=9\n")

    assert sorted(variables(tmp_path)) == ["eight", "five", "four", "one", "seven", "six", "three", "two"]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"group_vars/all.yml": "runbook_environment: lab\n"}, ["lab"]),
        (
            {"hosts.yml": "all: {vars: {runbook_environment: staging}, hosts: {a: {runbook_environment: 'lab'}}}"},
            ["lab", "staging"],
        ),
        ({"hosts": "[web]\na runbook_environment=local\n"}, ["local"]),
        ({"hosts": "[web:vars]\nrunbook_environment = 'local'\n"}, ["local"]),
        ({"hosts": "a\n"}, ["production"]),
    ],
)
def test_an_inventory_without_a_class_of_environment_is_production(tmp_path, files, expected):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)

    assert environments(tmp_path) == expected


def test_what_lies_beside_an_inventory_that_is_a_file_counts(tmp_path):
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars" / "all.yml").write_text("runbook_environment: lab\n")
    (tmp_path / "hosts").write_text("a\n")

    assert environments(tmp_path / "hosts") == ["lab"]
    assert variables(tmp_path / "hosts") == {"runbook_environment"}


def test_what_is_encrypted_is_named(tmp_path):
    for name in ("group_vars/all/vault.yml", "group_vars/all/plain.yml", "host_vars/a", "hosts"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("one: 1\n" if "plain" in name else "$ANSIBLE_VAULT;1.1;AES256\n6162\n")

    files = [tmp_path / name for name in ("group_vars/all/vault.yml", "host_vars/a", "hosts")]
    assert sorted(encrypted(tmp_path / "hosts")) == sorted(encrypted(tmp_path)) == files


def test_what_is_encrypted_by_itself_and_what_names_it_is_known_by_its_path(tmp_path):
    secret = "!vault |\n      $ANSIBLE_VAULT;1.1;AES256\n      6162\n"
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars" / "all.yml").write_text(
        f"vault_token: {secret}db:\n  name: shop\n  password: {secret}runbook_sql:\n  PGPASSWORD: {secret}"
        "token: '{{ vault_token }}'\nurl: 'http://{{ token }}@{{ db.name }}'\nport: 80\nother: '{{ vault_tokens }}'\n"
    )
    (tmp_path / "hosts.yml").write_text(
        "all: {hosts: {a: {dsn: 'x:{{ db[\"password\"] }}', n: '{{ dsn | length }}'}}}\n"
    )

    assert vaulted(tmp_path) == {"vault_token", "db.password", "token", "url", "dsn"}


def test_a_file_that_a_host_is_reached_with_is_found_also_in_the_midst_of_words(tmp_path):
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars" / "all.yml").write_text("ansible_ssh_common_args: -o UserKnownHostsFile=/run/lab/known\n")
    (tmp_path / "hosts.yml").write_text("all: {hosts: {a: {note: /run/laboratory/key}}}\n")

    assert [names_path(tmp_path, Path(place)) for place in ("/run/lab", "/run/la", "/run/laboratory")] == [
        True,
        False,
        True,
    ]
