"""Ansible's own complaint about a key that stands twice is told with both places."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from runner.execution.duplicates import duplicate_key


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
