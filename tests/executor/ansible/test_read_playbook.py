"""A playbook that was read for several forks is what Ansible reads itself, in each of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from ansible.parsing.dataloader import DataLoader
from harness import PATIENCE

from runner.executor.ansible.read_playbook import copy_nothing_of, read_playbook

PLAY = """\
- hosts: all
  gather_facts: false
  vars: {word: &word "{{ 1 + 1 }}", again: *word, plain: !unsafe "{{ 1 }}"}
  tasks:
    - name: Tell
      ansible.builtin.debug: {msg: "%s {{ word }} {{ again }} {{ plain }}"}
"""


@pytest.fixture(autouse=True)
def _own_loader(monkeypatch):
    monkeypatch.setattr(DataLoader, "load_from_file", DataLoader.load_from_file)


@pytest.fixture
def playbook(tmp_path):
    file = tmp_path / "play.yml"
    file.write_text(PLAY % "first")
    return file


def as_read(value):
    """A value, with its types and with where Ansible says that it comes from."""
    tags = sorted(map(repr, getattr(value, "_ansible_tags_mapping", None) or ()), key=str)
    if isinstance(value, dict):
        return type(value), tags, [(as_read(key), as_read(item)) for key, item in value.items()]
    if isinstance(value, list):
        return type(value), tags, [as_read(item) for item in value]
    return type(value), tags, repr(value)


def stock(file):
    return DataLoader().load_from_file(str(file), trusted_as_template=True)


def test_it_is_what_ansible_reads(playbook):
    assert as_read(read_playbook(playbook).data) == as_read(stock(playbook))


def test_it_is_read_once_until_it_changes(playbook):
    first = read_playbook(playbook)
    again = read_playbook(playbook, first)
    status = playbook.stat()
    playbook.write_text(PLAY % "other")
    os.utime(playbook, ns=(status.st_atime_ns, status.st_mtime_ns))  # as long, and of the same time

    changed = read_playbook(playbook, again)

    assert (again is first, changed is first) == (True, False)
    assert as_read(changed.data) == as_read(stock(playbook))


@pytest.mark.parametrize("content", [b"- a: b: c", b"\xff", None])
def test_one_that_is_refused_is_left_to_the_fork(tmp_path, content):
    file = tmp_path / "play.yml"
    if content is not None:
        file.write_bytes(content)

    assert read_playbook(file) is None


def test_only_the_playbook_is_what_was_read(playbook, tmp_path):
    # Given a playbook that has been read, and then changes, and another file
    other = tmp_path / "other.yml"
    other.write_text("word: yes")
    copy_nothing_of(read_playbook(playbook))
    playbook.write_text(PLAY % "second")
    loader = DataLoader()
    loader.set_basedir(str(tmp_path))

    # When Ansible reads both as it reads a playbook, and the first one as it reads variables
    found = loader.load_from_file("play.yml", trusted_as_template=True)
    as_variables = DataLoader().load_from_file(str(playbook))

    # Then the playbook is the one that was read, and nothing else is
    assert found[0]["tasks"][0]["ansible.builtin.debug"]["msg"].startswith("first")
    assert as_variables[0]["tasks"][0]["ansible.builtin.debug"]["msg"].startswith("second")
    assert loader.load_from_file("other.yml", trusted_as_template=True) == {"word": True}


FORKED = """\
import json, os, subprocess, sys
from pathlib import Path
from runner.executor.ansible import ansible_runner_adapter
from runner.executor.ansible.read_playbook import read_playbook
assert ansible_runner_adapter.prepare()
directory, texts, playbook = sys.argv[1], json.load(sys.stdin), None
for text in texts:
    (Path(directory) / "play.yml").write_text(text)
    playbook = read_playbook(Path(directory, "play.yml"), playbook)
    with open("/dev/null") as nothing:
        words = ["ansible-playbook", "-i", "localhost,", "-c", "local", "play.yml"]
        streams = {"stdin": nothing, "stdout": sys.stdout, "stderr": sys.stdout}
        ansible_runner_adapter.run(words, cwd=directory, env=dict(os.environ), playbook=playbook, **streams)
"""


def test_each_fork_does_the_playbook_that_is_there(tmp_path):
    # Given a process whose forks do a playbook twice, another one, and the first again
    (tmp_path / "tmp").mkdir()
    (tmp_path / "ansible.cfg").touch()
    own = {"ANSIBLE_CONFIG": f"{tmp_path}/ansible.cfg", "ANSIBLE_LOCAL_TEMP": f"{tmp_path}/tmp", "LC_ALL": "C.UTF-8"}
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    texts = [PLAY % word for word in ("first", "first", "second", "first")]

    # When it does so
    asked = {"env": {"PATH": path, "HOME": str(tmp_path), **own}, "timeout": PATIENCE, "input": json.dumps(texts)}
    words = [sys.executable, "-c", FORKED, str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, check=True, **asked)

    # Then each has said what stood there
    said = [line.split('"')[3] for line in done.stdout.splitlines() if '"msg"' in line]
    assert said == [f"{word} 2 2 {{{{ 1 }}}}" for word in ("first", "first", "second", "first")]
