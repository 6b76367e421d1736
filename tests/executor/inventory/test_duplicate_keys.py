"""Ansible's own complaint about a key that stands twice is told with both places."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from runner.core.errors import ExecutionError
from runner.executor.inventory.duplicate_keys import check_json, duplicate_key


def complaint(path):
    """What ansible-inventory says about the inventory at `path`."""
    program = Path(sys.executable).with_name("ansible-inventory")
    environment = {**os.environ, "ANSIBLE_DUPLICATE_YAML_DICT_KEY": "error", "ANSIBLE_NOCOLOR": "1"}
    found = subprocess.run(
        [program, "-i", path, "--list"], env=environment, cwd=path.parent, capture_output=True, text=True, check=False
    )
    return found.stdout + found.stderr


@pytest.mark.parametrize(
    ("text", "key", "first", "second"),
    [
        ("all:\n  children:\n    web: {hosts: {h1: {}}}\n    db:\n    web: {hosts: {h3: {}}}\n", "web", 3, 5),
        ("all:\n  hosts:\n    h1: {}\n    h2: {}\n    h1: {port: 1}\n", "h1", 3, 5),
        ("all: {hosts: {h1: {}}}\nall: {hosts: {h2: {}}}\n", "all", 1, 2),
    ],
)
def test_both_places_are_named(tmp_path, text, key, first, second):
    path = tmp_path / "hosts.yml"
    path.write_text(text)

    assert duplicate_key(complaint(path)) == (
        f"{path}: the key {key!r} stands on line {first} and again on line {second}; Ansible would take the last alone, "
        "and miss what the first has"
    )


def test_where_the_file_is_gone_one_place_is_named(tmp_path):
    path = tmp_path / "hosts.yml"
    path.write_text("all: {hosts: {h1: {}}}\nall: {hosts: {h2: {}}}\n")
    words = complaint(path)
    path.unlink()

    assert "stands on line 2, and before it;" in duplicate_key(words)


def test_other_complaints_name_no_key():
    assert duplicate_key("ERROR! Could not match supplied host pattern\nOrigin: /a:1:2") == ""


TWICE = '{"all": {"children": {\n"web": {"hosts": {"h1": {}}},\n"web": {"hosts": {"h2": {}}}}}}'


@pytest.mark.parametrize("name", ["hosts.json", "hosts.yml", "hosts", "group_vars/web.json", "host_vars/h1/x.yml"])
def test_a_key_that_stands_twice_in_json_is_refused_as_ansible_says_nothing_of_it(tmp_path, name):
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(TWICE)
    if path.parent == tmp_path:
        assert duplicate_key(complaint(path)) == ""
    hosts = tmp_path / "all.yml"
    hosts.write_text("all: {hosts: {h1: {}}}\n")

    for inventory in (tmp_path, hosts if "_vars" in name else path):
        with pytest.raises(ExecutionError) as refused:
            check_json([inventory])
        assert refused.value.message == (
            f"{path}: the key 'web' stands on line 2 and again on line 3; Ansible would take the last alone, "
            "and miss what the first has"
        )


@pytest.mark.parametrize("text", ['{"a": {"h1": 1}, "b": {"h1": 2}}', "{a: 1, a: 2}", "", "[1]", "{"])
def test_other_files_are_left_to_ansible(tmp_path, text):
    (tmp_path / "hosts.json").write_text(text)
    check_json([tmp_path, tmp_path / "hosts.json", tmp_path / "nowhere"])


def test_an_inventory_that_is_not_utf_8_is_named_with_the_line(tmp_path):
    path = tmp_path / "hosts.ini"
    path.write_bytes(b"[web]\ncaf\xe9 ansible_host=10.0.0.1\n")

    with pytest.raises(ExecutionError) as caught:
        check_json([path])
    assert (caught.value.message, caught.value.hint) == (
        f"{path}:2: byte 0xE9 is not UTF-8, so no host is read",
        "save it as UTF-8",
    )
